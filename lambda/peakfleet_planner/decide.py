"""The one decision function: Lambda and simulator both call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from peakfleet_planner.allocation import frozen_spend, size
from peakfleet_planner.demand import (
    SignalDemand,
    Testimony,
    UsableBaseline,
    testimony,
    usable_baseline,
    with_measured_take,
    without_dead_targets,
)
from peakfleet_planner.plan import Plan
from peakfleet_planner.pool_plan import (
    Split,
    burst_causes,
    cloud_weight,
    idle_protected,
    may_be_without_instances,
    next_split,
    pool_plans,
    stuck_drains,
    unchanged,
    usd_per_hour,
    wanted_split,
    weighted_units,
    with_roll_backs,
)
from peakfleet_planner.pools import (
    PoolHealth,
    changed_units,
    known_growth,
    pool_health,
    with_measured_boots,
    with_measured_units,
    with_running_types,
)
from peakfleet_planner.reasons import BaselineCause, BaselineState, Reason, SignalState
from peakfleet_planner.requirement import (
    Need,
    asked_units,
    demand_within_lead_time,
    downstream_views,
    forecast_need,
    lasts_unserved,
    lead_seconds_for,
    reactive_need,
    service_of,
    with_known_peaks,
    with_maintenance,
    with_service,
    within_limits,
)
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import FleetSpec, sides_of

HOLD_ENDED_SECONDS: Final = 3600
"""For so long a decision says that a hold has ended by itself."""


def decide(spec: FleetSpec, snapshot: Snapshot) -> Plan:
    """Return the size that each pool should have next, and why.

    Pure: the same specification and snapshot give the same plan. Pools that could not be
    read and are not remembered are left out of the plan.

    >>> from peakfleet_planner import (FixedBaseline, FleetSpec, Metric, MetricSeries, PoolReading,
    ...     PoolSpec, RateSignal, Snapshot)
    >>> streams = Metric(namespace="Live", metric_name="Streams")
    >>> spec = FleetSpec(
    ...     fleet="Live",
    ...     pools=(PoolSpec(name="g", group="asg", units_per_capacity=10, max_capacity=20),),
    ...     signals=(RateSignal(name="streams", metrics={"m": streams}, expression="m"),),
    ...     baseline=FixedBaseline(units=100),
    ... )
    >>> seen = PoolReading(
    ...     name="g", desired_capacity=0, in_service_capacity=0, min_capacity=0, max_capacity=20
    ... )
    >>> steady = MetricSeries(points=tuple((60 * i, 150.0) for i in range(60)))
    >>> plan = decide(
    ...     spec,
    ...     Snapshot(now_epoch_seconds=3600, signals={"streams": {"m": steady}}, pools=(seen,)),
    ... )
    >>> plan.pools[0].desired_capacity, str(plan.reason)
    (5, 'demand')
    """
    now = snapshot.now_epoch_seconds
    memory = snapshot.recalled
    declared = spec = with_running_types(spec, snapshot.pools)
    spec = with_measured_boots(spec, memory.boots)
    spec = with_measured_units(spec, memory.units)
    measured_units = changed_units(declared, spec)
    service = service_of(spec, snapshot)
    learned, spec = spec, with_service(spec, service)
    dead = snapshot.traffic.dead_sites if snapshot.traffic else ()
    baseline = usable_baseline(spec.baseline, snapshot.baseline, now)
    baseline = without_dead_targets(baseline, dead, now)
    soon = without_dead_targets(_within_lead_time(spec, snapshot, baseline), dead, now)
    standing = pool_health(spec, snapshot)
    demands = demand_within_lead_time(spec, snapshot, baseline, standing)
    baseline, soon = (with_measured_take(spec, snapshot, one, demands) for one in (baseline, soon))
    wanted = _need(spec, learned, demands, baseline, snapshot)
    if soon.units < baseline.units:
        wanted = with_maintenance(wanted, _need(spec, learned, demands, soon, snapshot))
    witnessed = testimony(spec, snapshot, demands)
    wanted = _believed(with_known_peaks(spec, wanted, demands, soon, now), witnessed, soon)
    downstream = downstream_views(spec, snapshot)
    need = within_limits(spec, snapshot, wanted, downstream)
    serving_units = _serving_units(standing)
    if spec.split:
        comes = weighted_units(spec, snapshot, asked_units(spec, demands))
        if not may_be_without_instances(spec, snapshot):
            comes = max(comes, min(pool.units_per_capacity for pool in spec.pools))
        need = replace(need, keep=max(need.keep, comes))
    frozen = _frozen(snapshot, demands, need)
    target = _target(spec, snapshot, need, baseline, serving_units, stays=frozen is not None)
    split = next_split(target, snapshot.traffic, told=memory.cloud_weight)
    troubles = _troubles(
        spec,
        demands,
        baseline,
        need,
        serving_units=serving_units,
        now=now,
        frozen=frozen,
        hold_ended=_hold_ended(snapshot),
        is_dead=_is_dead(snapshot, baseline, need, serving_units),
        witnessed=witnessed,
    )
    reasons: tuple[Reason, ...]
    if frozen:
        pools, reasons = unchanged(standing, snapshot), (frozen,)
        spend = frozen_spend(spec, snapshot, standing)
    else:
        doubts = [
            *_doubts(spec, snapshot, demands, baseline, is_leaving=split.cloud > target.cloud),
            *witnessed.doubts,
        ]
        sizing = size(spec, snapshot, need, standing, doubts, serving_units=serving_units)
        also = {
            Reason.DOWNSTREAM_LIMIT: need.grow_to < wanted.grow_to,
            Reason.MAINTENANCE: any(
                site.cause is BaselineCause.MAINTENANCE for site in soon.views()
            ),
            Reason.MEASURED_UNITS: bool(measured_units),
        }
        reasons = (*sizing.reasons, *(reason for reason, applies in also.items() if applies))
        spend = sizing.spend
        if Reason.SPEND_LIMIT in reasons:  # nothing boots only to wait
            need = replace(need, warm_units=None)
        pools = pool_plans(
            standing,
            sizing.sizes,
            snapshot,
            need,
            serving_units=serving_units,
            in_units=spec.pace.in_units,
            sure=not doubts,
        )
        pools = with_roll_backs(spec, snapshot, pools)
    saves = frozen is Reason.BLIND and snapshot.traffic is not None and snapshot.traffic.one_is_dead
    leaves_traffic = spec.split is None or (frozen is not None and not saves)
    demand_units, granted_units = asked_units(spec, demands), sum(pool.units for pool in pools)
    return Plan(
        pools=pools,
        reason=reasons[0],
        limits=(*reasons[1:], *(one for one in troubles if one not in reasons)),
        demand_units=demand_units,
        ahead_units=need.ahead,
        baseline_units=baseline.units,
        baseline_state=baseline.state,
        sites=baseline.views(),
        downstream=downstream,
        burst_units=need.burst,
        wanted_units=wanted.grow_to,
        granted_units=granted_units,
        serving_units=serving_units,
        idle_units=need.idle_units,
        cloud_weight=None if leaves_traffic else split.cloud,
        site_weights={} if leaves_traffic else split.sites,
        signals=tuple(demand.view for demand in demands),
        stuck_drains=stuck_drains(standing, snapshot),
        idle_protected=idle_protected(spec, snapshot, wanted_units=need.grow_to),
        rule=need.rule,
        measured_units=measured_units,
        service=service,
        bought=burst_causes(granted_units, demand_units, baseline.views()),
        usd_per_hour=usd_per_hour(spec, pools),
        missing=tuple(outage for one in standing for outage in one.missing),
        spend=spend,
    )


def _within_lead_time(
    spec: FleetSpec, snapshot: Snapshot, baseline: UsableBaseline
) -> UsableBaseline:
    """Return the least that the baseline carries until new capacity serves."""
    if not any(side.maintenance for side in sides_of(spec.baseline).values()):
        return baseline
    return usable_baseline(
        spec.baseline,
        snapshot.baseline,
        snapshot.now_epoch_seconds,
        lead_seconds=lead_seconds_for(spec, baseline.units),
    )


def _target(
    spec: FleetSpec,
    snapshot: Snapshot,
    need: Need,
    baseline: UsableBaseline,
    serving_units: float,
    *,
    stays: bool,
) -> Split:
    """Return how the traffic should be split: the sites are filled first, by what each serves.

    Where weights act late, they follow the burst of later. While nothing may be changed they stay,
    and where a group could not be read, between what surely serves and what may serve.
    """
    read, burst = snapshot.traffic, need.burst
    if stays and read is not None and read.cloud_weight is not None:
        return Split(cloud=read.cloud_weight, sites=read.site_weights)
    if spec.split and spec.split.acts_after_seconds:
        burst = max(burst, need.ahead - baseline.units)
    is_one = spec.split is None or "" in spec.split.sides
    sites = {"": baseline.units} if is_one else {name: one.units for name, one in baseline.sites}
    most = cloud_weight(burst, baseline.units, serving_units)
    least = cloud_weight(burst, baseline.units, _seen_units(spec, snapshot))
    now = most if read is None or read.cloud_weight is None else read.cloud_weight
    return wanted_split(max(least, min(now, most)), sites)


def _need(
    spec: FleetSpec,
    learned: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    snapshot: Snapshot,
) -> Need:
    """Return what is needed above a baseline: as foreseen, or as the reactive rule says.

    Args:
        spec: The fleet, with what missed work is worth now.
        learned: The fleet as the learner knows it.
        demands: What the signals ask for.
        baseline: What carries the rest.
        snapshot: What is seen and remembered.
    """
    return forecast_need(learned, demands, baseline, snapshot) or reactive_need(
        spec,
        demands,
        baseline,
        snapshot.now_epoch_seconds,
        pools=snapshot.pools,
        growth=known_growth(snapshot),
        shrinkage=snapshot.recalled.shrinkage,
    )


def _frozen(snapshot: Snapshot, demands: Sequence[SignalDemand], need: Need) -> Reason | None:
    """Return why nothing may be changed, if anything says so; what is known needs no signal."""
    if snapshot.hold:
        return Reason.HELD
    if all(demand.view.units is None for demand in demands) and not need.known_peak:
        return Reason.BLIND
    return None


def _believed(need: Need, witnessed: Testimony, baseline: UsableBaseline) -> Need:
    """Return the need that grows no further than a witness confirms, and keeps what it kept.

    A known peak is confirmed by its owner.
    """
    most = max(0.0, witnessed.most_units - baseline.units)
    if need.known_peak or need.grow_to <= most:
        return need
    return replace(need, grow_to=most)


def _hold_ended(snapshot: Snapshot) -> bool:
    """Whether a hold has just ended by itself, which nobody is to find out by surprise."""
    hold, now = snapshot.recalled.hold, snapshot.now_epoch_seconds
    return hold is not None and 0 <= now - hold.until_epoch_seconds < HOLD_ENDED_SECONDS


def _troubles(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    need: Need,
    *,
    serving_units: float,
    now: int,
    frozen: Reason | None,
    hold_ended: bool,
    is_dead: bool,
    witnessed: Testimony,
) -> list[Reason]:
    """Return what somebody should look at, whatever set the size."""
    unserved = need.burst > serving_units
    lasting = lasts_unserved(spec, demands, baseline, serving_units, now)
    troubles = {
        Reason.HOLD_ENDED: hold_ended,
        **dict.fromkeys((*witnessed.doubts, *witnessed.bounds), True),
        Reason.HELD_UNSERVED: frozen is Reason.HELD and unserved,
        Reason.UNSERVED: unserved and lasting,
        Reason.NO_WORK_TAKEN: need.idle_units > 0,
        Reason.TARGETS_DEAD: is_dead,
        Reason.BASELINE_UNKNOWN: baseline.state is BaselineState.UNKNOWN,
    }
    return [reason for reason, applies in troubles.items() if applies]


def _is_dead(
    snapshot: Snapshot, baseline: UsableBaseline, need: Need, serving_units: float
) -> bool:
    """Whether a side that should serve has no healthy target."""
    if any(site.cause is BaselineCause.TARGETS for site in baseline.views()):
        return True
    read = snapshot.traffic
    return read is not None and read.cloud_healthy == 0 and min(need.burst, serving_units) > 0


def _serving_units(health: Sequence[PoolHealth]) -> float:
    """Return what serves; a group that cannot be read is taken to serve what it was asked for."""
    return sum(
        (one.reading.in_service_capacity if one.reading else one.size.capacity)
        * one.spec.units_per_capacity
        for one in health
    )


def _seen_units(spec: FleetSpec, snapshot: Snapshot) -> float:
    """Return what surely serves."""
    units = {pool.name: pool.units_per_capacity for pool in spec.pools}
    return sum(one.in_service_capacity * units[one.name] for one in snapshot.pools)


def _doubts(
    spec: FleetSpec,
    snapshot: Snapshot,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    *,
    is_leaving: bool,
) -> list[Reason]:
    """Return why nothing may be let go, if anything says so."""
    splits = spec.split is not None and snapshot.traffic is not None
    blind = splits and snapshot.traffic is not None and snapshot.traffic.is_blind
    states = {demand.view.state for demand in demands}
    doubts = {
        Reason.SIGNAL_SILENT: SignalState.SILENT in states,
        Reason.SIGNAL_IMPLAUSIBLE: SignalState.IMPLAUSIBLE in states,
        Reason.BASELINE_UNKNOWN: baseline.state is BaselineState.UNKNOWN,
        Reason.TARGETS_UNREADABLE: blind,
        Reason.TRAFFIC_MOVING: splits and is_leaving and not blind,
        Reason.STATE_LOST: snapshot.memory is None,
        Reason.POOL_UNREADABLE: len(snapshot.pools) < len(spec.pools),
    }
    return [reason for reason, applies in doubts.items() if applies]
