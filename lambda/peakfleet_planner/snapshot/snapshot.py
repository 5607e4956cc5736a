"""All that one decision may know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from peakfleet_planner.forecast import RolledModel
from peakfleet_planner.snapshot.capacity_errors import Outage
from peakfleet_planner.snapshot.memory import Hold, Memory
from peakfleet_planner.snapshot.spend import SharedSpend
from peakfleet_planner.spec import REPORT, MetricSeries


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
        unanswered_capacity: Of what it is asked to run, what was asked for by requests that are not
            answered yet. Default: 0.
        busy_capacity: What serves and is protected, because it works on something. Default: 0.
        busy_instances: How many instances that is. Default: 0.
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
        types: Points that serve or boot, by instance type. Default: not known.
        serving: Ids of the instances that serve. Default: not known.
        booting: Ids of the instances that boot. Default: not known.
        unhealthy: Ids of the instances that are unhealthy. Default: not known.
        retained: Ids of the instances that outlived their drain. Default: none.
        replaces_unhealthy: Whether the group replaces what is unhealthy. Default: true.
        suspended: Processes of the group that somebody else has suspended, by the names that EC2
            Auto Scaling gives them. Default: none.
        template_version: Version of the launch template that new instances boot; None if it is
            not a number. Default: not known.
        hold: A human's freeze of the fleet that its tags tell of. Default: none.
    """

    name: str
    desired_capacity: int
    in_service_capacity: int
    min_capacity: int
    max_capacity: int
    booting_capacity: int | None = None
    booting_since: tuple[tuple[int, int], ...] = ()
    unanswered_capacity: int = 0
    busy_capacity: int = 0
    busy_instances: int = 0
    leaving_capacity: int = 0
    unhealthy_capacity: int = 0
    warm_capacity: int = 0
    warm_target: int | None = None
    prepared_capacity: int | None = None
    waits_outdated: bool = False
    zones: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    serving: frozenset[str] = frozenset()
    booting: frozenset[str] = frozenset()
    unhealthy: frozenset[str] = frozenset()
    retained: tuple[str, ...] = ()
    replaces_unhealthy: bool = True
    suspended: tuple[str, ...] = ()
    template_version: int | None = None
    hold: Hold | None = None

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
class TrafficReading:
    """What splits the traffic, and the targets of each side, as they were read.

    Args:
        cloud_weight: Share of the traffic that the fleet gets, of 999; None if it was not read.
        site_weights: That of each site, by its name; a baseline that is one has none. With
            `cloud_weight` they add up to 999.
        cloud_healthy: The fleet's targets that are found healthy; None if that was not read.
        sites_healthy: The same of each site's.
    """

    cloud_weight: int | None = None
    site_weights: Mapping[str, int] = field(default_factory=dict)
    cloud_healthy: int | None = None
    sites_healthy: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def is_blind(self) -> bool:
        """Whether it is not known of every side whether it serves."""
        return None in self._healthy

    @property
    def one_is_dead(self) -> bool:
        """Whether it is known that one side serves, and another does not."""
        return 0 in self._healthy and any(self._healthy)

    @property
    def dead_sites(self) -> tuple[str, ...]:
        """The sites of which it is known that they serve nothing."""
        return tuple(site for site, healthy in self.sites_healthy.items() if healthy == 0)

    @property
    def _healthy(self) -> tuple[int | None, ...]:
        return (*self.sites_healthy.values(), self.cloud_healthy)


_NOTHING: Final = Memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a tick observed.

    Args:
        now_epoch_seconds: The tick's time, in seconds since 1970 (UTC).
        signals: What was read for each signal, by signal name and metric id.
        baseline: What was read of the baseline, by the ids of its `reads`; a series alone is the
            report of a baseline that is one site. Default: nothing.
        downstream: The load of each downstream limit, by its name. Default: nothing.
        traffic: The listener that the fleet splits. Default: nothing is known of it.
        pools: The groups that could be read; one that is missing could not.
        memory: What is remembered; None if the state table could not be read.
        refused: Capacity that this very tick was refused already. Default: none.
        granted: Points that each pool was granted in this very tick already; they count towards
            the bound of its pace. Default: none.
        shared_spend: The limits that the fleet shares, by name; one that is missing could not be
            read, and nothing is drawn on it. Default: none.
        claimed_usd_per_hour: What this very tick has claimed of them; None: nothing yet.
        rolled: The model of the memory over the minutes that were read, for speed alone; it never
            changes a decision. Default: the decision rolls it.
    """

    now_epoch_seconds: int
    signals: Mapping[str, Mapping[str, MetricSeries]]
    baseline: Mapping[str, MetricSeries] = field(default_factory=dict)
    downstream: Mapping[str, MetricSeries] = field(default_factory=dict)
    traffic: TrafficReading | None = None
    pools: tuple[PoolReading, ...] = ()
    memory: Memory | None = field(default_factory=Memory)
    refused: tuple[Outage, ...] = ()
    granted: Mapping[str, int] = field(default_factory=dict)
    shared_spend: Mapping[str, SharedSpend] = field(default_factory=dict)
    claimed_usd_per_hour: float | None = None
    rolled: RolledModel | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Take a series alone for the report of the baseline."""
        if isinstance(self.baseline, MetricSeries):
            object.__setattr__(self, "baseline", {REPORT: self.baseline})

    @property
    def recalled(self) -> Memory:
        """What is remembered; nothing if the state table could not be read."""
        return self.memory or _NOTHING

    @property
    def hold(self) -> Hold | None:
        """The freeze that stands, as the state table or the groups know it; None: none does."""
        return standing_hold(self.memory, self.pools, self.now_epoch_seconds)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """Every refusal that is known, the newest of each scope."""
        known = (*self.recalled.outages, *self.refused)
        return tuple({one.scope: one for one in known}.values())


def standing_hold(memory: Memory | None, readings: Iterable[PoolReading], now: int) -> Hold | None:
    """Return the hold that stands, the one that ends last; None if none does.

    Args:
        memory: What the state table remembers; None if it could not be read.
        readings: The groups, whose tags tell of a hold too.
        now: Epoch seconds.
    """
    told = (memory.hold if memory else None, *(one.hold for one in readings))
    stands = [hold for hold in told if hold and hold.stands(now)]
    return max(stands, key=lambda hold: hold.until_epoch_seconds, default=None)
