"""What a decision says, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from peakfleet_planner.codec import Document
from peakfleet_planner.forecast import Service
from peakfleet_planner.reasons import (
    BaselineCause,
    BaselineState,
    BurstCause,
    DownstreamState,
    Reason,
    SignalState,
)
from peakfleet_planner.snapshot import Outage, OutageCause

_WHOLE_SHARE: Final = 0.98
NEEDED_PROCESSES: Final = frozenset(
    {
        "AddToLoadBalancer",
        "AlarmNotification",
        "HealthCheck",
        "Launch",
        "ReplaceUnhealthy",
        "Terminate",
    }
)
"""Processes of a group without which it does not do what it is told, replace what broke, or grow by
its safety net, by EC2 Auto Scaling's names. Others many teams suspend for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """What the decision made of one site of the baseline.

    Args:
        name: The site; empty for a baseline that is one.
        state: How it is.
        units: What it carries.
        carried_units: What it should carry.
        cause: Why it carries less, or is not known. Default: all is well.
    """

    name: str
    state: BaselineState
    units: float
    carried_units: float
    cause: BaselineCause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamView:
    """What the decision made of one downstream limit.

    Args:
        name: The limit.
        state: Whether it lets the fleet grow.
        most_units: What the pools may supply at most. Default: no bound.
        load: The newest value. Default: there is none.
    """

    name: str
    state: DownstreamState
    most_units: float | None = None
    load: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalView:
    """What the decision made of one signal.

    Args:
        name: The signal.
        state: Whether it can be trusted.
        units: Units it asks for now; None if it has never been read.
        ahead_units: Units expected by the time that new capacity serves.
        rejected_samples: Datapoints that cannot be true, within what was read.
        complete_share: How complete its newest sample usually is when it is read; the units are
            corrected by that. Default: 1, it is whole, or not known.
    """

    name: str
    state: SignalState
    units: float | None = None
    ahead_units: float = 0.0
    rejected_samples: int = 0
    complete_share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Points of capacity to launch in one Availability Zone."""

    zone: str
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPlan:
    """The size one pool should have, in points of capacity.

    Args:
        name: The pool.
        desired_capacity: What it should be asked to run.
        seen_capacity: What it was asked to run when it was observed; None if unknown.
        units: Units that the desired capacity serves.
        launches: Zones to launch in and points for each, where the pool is launched directly.
            Default: none.
        warm_capacity: Points that should wait in the warm pool; None leaves it as it is.
        prepared_capacity: Points that may serve or wait together: what is let go waits, as far as
            this allows. None where nothing is reused.
        drains: Ids of instances to let go by name, because AWS takes them back. Default: none.
        sweeps: Ids of instances that outlived their drain and are to be terminated. Default: none.
        outage: Why the pool was not asked for more. Default: nothing hindered it.
        replaces_unhealthy: Whether the group should replace what is unhealthy; too many at once
            are not the instances' fault. Default: true.
        replacements: Ids of unhealthy instances to terminate, so that the group launches others in
            their place: one at a time as a trial, while it does not replace by itself.
            Default: none.
        suspended: Processes of the group that somebody else has suspended. Default: none.
        roll_back_to: Version of its launch template that new instances should boot from now on,
            because the newer one does not work. Default: the one that it has.
    """

    name: str
    desired_capacity: int
    seen_capacity: int | None
    units: float
    launches: tuple[Launch, ...] = ()
    warm_capacity: int | None = None
    prepared_capacity: int | None = None
    drains: tuple[str, ...] = ()
    sweeps: tuple[str, ...] = ()
    outage: OutageCause | None = None
    replaces_unhealthy: bool = True
    replacements: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    roll_back_to: int | None = None

    @property
    def is_hindered(self) -> bool:
        """Whether somebody has suspended a process that the fleet needs."""
        return not NEEDED_PROCESSES.isdisjoint(self.suspended)

    @property
    def changes(self) -> bool:
        """Whether the group has to be told; one that could not be read never is."""
        return self.seen_capacity is not None and self.desired_capacity != self.seen_capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendView:
    """What a fleet with a spend limit costs, and may cost, in dollars an hour.

    Args:
        usd_per_hour: What runs, boots or drains, with all that this decision adds.
        allowed_usd_per_hour: What the tightest limit allows.
        wanted_usd_per_hour: What it would cost without a limit.
        refused_units: Units that a limit has refused. Default: none.
        used_share: How much of the tightest limit is used: 1 is all of it.
        limit: Which one that is, in words.
        spent_usd: What was spent this month; None if no limit is by the month.
        overridden_by: Whoever has lifted the limits. Default: nobody.
        spot_usd: What a new instance of each Spot pool counts for in an hour, where the price that
            is paid was read. Default: none was.
    """

    usd_per_hour: float
    allowed_usd_per_hour: float
    wanted_usd_per_hour: float
    used_share: float
    limit: str
    refused_units: float = 0.0
    spent_usd: float | None = None
    overridden_by: str | None = None
    spot_usd: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Document):
    """The sizes of all pools, and why. All quantities but capacities are units.

    Args:
        pools: One entry for each pool that could be decided on, in ladder order.
        reason: What set the size.
        limits: What else held it back, the most important first.
        demand_units: Demand now, the largest request of any signal.
        ahead_units: Demand expected by the time that new capacity serves.
        baseline_units: What the healthy on-premises side carries.
        baseline_state: How that side is.
        sites: What was made of each site of the baseline. Default: nothing.
        downstream: What was made of each downstream limit. Default: nothing.
        burst_units: Demand now above the baseline.
        wanted_units: What the pools should supply.
        granted_units: What they are asked to supply.
        serving_units: What they supplied when observed.
        idle_units: Of these, what has taken no work for ten minutes although items wait, as with
            poison messages, one FIFO message group or broken workers. Default: none.
        cloud_weight: Share of the traffic that the fleet should get, of 999; None leaves it as it
            is.
        site_weights: That of each site, by its name; a baseline that is one has none. Default:
            they stay as they are.
        signals: What was made of each signal.
        stuck_drains: Instances that have not left although their time to finish is over.
        idle_protected: Instances that are protected from scale-in, work on nothing that is known,
            and are not wanted. Default: none.
        rule: What set growth and keep: the rule for demand as it moves now, or what was learned
            of it. Default: reactive.
        measured_units: Units that one point of a pool counts for, where that is not what was
            declared, because it was measured. Default: none.
        service: How the share of the burst that may be missed is kept. Default: none is asked for.
        bought: What the granted units are for, by the value of a `BurstCause`. Default: nothing.
        usd_per_hour: What the desired capacity costs; None if a price is not known.
        missing: Capacity that was asked for and never came, to be remembered. Default: none.
        spend: What it costs and may cost; None without a spend limit.
    """

    document_name: ClassVar[str] = "plan"
    pools: tuple[PoolPlan, ...]
    reason: Reason
    limits: tuple[Reason, ...] = ()
    demand_units: float = 0.0
    ahead_units: float = 0.0
    baseline_units: float = 0.0
    baseline_state: BaselineState = BaselineState.HEALTHY
    sites: tuple[SiteView, ...] = ()
    downstream: tuple[DownstreamView, ...] = ()
    burst_units: float = 0.0
    wanted_units: float = 0.0
    granted_units: float = 0.0
    serving_units: float = 0.0
    idle_units: float = 0.0
    cloud_weight: int | None = None
    site_weights: Mapping[str, int] = field(default_factory=dict)
    signals: tuple[SignalView, ...] = ()
    stuck_drains: int = 0
    idle_protected: int = 0
    rule: Literal["reactive", "foresight"] = "reactive"
    measured_units: Mapping[str, float] = field(default_factory=dict)
    service: Service | None = None
    bought: Mapping[str, float] = field(default_factory=dict)
    usd_per_hour: float | None = None
    missing: tuple[Outage, ...] = ()
    spend: SpendView | None = None

    @property
    def unserved_units(self) -> float:
        """Burst that nothing served when it was observed."""
        return max(0.0, self.burst_units - self.serving_units)

    @property
    def missing_units(self) -> float:
        """Units wanted but not granted."""
        return max(0.0, self.wanted_units - self.granted_units)

    def explain(self) -> str:
        """Return the decision in words."""
        sizes = ", ".join(f"{pool.name} {_move(pool)}" for pool in self.pools) or "no pool"
        why = "; ".join(reason.words for reason in (self.reason, *self.limits))
        counted = "".join(
            f", a point of {pool} counts for {units:.4g} units as measured"
            for pool, units in self.measured_units.items()
        )
        back = "".join(
            f", {pool.name} goes back to version {pool.roll_back_to} of its launch template"
            for pool in self.pools
            if pool.roll_back_to is not None
        )
        filling = "".join(
            f", the newest minute of {view.name} is usually {view.complete_share:.0%} complete"
            for view in self.signals
            if view.complete_share < _WHOLE_SHARE
        )
        foreseen = "foreseen" if self.rule == "foresight" else "expected"
        stopped = "".join(
            f", {pool.name} has {', '.join(pool.suspended)} suspended"
            for pool in self.pools
            if pool.suspended
        )
        return (
            f"demand {self.demand_units:.1f} ({foreseen} {self.ahead_units:.1f}), "
            f"{self.baseline_state} baseline {self.baseline_units:.1f}{_sites(self.sites)}: "
            f"wants {self.wanted_units:.1f} units, grants {self.granted_units:.1f} ({sizes}): "
            f"{why}{filling}{counted}{back}{stopped}{_kept(self.service)}"
            f"{_downstream(self.downstream)}{_bought(self.bought)}{_spends(self.spend)}"
        )


def _kept(service: Service | None) -> str:
    if service is None:
        return ""
    return (
        f", of the burst {service.asked:.3g} may be missed and {service.got:.3g} was, so a missed "
        f"unit-minute counts for {service.unserved_cost:.3g} minutes of capacity"
    )


def _sites(sites: tuple[SiteView, ...]) -> str:
    said = [f"{one.name} {one.cause.words}".strip() for one in sites if one.cause]
    return f" ({', '.join(said)})" if said else ""


def _downstream(views: tuple[DownstreamView, ...]) -> str:
    return "".join(
        f", {view.name} is {view.state}" + ("" if view.load is None else f" at {view.load:.4g}")
        for view in views
        if view.state is not DownstreamState.FREE
    )


def _bought(parts: Mapping[str, float]) -> str:
    """Return what is bought for other causes than demand; where there are none nothing is said."""
    causes = (BurstCause.DEGRADED, BurstCause.UNKNOWN, BurstCause.MAINTENANCE)
    said = [f"{parts[one]:.1f} because {one.words}" for one in causes if one in parts]
    return f"; of these {', '.join(said)}" if said else ""


def _spends(spend: SpendView | None) -> str:
    if spend is None:
        return ""
    refused = f", which refused {spend.refused_units:.4g} units" * bool(spend.refused_units)
    words = f", {spend.usd_per_hour:.4g} USD an hour of {spend.allowed_usd_per_hour:.4g} that "
    if spend.overridden_by is not None:
        return f", {spend.usd_per_hour:.4g} USD an hour, as {spend.overridden_by} allows"
    return f"{words}{spend.limit} allows{refused}"


def _move(pool: PoolPlan) -> str:
    prepared, warm = pool.prepared_capacity, pool.warm_capacity or 0
    waits = warm if prepared is None else prepared - pool.desired_capacity
    beside = f" while up to {waits} wait" if waits > 0 else ""
    if pool.changes and pool.seen_capacity is not None:
        return f"{pool.seen_capacity} to {pool.desired_capacity}{beside}"
    return f"{pool.desired_capacity}{beside}"
