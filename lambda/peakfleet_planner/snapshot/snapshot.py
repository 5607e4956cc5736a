"""All that one decision may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from peakfleet_planner.forecast import DemandModel, RolledModel
from peakfleet_planner.snapshot.capacity_errors import Outage
from peakfleet_planner.snapshot.memory import (
    BootTimes,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    MeasuredUnits,
    Notice,
    RolledBack,
)
from peakfleet_planner.snapshot.signal_memory import SignalMemory
from peakfleet_planner.spec import MetricSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReading:
    """One Auto Scaling group as it was seen, in points of capacity.

    Args:
        name: The pool.
        desired_capacity: What the group is asked to run; what is booting counts.
        in_service_capacity: What serves.
        min_capacity: The group's own minimum.
        max_capacity: The group's own maximum, which may differ from the specification's.
        booting_capacity: What was launched and does not serve yet. Default: all that is asked
            for and does not serve.
        booting_since: When what boots was launched, in seconds since 1970, and how many points
            then. Default: not known.
        busy_capacity: What serves and is protected, because it works on something. Default: 0.
        leaving_capacity: What drains; it is no longer asked for. Default: 0.
        unhealthy_capacity: What is in service by name but does not serve. Default: 0.
        warm_capacity: What waits in the warm pool, ready to start. Default: 0.
        warm_target: What the warm pool was asked to hold; None without one.
        prepared_capacity: What may serve or wait together, as the group was told; None if it
            was told nothing.
        waits_outdated: Whether something waits that another version of the launch template has
            launched. Default: false.
        zones: Points that serve or boot in each of the group's Availability Zones. Default:
            not known.
        serving: Ids of the instances that serve. Default: not known.
        booting: Ids of the instances that boot. Default: not known.
        retained: Ids of the instances that outlived their drain. Default: none.
        replaces_unhealthy: Whether the group replaces what is unhealthy. Default: true.
        template_version: Version of the launch template that new instances boot; None if it is
            not a number. Default: not known.
    """

    name: str
    desired_capacity: int
    in_service_capacity: int
    min_capacity: int
    max_capacity: int
    booting_capacity: int | None = None
    booting_since: tuple[tuple[int, int], ...] = ()
    busy_capacity: int = 0
    leaving_capacity: int = 0
    unhealthy_capacity: int = 0
    warm_capacity: int = 0
    warm_target: int | None = None
    prepared_capacity: int | None = None
    waits_outdated: bool = False
    zones: Mapping[str, int] = field(default_factory=dict)
    serving: frozenset[str] = frozenset()
    booting: frozenset[str] = frozenset()
    retained: tuple[str, ...] = ()
    replaces_unhealthy: bool = True
    template_version: int | None = None

    @property
    def unmet_capacity(self) -> int:
        """What the group was asked for that neither serves nor boots."""
        if self.booting_capacity is None:
            return 0
        there = self.in_service_capacity + self.booting_capacity + self.unhealthy_capacity
        return max(0, self.desired_capacity - there)

    @property
    def standing_capacity(self) -> int:
        """What is asked for, and there."""
        return self.desired_capacity - self.unmet_capacity


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the state table remembers of a fleet.

    Args:
        hold: A human's freeze. Default: none.
        desired: Desired capacity of each pool after the last change. Default: none known.
        before: Desired capacity of each pool before the last change. Default: as after it.
        growth: When each pool was asked for more lately, in epoch seconds, and for how many points,
            oldest first. Default: not known.
        cloud_weight: Percent of the traffic that the fleet last got. Default: not known.
        model: What was learned of the fleet's demand; used only while it is trusted, recent and
            of the fleet as it is now. Default: nothing was learned.
        outages: Where capacity could not be had. Default: nowhere.
        notices: Instances that AWS may take back. Default: none.
        boots: Measured boot times by pool. Default: none.
        foreign: Sizes that somebody else has set. Default: none.
        draining: Instances that finish their work before they leave. Default: none.
        units: Measured units of one point of capacity by pool. Default: none.
        rolled_back: The last launch template version of each pool that was given up for an older
            one. Default: none.
        heights: How large each pool was lately, where what is let go waits. Default: not known.
        signals: What is remembered of each signal. Default: nothing.
    """

    hold: Hold | None = None
    desired: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    growth: Mapping[str, Growth] = field(default_factory=dict)
    cloud_weight: int | None = None
    model: DemandModel | None = None
    outages: tuple[Outage, ...] = ()
    notices: tuple[Notice, ...] = ()
    boots: Mapping[str, BootTimes] = field(default_factory=dict)
    foreign: tuple[ForeignSize, ...] = ()
    draining: tuple[Draining, ...] = ()
    units: Mapping[str, MeasuredUnits] = field(default_factory=dict)
    rolled_back: Mapping[str, RolledBack] = field(default_factory=dict)
    heights: Mapping[str, Heights] = field(default_factory=dict)
    signals: Mapping[str, SignalMemory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a tick observed.

    Args:
        now_epoch_seconds: The tick's time, in seconds since 1970 (UTC).
        signals: What was read for each signal, by signal name and metric id.
        baseline: What was read of a reported baseline. Default: nothing.
        pools: The groups that could be read; one that is missing could not.
        memory: What is remembered; None if the state table could not be read.
        refused: Capacity that this very tick was refused already. Default: none.
        granted: Points that each pool was granted in this very tick already; they count towards
            the bound of its pace. Default: none.
        rolled: The model of the memory over the minutes that were read, for speed alone; it never
            changes a decision. Default: the decision rolls it.
    """

    now_epoch_seconds: int
    signals: Mapping[str, Mapping[str, MetricSeries]]
    baseline: MetricSeries = field(default_factory=MetricSeries)
    pools: tuple[PoolReading, ...] = ()
    memory: Memory | None = field(default_factory=Memory)
    refused: tuple[Outage, ...] = ()
    granted: Mapping[str, int] = field(default_factory=dict)
    rolled: RolledModel | None = field(default=None, compare=False, repr=False)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """Every refusal that is known, the newest of each scope."""
        known = self.memory.outages if self.memory else ()
        return tuple({one.scope: one for one in (*known, *self.refused)}.values())
