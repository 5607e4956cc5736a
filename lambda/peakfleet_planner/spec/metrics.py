"""Metrics as values: what to read from CloudWatch, and what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from peakfleet_planner.codec import SpecError, check_named

PERIODS_SECONDS: Final = (1, 5, 10, 20, 30)
"""Periods below a minute that GetMetricData accepts, for high-resolution metrics."""
MINUTE_SECONDS: Final = 60
DAY_SECONDS: Final = 24 * 3600
SUMS: Final = ("Sum", "SampleCount")
"""Statistics that grow with the period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One CloudWatch metric, as GetMetricData names it.

    Args:
        namespace: CloudWatch namespace.
        metric_name: Name within the namespace.
        dimensions: Dimension names and values. Default: none.
        statistic: CloudWatch statistic, for example `Average`, `Sum` or `p99`.
        period_seconds: Length of one datapoint. Default: 60.
        account: The account that publishes it. Default: the reader's own.
        reader: The reader's account, where only the deployment knows whether that is the same.
    """

    namespace: str
    metric_name: str
    dimensions: Mapping[str, str] = field(default_factory=dict)
    statistic: str = "Average"
    period_seconds: int = MINUTE_SECONDS
    account: str | None = None
    reader: str | None = None

    def __post_init__(self) -> None:
        """Refuse what GetMetricData would refuse."""
        owner = f"metric '{self.namespace}/{self.metric_name}'"
        check_named(owner, "namespace", self.namespace)
        check_named(owner, "metric_name", self.metric_name)
        if self.period_seconds not in PERIODS_SECONDS and (
            self.period_seconds < MINUTE_SECONDS or self.period_seconds % MINUTE_SECONDS
        ):
            raise SpecError(
                f"{owner}: period_seconds must be {', '.join(map(str, PERIODS_SECONDS))} "
                f"or a multiple of 60, got {self.period_seconds}"
            )

    @property
    def other_account(self) -> str | None:
        """The account to name when it is read; None if it is the reader's own."""
        return None if self.account == self.reader else self.account

    @property
    def is_fast(self) -> bool:
        """Whether it is published by the second, in periods shorter than a minute."""
        return self.period_seconds < MINUTE_SECONDS

    @property
    def delay_seconds(self) -> int:
        """How late a value is seen: AWS publishes no figure, one period is assumed.

        A longer period than a minute is taken to be late by a minute too.
        """
        return min(self.period_seconds, MINUTE_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeries:
    """What one read of a metric returned.

    Args:
        points: Start of each period in seconds since 1970 (UTC) and its value, oldest first. Of
            a metric with a shorter period they are by the minute; a statistic that grows with
            the period is as it would be for the metric's own.
        readable: False if the read itself failed, so that no points does not mean no data.
        newest: The last minutes in the metric's own period, where that is shorter than a
            minute. Default: none.
        ahead_seconds: How far in the future the newest datapoint begins, where that was asked
            for: whoever published it has a clock that is fast. Default: 0, it does not.
    """

    points: tuple[tuple[int, float], ...] = ()
    readable: bool = True
    newest: tuple[tuple[int, float], ...] = ()
    ahead_seconds: int = 0
