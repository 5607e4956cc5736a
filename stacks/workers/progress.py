"""Progress of a worker, as CloudWatch metrics: one datapoint a period, a minute or less."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Callable, Protocol

MINUTE_SECONDS = 60

log = logging.getLogger(__name__)


class CloudWatch(Protocol):
    """The one call of boto3's CloudWatch client that is used."""

    def put_metric_data(self, *, Namespace: str, MetricData: list[dict[str, Any]]) -> object:  # noqa: N803  boto3's own names
        """Publish datapoints."""


class Progress:
    """Counts what was done since the last report. Safe to use from several threads.

    Args:
        cloudwatch: A boto3 CloudWatch client.
        namespace: Namespace of the metrics.
        dimensions: Their dimensions.
        resolution_seconds: The finest period in which CloudWatch keeps them: 60 or 1.
    """

    def __init__(
        self,
        cloudwatch: CloudWatch,
        *,
        namespace: str,
        dimensions: Mapping[str, str],
        resolution_seconds: int = MINUTE_SECONDS,
    ) -> None:
        self._cloudwatch = cloudwatch
        self._resolution_seconds = resolution_seconds
        self._namespace = namespace
        self._dimensions = [{"Name": k, "Value": v} for k, v in sorted(dimensions.items())]
        self._lock = threading.Lock()
        self._counts: defaultdict[str, float] = defaultdict(float)

    def add(self, name: str, amount: float = 1) -> None:
        """Count *amount* more of *name*."""
        with self._lock:
            self._counts[name] += amount

    def report(self, timestamp: float, gauges: Mapping[str, float]) -> Mapping[str, float]:
        """Publish the counts and *gauges*, and return the counts that CloudWatch took.

        What it did not take is kept.
        """
        with self._lock:
            counts, self._counts = self._counts, defaultdict(float)
        try:
            self._cloudwatch.put_metric_data(
                Namespace=self._namespace,
                MetricData=[
                    {
                        "MetricName": name,
                        "Value": value,
                        "Timestamp": timestamp,
                        "Dimensions": self._dimensions,
                        "StorageResolution": self._resolution_seconds,
                    }
                    for name, value in sorted({**counts, **gauges}.items())
                ],
            )
        except Exception:  # whatever CloudWatch's trouble is, the work must go on
            log.exception("metrics were not published, they are kept for the next period")
            for name, amount in counts.items():
                self.add(name, amount)
            return {}
        return counts


def every_period(
    report: Callable[[float], None],
    stop: threading.Event,
    now: Callable[[], float] = time.time,
    *,
    seconds: int = MINUTE_SECONDS,
) -> None:
    """Call *report* with the start of each period, once, until *stop*.

    All workers report for the same periods, so that the sum of one counts each of them once.
    """
    last = now() // seconds
    while not stop.wait(seconds - now() % seconds):
        period = now() // seconds
        if period != last:  # a wait may end a moment early
            report(period * seconds)
            last = period
