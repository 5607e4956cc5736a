"""Report: one log line and the metrics of a tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from peakfleet_handlers.act import Applied
from peakfleet_handlers.calls import FailedCall
from peakfleet_planner import BaselineState, FleetSpec, Plan, Reason, SignalState

SERVICE = "peakfleet"
NAMESPACE = "PeakFleet"


def report(
    spec: FleetSpec,
    now_epoch_seconds: int,
    plan: Plan,
    applied: Applied,
    failed: tuple[FailedCall, ...],
) -> None:
    """Write the tick's log line and its metrics to standard output.

    Args:
        spec: The fleet.
        now_epoch_seconds: The tick's time, which is the time of the metrics.
        plan: What was decided.
        applied: What was done.
        failed: Calls that failed.
    """
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
    values = fleet_metrics(plan, applied, failed)
    emit(now_epoch_seconds, {"Fleet": spec.fleet}, values)
    for name, capacity in _capacities(plan, applied).items():
        dimensions = {"Fleet": spec.fleet, "Pool": name}
        emit(now_epoch_seconds, dimensions, {"DesiredCapacity": capacity})


def fleet_metrics(plan: Plan, applied: Applied, failed: tuple[FailedCall, ...]) -> dict[str, float]:
    """Return the metrics of a fleet, by name."""
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
        "FailedCalls": len(failed),
    }


def _capacities(plan: Plan, applied: Applied) -> dict[str, int]:
    """Return what each pool is asked to run after the tick, as far as it is known."""
    before = {
        pool.name: pool.desired_capacity if pool.seen_capacity is None else pool.seen_capacity
        for pool in plan.pools
    }
    return {**before, **applied.pools}


def emit(
    now_epoch_seconds: int, dimensions: Mapping[str, str], values: Mapping[str, float]
) -> None:
    """Print one embedded-metrics record.

    The record is made anew each time: the shared `Metrics` of Powertools would carry values and
    dimensions from one tick to the next, and a service name from the environment would become
    a dimension.

    Args:
        now_epoch_seconds: The time of the metrics.
        dimensions: Their dimensions.
        values: The metrics, by name.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.service = ""
    metrics.timestamp = now_epoch_seconds * 1000
    for dimension, name in dimensions.items():
        metrics.add_dimension(name=dimension, value=name)
    for metric, value in values.items():
        metrics.add_metric(name=metric, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


@cache
def logger() -> Logger:
    """Return the logger of this execution environment."""
    return Logger(service=SERVICE, utc=True)
