"""Telemetry: the log and the embedded metrics of a function."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricResolution, MetricUnit

SERVICE = "peakfleet"
NAMESPACE = "PeakFleet"


def emit(
    now_epoch_seconds: int,
    dimensions: Mapping[str, str],
    values: Mapping[str, float],
    *,
    unit: MetricUnit = MetricUnit.Count,
    resolution: MetricResolution = MetricResolution.Standard,
) -> None:
    """Print one embedded-metrics record.

    The record is made anew each time: the shared `Metrics` of Powertools would carry values and
    dimensions from one tick to the next, and a service name from the environment would become
    a dimension.

    Args:
        now_epoch_seconds: The time of the metrics.
        dimensions: Their dimensions.
        values: The metrics, by name.
        unit: What they count. Default: a number.
        resolution: Whether CloudWatch keeps them by the second. Default: by the minute.
    """
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.service = ""
    metrics.timestamp = now_epoch_seconds * 1000
    for dimension, name in dimensions.items():
        metrics.add_dimension(name=dimension, value=name)
    for metric, value in values.items():
        metrics.add_metric(name=metric, unit=unit, value=value, resolution=resolution)
    metrics.flush_metrics()


@cache
def logger() -> Logger:
    """Return the logger of this execution environment."""
    return Logger(service=SERVICE, utc=True)
