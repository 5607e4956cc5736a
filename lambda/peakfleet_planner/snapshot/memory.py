"""What is remembered from one decision to the next: a record for each thing, and all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, inf
from typing import Final, Literal

from peakfleet_planner.forecast import DemandModel
from peakfleet_planner.snapshot.capacity_errors import Outage
from peakfleet_planner.snapshot.signal_memory import SignalMemory
from peakfleet_planner.snapshot.spend import SpendOverride, Spent, SpotPrices

FEWEST_BOOTS: Final = 5
"""Fewer measured boots than this say nothing yet."""
MOST_BOOTS: Final = 50
"""The newest that are kept."""
MOST_GROWTH: Final = 60
"""Requests for more capacity that are remembered of each pool."""
Growth = tuple[tuple[int, int], ...]
Heights = tuple[tuple[int, int], ...]
"""Until when a pool had how many points: falling sizes, the oldest and highest first."""
LEAST_SHARE, MOST_SHARE = 0.25, 4.0
"""Measured boots count within these multiples of what was declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An instance that AWS may take back, or will.

    Args:
        instance_id: Which one.
        pool: Whose.
        kind: `interruption`: it is gone two minutes later; `rebalance`: it is at risk.
        seen_at_epoch_seconds: When the notice came.
        capacity: Points of capacity that it counts for. Default: 1.
    """

    instance_id: str
    pool: str
    kind: Literal["interruption", "rebalance"]
    seen_at_epoch_seconds: int
    capacity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BootTimes:
    """How long instances of a pool took from launch to in service, as measured.

    Args:
        seconds: The newest boots of each instance type, oldest first.
    """

    seconds: Mapping[str, tuple[float, ...]]

    def quantile(self, share: float) -> float | None:
        """Return the seconds within which *share* of all boots ended; None if too few are known.

        >>> BootTimes(seconds={"c8g.large": (100, 110, 90, 120, 300)}).quantile(0.5)
        110
        """
        every = sorted(second for one in self.seconds.values() for second in one)
        if len(every) < FEWEST_BOOTS:
            return None
        return every[max(0, ceil(share * len(every)) - 1)]

    def lead_seconds(self, declared_seconds: float) -> float:
        """Return the boot time to plan with: the median boot, or what was declared.

        Args:
            declared_seconds: What the specification says; the result is bounded by multiples of it.
        """
        measured = self.quantile(0.5)
        if measured is None:
            return declared_seconds
        least, most = LEAST_SHARE * declared_seconds, MOST_SHARE * max(declared_seconds, 60.0)
        return min(max(measured, least), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSize:
    """A desired capacity that somebody else has set.

    Args:
        pool: Of which pool.
        capacity: What it was set to.
        since_epoch_seconds: When it was first seen.
    """

    pool: str
    capacity: int
    since_epoch_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Capacity that a pool was asked for and that has not served for a while.

    Args:
        since_epoch_seconds: Since when more than a little of the pool does not serve.
        least_capacity: Points that did not serve at any time since then.
    """

    since_epoch_seconds: int
    least_capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """An instance that has been told to leave and finishes its work first.

    Args:
        instance_id: Which one.
        pool: Whose.
        since_epoch_seconds: When it was told.
    """

    instance_id: str
    pool: str
    since_epoch_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLaunch:
    """A request for capacity that AWS has not answered yet: what was asked for may still come.

    Args:
        token: What names it; asked again with this, AWS launches nothing twice.
        pool: Whom it asked.
        zone: Where.
        capacity: For how many points.
        since_epoch_seconds: When it was asked first.
    """

    token: str
    pool: str
    zone: str
    capacity: int
    since_epoch_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """A launch template version that was given up for an older one.

    Args:
        pool: Whose.
        version: The one that did not work.
        to_version: The older one.
        at_epoch_seconds: When that was tried.
    """

    pool: str
    version: int
    to_version: int
    at_epoch_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredUnits:
    """Units that one point of a pool's capacity serves at full use, as measured.

    Args:
        units: The best estimate.
        low: Lower bound of what it may be, at 95 % confidence.
        high: Upper bound.
        days: Days that were measured.
    """

    units: float
    low: float
    high: float
    days: int

    def __post_init__(self) -> None:
        """Refuse bounds that are none.

        Raises:
            ValueError: They do not enclose an estimate above zero.
        """
        if not 0 < self.low <= self.units <= self.high < inf:
            raise ValueError(
                f"measured units must lie within bounds above zero, got {self.units:g} "
                f"within {self.low:g} and {self.high:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A human's freeze of a fleet.

    Args:
        owner: Who holds it.
        reason: Why.
        until_epoch_seconds: When it ends by itself, in seconds since 1970 (UTC).
    """

    owner: str
    reason: str
    until_epoch_seconds: int

    def stands(self, now: int) -> bool:
        """Whether it has not ended; DynamoDB deletes its record days after that."""
        return now < self.until_epoch_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the state table remembers of a fleet.

    Args:
        hold: A human's freeze. Default: none.
        desired: Desired capacity of each pool after the last change. Default: none known.
        before: Desired capacity of each pool before the last change. Default: as after it.
        growth: When each pool was asked for more lately, in epoch seconds, and for how many points,
            oldest first. Default: not known.
        shrinkage: The same for when it was asked for less; None if nobody keeps that.
            Default: None.
        unmet_since: Since when each pool lacks what it was asked for, in epoch seconds; None if
            nobody keeps that. Default: None.
        shortfalls: What each pool was asked for and does not serve; None if nobody keeps that.
            Default: None.
        cloud_weight: Share of the traffic that the fleet last got, of 999. Default: not known.
        weightless_since: Since when the listener is read to give the fleet no traffic, in epoch
            seconds; None if it gives some, or nobody keeps that. Default: None.
        weights: The fleet's shares of the traffic, of 999, that may still act, where weights act
            late: until when it was read, falling. Default: none.
        model: What was learned of the fleet's demand; used only while it is trusted, recent and
            of the fleet as it is now. Default: nothing was learned.
        outages: Where capacity could not be had. Default: nowhere.
        notices: Instances that AWS may take back. Default: none.
        boots: Measured boot times by pool. Default: none.
        foreign: Sizes that somebody else has set. Default: none.
        draining: Instances that finish their work before they leave. Default: none.
        launches: Requests for capacity that are not answered yet. Default: none.
        units: Measured units of one point of capacity by pool. Default: none.
        rolled_back: The last launch template version of each pool that was given up for an older
            one. Default: none.
        heights: How large each pool was lately, where what is let go waits. Default: not known.
        signals: What is remembered of each signal. Default: nothing.
        spent: What was spent this month; None if nobody knows. Default: None.
        spend_override: A human's leave to spend more. Default: none.
        spot_prices: What Spot costs, as it was read last. Default: not known.
    """

    hold: Hold | None = None
    desired: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    growth: Mapping[str, Growth] = field(default_factory=dict)
    shrinkage: Mapping[str, Growth] | None = None
    unmet_since: Mapping[str, int] | None = None
    shortfalls: Mapping[str, Shortfall] | None = None
    cloud_weight: int | None = None
    weightless_since: int | None = None
    weights: Heights = ()
    model: DemandModel | None = None
    outages: tuple[Outage, ...] = ()
    notices: tuple[Notice, ...] = ()
    boots: Mapping[str, BootTimes] = field(default_factory=dict)
    foreign: tuple[ForeignSize, ...] = ()
    draining: tuple[Draining, ...] = ()
    launches: tuple[OpenLaunch, ...] = ()
    units: Mapping[str, MeasuredUnits] = field(default_factory=dict)
    rolled_back: Mapping[str, RolledBack] = field(default_factory=dict)
    heights: Mapping[str, Heights] = field(default_factory=dict)
    signals: Mapping[str, SignalMemory] = field(default_factory=dict)
    spent: Spent | None = None
    spend_override: SpendOverride | None = None
    spot_prices: SpotPrices | None = None


def booting_since(growth: Growth, booting_capacity: int) -> Growth:
    """Return when what boots was asked for: it is what was asked for last.

    >>> booting_since(((0, 4), (60, 2), (120, 3)), 4)
    ((60, 1), (120, 3))
    """
    found: list[tuple[int, int]] = []
    left = booting_capacity
    for since, capacity in reversed(growth):
        if left <= 0:
            break
        found.append((since, min(left, capacity)))
        left -= capacity
    return tuple(reversed(found))
