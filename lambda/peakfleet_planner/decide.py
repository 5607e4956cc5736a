"""The one decision function: Lambda and simulator both call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from peakfleet_planner.demand import SignalDemand, read_demand
from peakfleet_planner.ladder import Rung, bounded, falls_short, grow, shrink, total_units
from peakfleet_planner.need import Need, foreseen_need, reactive_need
from peakfleet_planner.plan import BaselineState, Plan, PoolPlan, Reason, SignalState
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import FleetSpec
from peakfleet_planner.traffic import cloud_weight
from peakfleet_planner.usable import UsableBaseline, usable_baseline


@dataclass(slots=True, kw_only=True)
class _Outcome:
    """The ladder as the decision changes it, and why."""

    rungs: tuple[Rung, ...]
    reasons: list[Reason] = field(default_factory=list)


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
    demands = tuple(
        read_demand(spec, signal, snapshot.signals.get(signal.name, {}), now)
        for signal in spec.signals
    )
    baseline = usable_baseline(spec.baseline, snapshot.baseline, now)
    model = snapshot.memory.model if snapshot.memory else None
    need = foreseen_need(spec, demands, baseline, now, model)
    need = need or reactive_need(spec, demands, baseline, now)
    outcome = _decide_sizes(spec, snapshot, demands, baseline, need)
    seen = {pool.name: pool for pool in snapshot.pools}
    reason, *limits = outcome.reasons
    serving_units = _serving_units(spec, snapshot)
    frozen = reason in (Reason.HELD, Reason.BLIND) or spec.traffic is None
    return Plan(
        pools=tuple(
            PoolPlan(
                name=rung.name,
                desired_capacity=rung.capacity,
                seen_capacity=seen[rung.name].desired_capacity if rung.name in seen else None,
                units=rung.units,
            )
            for rung in outcome.rungs
        ),
        reason=reason,
        limits=tuple(limits),
        demand_units=max((d.view.units or 0.0 for d in demands), default=0.0),
        ahead_units=need.ahead,
        baseline_units=baseline.units,
        baseline_state=baseline.state,
        burst_units=need.burst,
        wanted_units=need.grow_to,
        granted_units=total_units(outcome.rungs),
        serving_units=serving_units,
        cloud_weight=None if frozen else cloud_weight(need.burst, baseline.units, serving_units),
        signals=tuple(demand.view for demand in demands),
        rule=need.rule,
    )


def _decide_sizes(
    spec: FleetSpec,
    snapshot: Snapshot,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    need: Need,
) -> _Outcome:
    rungs = _rungs(spec, snapshot)
    memory = snapshot.memory
    if (
        memory is not None
        and memory.hold
        and snapshot.now_epoch_seconds < memory.hold.until_epoch_seconds
    ):
        return _Outcome(rungs=rungs, reasons=[Reason.HELD])
    if all(demand.view.units is None for demand in demands):
        return _Outcome(rungs=rungs, reasons=[Reason.BLIND])
    rungs = bounded(rungs)
    if falls_short(rungs, need.grow_to):
        return _grow(spec, rungs, need)
    if doubts := _doubts(spec, snapshot, demands, baseline):
        return _Outcome(rungs=rungs, reasons=doubts)
    return _shrink(spec, rungs, need, serving_units=_serving_units(spec, snapshot))


def _grow(spec: FleetSpec, rungs: tuple[Rung, ...], need: Need) -> _Outcome:
    unbounded = grow(rungs, need.grow_to, at_most_units=inf)
    grown = grow(rungs, need.grow_to, at_most_units=spec.pace.out_units)
    outcome = _Outcome(rungs=grown)
    if falls_short(unbounded, need.grow_to):
        outcome.reasons.append(Reason.AT_MAXIMUM)
    if grown != unbounded:
        outcome.reasons.insert(0, Reason.STEP_LIMITED)
    outcome.reasons = outcome.reasons or [Reason.DEMAND]
    return outcome


def _shrink(
    spec: FleetSpec, rungs: tuple[Rung, ...], need: Need, *, serving_units: float
) -> _Outcome:
    """Let go what is not kept; what still boots does not replace what serves.

    A group chooses its victims itself, so each of them may be one that serves.
    """
    spare_units = max(0.0, serving_units - need.keep) if need.keep else inf
    free = shrink(rungs, need.grow_to, at_most_units=inf)
    kept = shrink(rungs, need.keep, at_most_units=inf)
    served = shrink(rungs, need.keep, at_most_units=spare_units)
    paced = shrink(rungs, need.keep, at_most_units=min(spare_units, spec.pace.in_units))
    reasons = []
    if paced != served:
        reasons.append(Reason.STEP_LIMITED)
    if served != kept:
        reasons.append(Reason.STILL_BOOTING)
    if kept != free:
        reasons.append(Reason.HOLDING_PEAK)
    return _Outcome(
        rungs=paced,
        reasons=reasons or [Reason.DEMAND if need.grow_to else Reason.BASELINE_SUFFICES],
    )


def _serving_units(spec: FleetSpec, snapshot: Snapshot) -> float:
    seen = {pool.name: pool.in_service_capacity for pool in snapshot.pools}
    return sum(seen.get(pool.name, 0) * pool.units_per_capacity for pool in spec.pools)


def _rungs(spec: FleetSpec, snapshot: Snapshot) -> tuple[Rung, ...]:
    """Return the ladder as observed, or as remembered where a group could not be read."""
    seen = {pool.name: pool for pool in snapshot.pools}
    remembered = snapshot.memory.desired if snapshot.memory else {}
    rungs = []
    for pool in spec.pools:
        rung = Rung(
            name=pool.name,
            units_per_capacity=pool.units_per_capacity,
            capacity=remembered.get(pool.name, 0),
            floor=pool.min_capacity,
            ceiling=pool.max_capacity,
        )
        if reading := seen.get(pool.name):
            rung = replace(
                rung,
                capacity=reading.desired_capacity,
                floor=max(rung.floor, reading.min_capacity),
                ceiling=min(rung.ceiling, reading.max_capacity),
            )
        elif pool.name not in remembered:
            continue
        rungs.append(rung)
    return tuple(rungs)


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
