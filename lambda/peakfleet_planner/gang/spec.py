"""The specification of a gang: machines that train as one, so that they come and go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from peakfleet_planner.codec import (
    Document,
    SpecError,
    check_above,
    check_at_least,
    check_distinct,
    check_named,
    check_within,
)
from peakfleet_planner.spec import Metric, PoolSpec, SpendLimitSpec

LEAVE_BEFORE_END_SECONDS = 40 * 60
"""EC2 ends instances of a capacity block from 30 minutes before its end; ten more are for us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrioritySpec:
    """A fleet that goes first in a reservation; the gang takes what that one leaves.

    Args:
        wanted: The units that it wants, as its ticks publish them.
        units_per_machine: Units that one machine of the reservation serves for it.
        quiet_seconds: The room must have been there for so long before the gang comes.
            Default: 900.
        silent_seconds: After so long without a word of that fleet the gang goes. Default: 600.
    """

    wanted: Metric
    units_per_machine: float
    quiet_seconds: int = 900
    silent_seconds: int = 600

    def __post_init__(self) -> None:
        """Refuse numbers that say nothing."""
        check_above("priority", "units_per_machine", self.units_per_machine, 0)
        check_within("priority", "quiet_seconds", self.quiet_seconds, 60, 10_800)
        check_within("priority", "silent_seconds", self.silent_seconds, 120, 10_800)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationSpec:
    """The reservation that a gang runs in, and in nothing else.

    Args:
        reservation_id: For example `cr-0123456789abcdef0`.
        leave_before_end_seconds: So long before its end the gang is let go. Default: 2400.
        priority: A fleet that goes first. Default: nobody.
    """

    reservation_id: str
    leave_before_end_seconds: int = LEAVE_BEFORE_END_SECONDS
    priority: PrioritySpec | None = None

    def __post_init__(self) -> None:
        """Refuse a reservation without a name, or a time that cannot be."""
        check_named("reservation", "reservation_id", self.reservation_id)
        check_at_least("reservation", "leave_before_end_seconds", self.leave_before_end_seconds, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GangSpec(Document):
    """Everything about a gang that does not change between ticks.

    Args:
        fleet: Its name, unique within the account and region.
        pool: Its group; the gang is as many machines as `pool.max_capacity`.
        bucket: Where its checkpoints are.
        prefix: What their keys begin with; one for each training run.
        state_table: DynamoDB table that it remembers in.
        reservation: What it runs in. Default: nothing is reserved.
        forming_seconds: How much longer than a boot an incomplete gang may wait for the rest.
            Default: 600.
        least_run_seconds: A gang that had to leave sooner than this is not started. Default: 1800.
        spend_limits: What its machines may cost. Default: no limit.
    """

    document_name: ClassVar[str] = "gang"
    written_at_synth: ClassVar[bool] = True
    fleet: str
    pool: PoolSpec
    bucket: str
    prefix: str
    state_table: str
    reservation: ReservationSpec | None = None
    forming_seconds: int = 600
    least_run_seconds: int = 1800
    spend_limits: tuple[SpendLimitSpec, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a gang that could never run."""
        check_named("gang", "fleet", self.fleet)
        owner = f"gang '{self.fleet}'"
        for name in ("bucket", "prefix", "state_table"):
            check_named(owner, name, getattr(self, name))
        check_at_least(owner, "forming_seconds", self.forming_seconds, 60)
        check_at_least(owner, "least_run_seconds", self.least_run_seconds, 0)
        if self.pool.min_capacity or self.pool.warm:
            raise SpecError(
                f"{owner}: pool '{self.pool.name}' must have no minimum and no warm pool: its "
                f"machines come and go together"
            )
        check_distinct(
            owner, "spend limits", tuple(one.shared or "its own" for one in self.spend_limits)
        )
        if self.spend_limits and self.pool.known_usd_per_capacity_hour is None:
            raise SpecError(
                f"{owner}: a spend limit needs the price of a machine, and that of "
                f"'{self.pool.name}' is unknown; give it usd_per_hour"
            )

    @property
    def usd_per_hour(self) -> float:
        """What all its machines cost, at most."""
        return self.machines * self.pool.dearest_usd_per_capacity_hour

    @property
    def machines(self) -> int:
        """How many machines the gang is."""
        return self.pool.max_capacity
