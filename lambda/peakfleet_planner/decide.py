"""The one decision function: Lambda and simulator both call it."""

from __future__ import annotations

from collections.abc import Sequence

from peakfleet_planner.allocation import size
from peakfleet_planner.demand import SignalDemand, UsableBaseline, usable_baseline
from peakfleet_planner.plan import BaselineState, Plan, Reason, SignalState
from peakfleet_planner.pool_plan import (
    cloud_weight,
    idle_protected,
    pool_plans,
    stuck_drains,
    unchanged,
    with_roll_backs,
)
from peakfleet_planner.pools import (
    changed_units,
    known_growth,
    pool_health,
    with_measured_boots,
    with_measured_units,
    with_running_types,
)
from peakfleet_planner.requirement import (
    Need,
    asked_units,
    demand_within_lead_time,
    forecast_need,
    lasts_unserved,
    reactive_need,
    service_of,
    with_known_peaks,
    with_service,
)
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import FleetSpec


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
    baseline = usable_baseline(spec.baseline, snapshot.baseline, now)
    standing = pool_health(spec, snapshot)
    demands = demand_within_lead_time(spec, snapshot, baseline, standing)
    need = forecast_need(learned, demands, baseline, snapshot)
    need = need or reactive_need(
        spec,
        demands,
        baseline,
        now,
        pools=snapshot.pools,
        growth=known_growth(snapshot),
        shrinkage=memory.shrinkage,
    )
    need = with_known_peaks(spec, need, baseline, now)
    serving_units = _serving_units(spec, snapshot)
    frozen = _frozen(snapshot, demands, need)
    troubles = _troubles(
        spec, demands, baseline, need, serving_units=serving_units, now=now, frozen=frozen
    )
    reasons: tuple[Reason, ...]
    if frozen:
        pools, reasons = unchanged(standing, snapshot), (frozen,)
    else:
        doubts = _doubts(spec, snapshot, demands, baseline)
        sizing = size(spec, snapshot, need, standing, doubts, serving_units=serving_units)
        measured = (Reason.MEASURED_UNITS,) if measured_units else ()
        reasons = (*sizing.reasons, *measured)
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
    leaves_traffic = frozen is not None or spec.traffic is None
    return Plan(
        pools=pools,
        reason=reasons[0],
        limits=(*reasons[1:], *(one for one in troubles if one not in reasons)),
        demand_units=asked_units(spec, demands),
        ahead_units=need.ahead,
        baseline_units=baseline.units,
        baseline_state=baseline.state,
        burst_units=need.burst,
        wanted_units=need.grow_to,
        granted_units=sum(pool.units for pool in pools),
        serving_units=serving_units,
        idle_units=need.idle_units,
        cloud_weight=None
        if leaves_traffic
        else cloud_weight(need.burst, baseline.units, serving_units),
        signals=tuple(demand.view for demand in demands),
        stuck_drains=stuck_drains(standing, snapshot),
        idle_protected=idle_protected(spec, snapshot, wanted_units=need.grow_to),
        rule=need.rule,
        measured_units=measured_units,
        service=service,
        missing=tuple(outage for one in standing for outage in one.missing),
    )


def _frozen(snapshot: Snapshot, demands: Sequence[SignalDemand], need: Need) -> Reason | None:
    """Return why nothing may be changed, if anything says so; what is known needs no signal."""
    hold = snapshot.recalled.hold
    if hold and snapshot.now_epoch_seconds < hold.until_epoch_seconds:
        return Reason.HELD
    if all(demand.view.units is None for demand in demands) and not need.known_peak:
        return Reason.BLIND
    return None


def _troubles(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    need: Need,
    *,
    serving_units: float,
    now: int,
    frozen: Reason | None,
) -> list[Reason]:
    """Return what somebody should look at, whatever set the size."""
    unserved = need.burst > serving_units
    lasting = lasts_unserved(spec, demands, baseline, serving_units, now)
    troubles = {
        Reason.HELD_UNSERVED: frozen is Reason.HELD and unserved,
        Reason.UNSERVED: unserved and lasting,
        Reason.NO_WORK_TAKEN: need.idle_units > 0,
        Reason.BASELINE_UNKNOWN: baseline.state is BaselineState.UNKNOWN,
    }
    return [reason for reason, applies in troubles.items() if applies]


def _serving_units(spec: FleetSpec, snapshot: Snapshot) -> float:
    seen = {pool.name: pool.in_service_capacity for pool in snapshot.pools}
    return sum(seen.get(pool.name, 0) * pool.units_per_capacity for pool in spec.pools)


def _doubts(
    spec: FleetSpec, snapshot: Snapshot, demands: Sequence[SignalDemand], baseline: UsableBaseline
) -> list[Reason]:
    """Return why nothing may be let go, if anything says so."""
    states = {demand.view.state for demand in demands}
    doubts = {
        Reason.SIGNAL_SILENT: SignalState.SILENT in states,
        Reason.SIGNAL_IMPLAUSIBLE: SignalState.IMPLAUSIBLE in states,
        Reason.BASELINE_UNKNOWN: baseline.state is BaselineState.UNKNOWN,
        Reason.STATE_LOST: snapshot.memory is None,
        Reason.POOL_UNREADABLE: len(snapshot.pools) < len(spec.pools),
    }
    return [reason for reason, applies in doubts.items() if applies]
