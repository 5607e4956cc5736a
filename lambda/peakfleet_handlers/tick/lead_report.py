"""Metrics about the lead time: what the fleet covers meanwhile, and how long boots take."""

from __future__ import annotations

from aws_lambda_powertools.metrics import MetricResolution, MetricUnit

from peakfleet_handlers.aws import emit
from peakfleet_planner import FleetSpec, Plan, Snapshot

COVERED_SECONDS, COVERED_EVERY_SECONDS = 60, 10
"""What is covered until the next tick, in the shortest period that an alarm has. CloudWatch takes
values of up to two hours ahead."""


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
