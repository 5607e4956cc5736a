"""Report: one log line and the metrics of a tick, and of the lead time that it works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.metrics import MetricResolution, MetricUnit

from peakfleet_handlers.aws import Calls, emit, logger
from peakfleet_handlers.tick.act import Applied
from peakfleet_handlers.tick.metrics import metrics_of, troubles
from peakfleet_planner import FleetSpec, Plan, Snapshot
from peakfleet_planner.spec import DAY_SECONDS, MINUTE_SECONDS, published

COVERED_SECONDS, COVERED_EVERY_SECONDS = 60, 10
"""What is covered until the next tick, in the shortest period that an alarm has. CloudWatch takes
values of up to two hours ahead."""


def report(
    spec: FleetSpec,
    snapshot: Snapshot,
    applied: Applied,
    calls: Calls,
    *,
    read: Mapping[str, Any],
) -> None:
    """Write the tick's log line and its metrics to standard output.

    Args:
        spec: The fleet.
        snapshot: What was observed; its time is that of the metrics.
        applied: What was decided and done.
        calls: With those that failed.
        read: Which metrics were read by the tick, and how old the others are.
    """
    now = snapshot.now_epoch_seconds
    plan = applied.plan
    metrics = {
        **metrics_of(plan, calls),
        "PoolsChanged": len(applied.pools),
        "RolledBack": len(applied.rolled_back),
        "RefusedLaunches": applied.refused,
        "SweptInstances": len(applied.swept),
    }
    log = logger().warning if calls.failed else logger().info
    log(
        plan.explain(),
        extra={
            "fleet": spec.fleet,
            "tick": now,
            "plan": plan.to_json(),
            "applied": applied.to_json(),
            "troubles": troubles(metrics),
            "metrics_read": read,
            "failed_calls": calls.to_json(),
        },
    )
    if spec.mode == "shadow":  # whoever runs the groups has alarms of their own
        emit(now, {"Fleet": spec.fleet}, published(metrics, spec.metrics, quiet=True))
        return
    emit(now, {"Fleet": spec.fleet}, published(metrics, spec.metrics))
    report_lead(spec, snapshot, plan)


def report_lead(spec: FleetSpec, snapshot: Snapshot, plan: Plan) -> None:
    """Write the metrics to standard output: measured boots once a day, as they change slowly.

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
    is_due = now % DAY_SECONDS < MINUTE_SECONDS or spec.metrics == "every"
    boots = snapshot.memory.boots if snapshot.memory and is_due else {}
    for pool, measured in boots.items():
        median, slow = measured.quantile(0.5), measured.quantile(0.95)
        if median is not None and slow is not None:
            emit(
                now,
                {"Fleet": spec.fleet, "Pool": pool},
                {"BootSecondsP50": median, "BootSecondsP95": slow},
                unit=MetricUnit.Seconds,
            )
