"""Report: one log line and the metrics of a tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from peakfleet_handlers.aws import FailedCall, emit, logger
from peakfleet_handlers.tick.act import Applied
from peakfleet_planner import BaselineState, FleetSpec, OutageCause, Reason, SignalState

BROKEN = (OutageCause.BAD_TEMPLATE, OutageCause.NEVER_READY, OutageCause.NOT_AUTHORISED)
"""Outages that do not end by themselves."""


def report(
    spec: FleetSpec,
    now_epoch_seconds: int,
    applied: Applied,
    failed: tuple[FailedCall, ...],
    *,
    in_service: Mapping[str, int],
) -> None:
    """Write the tick's log line and its metrics to standard output.

    Args:
        spec: The fleet.
        now_epoch_seconds: The tick's time, which is the time of the metrics.
        applied: What was decided and done.
        failed: Calls that failed.
        in_service: Capacity that serves in each pool that could be read.
    """
    plan = applied.plan
    log = logger().warning if failed else logger().info
    log(
        plan.explain(),
        extra={
            "fleet": spec.fleet,
            "tick": now_epoch_seconds,
            "plan": plan.to_json(),
            "applied": applied.to_json(),
            "failed_calls": [asdict(call) for call in failed],
        },
    )
    values = fleet_metrics(applied, failed)
    emit(now_epoch_seconds, {"Fleet": spec.fleet}, values)
    for name, capacity in _capacities(applied).items():
        sizes = {"DesiredCapacity": float(capacity)}
        if name in in_service:
            sizes["InServiceCapacity"] = in_service[name]
        emit(now_epoch_seconds, {"Fleet": spec.fleet, "Pool": name}, sizes)


def fleet_metrics(applied: Applied, failed: tuple[FailedCall, ...]) -> dict[str, float]:
    """Return the metrics of a fleet, by name."""
    plan = applied.plan
    reasons = {plan.reason, *plan.limits}
    return {
        "Ticks": 1,
        "DemandUnits": plan.demand_units,
        "AheadUnits": plan.ahead_units,
        "BaselineUnits": plan.baseline_units,
        "BurstUnits": plan.burst_units,
        "WantedUnits": plan.wanted_units,
        "GrantedUnits": plan.granted_units,
        "ServingUnits": plan.serving_units,
        "UnservedUnits": plan.unserved_units,
        "MissingUnits": plan.missing_units,
        "StaleSignals": sum(signal.state is not SignalState.FRESH for signal in plan.signals),
        "RejectedSamples": sum(signal.rejected_samples for signal in plan.signals),
        "AtMaximum": Reason.AT_MAXIMUM in reasons,
        "Held": Reason.HELD in reasons,
        "BaselineUnknown": plan.baseline_state is BaselineState.UNKNOWN,
        "PoolsChanged": len(applied.pools),
        "PoolsOut": sum(pool.outage is not None for pool in plan.pools),
        "PoolsBroken": sum(pool.outage in BROKEN for pool in plan.pools),
        "RolledBack": len(applied.rolled_back),
        "RefusedLaunches": applied.refused,
        "InstancesAtRisk": sum(len(pool.drains) for pool in plan.pools),
        "OtherWriter": Reason.OTHER_WRITER in reasons,
        "ReplacementHalted": sum(not pool.replaces_unhealthy for pool in plan.pools),
        "StuckDrains": plan.stuck_drains,
        "SweptInstances": len(applied.swept),
        "FailedCalls": len(failed),
    }


def _capacities(applied: Applied) -> dict[str, int]:
    """Return what each pool is asked to run after the tick, as far as it is known."""
    before = {
        pool.name: pool.desired_capacity if pool.seen_capacity is None else pool.seen_capacity
        for pool in applied.plan.pools
    }
    return {**before, **applied.pools}
