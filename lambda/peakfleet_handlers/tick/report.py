"""Report: one log line and the metrics of a tick, and of the lead time that it works with."""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricResolution, MetricUnit

from peakfleet_handlers.aws import Calls, emit, logger
from peakfleet_handlers.tick.act import Applied
from peakfleet_planner import (
    BaselineState,
    BurstCause,
    FleetSpec,
    OutageCause,
    Plan,
    Reason,
    SignalState,
    Snapshot,
)
from peakfleet_planner.pool_plan import MOST_WEIGHT, cloud_weight

COVERED_SECONDS, COVERED_EVERY_SECONDS = 60, 10
"""What is covered until the next tick, in the shortest period that an alarm has. CloudWatch takes
values of up to two hours ahead."""
BROKEN = (OutageCause.BAD_TEMPLATE, OutageCause.NEVER_READY, OutageCause.NOT_AUTHORISED)
"""Outages that do not end by themselves."""


def report(spec: FleetSpec, snapshot: Snapshot, applied: Applied, calls: Calls) -> None:
    """Write the tick's log line and its metrics to standard output.

    Args:
        spec: The fleet.
        snapshot: What was observed; its time is that of the metrics.
        applied: What was decided and done.
        calls: With those that failed.
    """
    now = snapshot.now_epoch_seconds
    plan = applied.plan
    log = logger().warning if calls.failed else logger().info
    log(
        plan.explain(),
        extra={
            "fleet": spec.fleet,
            "tick": now,
            "plan": plan.to_json(),
            "applied": applied.to_json(),
            "failed_calls": calls.to_json(),
        },
    )
    emit(now, {"Fleet": spec.fleet}, fleet_metrics(applied, calls))
    in_service = {pool.name: pool.in_service_capacity for pool in snapshot.pools}
    for name, capacity in _capacities(applied).items():
        sizes = {"DesiredCapacity": float(capacity)}
        if name in in_service:
            sizes["InServiceCapacity"] = in_service[name]
        emit(now, {"Fleet": spec.fleet, "Pool": name}, sizes)
    report_lead(spec, snapshot, plan)


def fleet_metrics(applied: Applied, calls: Calls) -> dict[str, float]:
    """Return the metrics of a fleet, by name."""
    plan = applied.plan
    reasons = {plan.reason, *plan.limits}
    share = cloud_weight(plan.burst_units, plan.baseline_units, plan.serving_units)
    return {
        "Ticks": 1,
        "DemandUnits": plan.demand_units,
        "AheadUnits": plan.ahead_units,
        "BaselineUnits": plan.baseline_units,
        "BurstUnits": plan.burst_units,
        "BaselineShortUnits": sum(
            plan.bought.get(cause.value, 0.0)
            for cause in (BurstCause.DEGRADED, BurstCause.UNKNOWN, BurstCause.MAINTENANCE)
        ),
        "CloudShare": share / MOST_WEIGHT,
        "WantedUnits": plan.wanted_units,
        "GrantedUnits": plan.granted_units,
        "ServingUnits": plan.serving_units,
        "UnservedUnits": plan.unserved_units,
        "MissingUnits": plan.missing_units,
        "StaleSignals": sum(signal.state is not SignalState.FRESH for signal in plan.signals),
        "CompleteShare": min((signal.complete_share for signal in plan.signals), default=1.0),
        "IdleUnits": plan.idle_units,
        "RejectedSamples": sum(signal.rejected_samples for signal in plan.signals),
        "AtMaximum": Reason.AT_MAXIMUM in reasons,
        "Held": Reason.HELD in reasons,
        "HeldUnservedUnits": plan.unserved_units if Reason.HELD in reasons else 0.0,
        "CapacityMissing": Reason.CAPACITY_MISSING in reasons,
        "ProcessesSuspended": sum(bool(pool.suspended) for pool in plan.pools),
        "BaselineUnknown": plan.baseline_state is BaselineState.UNKNOWN,
        "DownstreamLimited": Reason.DOWNSTREAM_LIMIT in reasons,
        "PoolsChanged": len(applied.pools),
        "PoolsOut": sum(pool.outage is not None for pool in plan.pools),
        "PoolsBroken": sum(pool.outage in BROKEN for pool in plan.pools),
        "RolledBack": len(applied.rolled_back),
        "RefusedLaunches": applied.refused,
        "InstancesAtRisk": sum(len(pool.drains) for pool in plan.pools),
        "OtherWriter": Reason.OTHER_WRITER in reasons,
        "ReplacementHalted": sum(not pool.replaces_unhealthy for pool in plan.pools),
        "StuckDrains": plan.stuck_drains,
        "IdleProtected": plan.idle_protected,
        "SweptInstances": len(applied.swept),
        "FailedCalls": len(calls.failed),
    }


def report_lead(spec: FleetSpec, snapshot: Snapshot, plan: Plan) -> None:
    """Write the metrics to standard output.

    An alarm by the second compares demand with `CoveredUnits`. It cannot be relied on to look back
    a minute for the last value of that, so each tick says what holds until the next one.

    Args:
        spec: The fleet.
        snapshot: What was seen.
        plan: What was done.
    """
    now = snapshot.now_epoch_seconds
    if any(signal.is_fast for signal in spec.signals):
        covered = plan.baseline_units + plan.granted_units
        for ahead in range(0, COVERED_SECONDS + COVERED_EVERY_SECONDS, COVERED_EVERY_SECONDS):
            emit(
                now + ahead,
                {"Fleet": spec.fleet},
                {"CoveredUnits": covered},
                resolution=MetricResolution.High,
            )
    boots = snapshot.memory.boots if snapshot.memory else {}
    for pool, measured in boots.items():
        median, slow = measured.quantile(0.5), measured.quantile(0.95)
        if median is not None and slow is not None:
            emit(
                now,
                {"Fleet": spec.fleet, "Pool": pool},
                {"BootSecondsP50": median, "BootSecondsP95": slow},
                unit=MetricUnit.Seconds,
            )


def _capacities(applied: Applied) -> dict[str, int]:
    """Return what each pool is asked to run after the tick, as far as it is known."""
    before = {
        pool.name: pool.desired_capacity if pool.seen_capacity is None else pool.seen_capacity
        for pool in applied.plan.pools
    }
    return {**before, **applied.pools}
