"""All that one decision about a gang may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from peakfleet_planner.snapshot import Memory, PoolReading, SharedSpend, Spent
from peakfleet_planner.spec import MetricSeries

ACTIVE: Final = "active"
OVER: Final = frozenset(
    {"expired", "cancelled", "cancelling", "failed", "payment-failed", "unavailable", "unsupported"}
)
"""States of a reservation that will not become active any more; the others are waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReading:
    """A capacity reservation or block as it was seen.

    Args:
        state: In EC2's words, for example `scheduled` or `active`.
        zone: Its Availability Zone.
        instance_type: What it holds.
        total: Instances that it holds.
        available: Those of them that nobody uses.
        ends_at_epoch_seconds: Its end, in seconds since 1970. None: it has none.
    """

    state: str
    zone: str
    instance_type: str
    total: int
    available: int
    ends_at_epoch_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GangSigns:
    """What the machines have left beside their checkpoints.

    Args:
        finished: Whether the training run is done.
        stopped: Why the present formation stopped: `failed`, its program ended with an error;
            `notice`, a machine has to go. None: it has not.
    """

    finished: bool = False
    stopped: Literal["failed", "notice"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GangMemory:
    """What the state table remembers of a gang.

    Args:
        formation: Number of the last formation, which is when it was formed, in seconds since
            1970. 0: there was none.
        members: Ids of its machines. Empty: none is formed.
        forming_since: Since when a formation is awaited; None: it is not.
        released_at: When the machines were last let go; None: they were not, since the launch.
        ends_at: End of the reservation as last seen; None: it has none, or was never seen.
        failures: Formations in a row whose program failed early.
        saved_for: Which demand for a checkpoint has been passed on; 0: none.
        spent: What was spent this month; None: nobody knows.
    """

    formation: int = 0
    members: tuple[str, ...] = ()
    forming_since: int | None = None
    released_at: int | None = None
    ends_at: int | None = None
    failures: int = 0
    saved_for: int = 0
    spent: Spent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GangSnapshot:
    """What a tick observed.

    Args:
        now_epoch_seconds: The tick's time, in seconds since 1970 (UTC).
        group: The group; None if it could not be read.
        reservation: The reservation; None if there is none or it could not be read.
        wanted: The units that the fleet wants which goes first. Default: nothing was read.
        signs: What the machines say; None if it could not be read.
        memory: Hold and outages; None if the state table could not be read.
        gang: What is remembered of the gang; None if the state table could not be read.
        shared_spend: The limits that it shares, by name; one that is missing could not be read.
            Default: none.
    """

    now_epoch_seconds: int
    group: PoolReading | None
    reservation: ReservationReading | None = None
    wanted: MetricSeries = field(default_factory=MetricSeries)
    signs: GangSigns | None = field(default_factory=GangSigns)
    memory: Memory | None = field(default_factory=Memory)
    gang: GangMemory | None = field(default_factory=GangMemory)
    shared_spend: Mapping[str, SharedSpend] = field(default_factory=dict)
