"""CloudWatch datapoints, indexed by series, so that a tick reads them in a moment."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite

SeriesKey = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One published value, or the statistics of several.

    Args:
        minimum: Least value.
        maximum: Greatest value.
        total: Sum of the values.
        count: How many values.
        unit: As published. Default: none.
    """

    minimum: float
    maximum: float
    total: float
    count: float
    unit: str | None = None

    @classmethod
    def of(cls, value: float, *, count: float = 1.0, unit: str | None = None) -> Sample:
        """Return the sample of one value, seen `count` times."""
        return cls(minimum=value, maximum=value, total=value * count, count=count, unit=unit)


@dataclass(slots=True)
class _Series:
    epoch_seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


class UnknownStatisticError(ValueError):
    """A statistic that the store cannot compute."""


class MetricStore:
    """Every datapoint published to the local CloudWatch, of all regions. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[SeriesKey, _Series] = {}

    def put(
        self,
        *,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        epoch_seconds: float,
        sample: Sample,
    ) -> None:
        """Publish one sample.

        Args:
            namespace: Such as AWS/SQS.
            name: Of the metric.
            dimensions: All of them; a metric with other dimensions is another metric.
            epoch_seconds: Its time.
            sample: What was measured.

        Raises:
            ValueError: A value is not finite; CloudWatch refuses it too.
        """
        if not (isfinite(sample.total) and isfinite(sample.minimum) and isfinite(sample.maximum)):
            raise ValueError(f"metric '{name}' in '{namespace}': values must be finite")
        with self._lock:
            series = self._series.setdefault(series_key(namespace, name, dimensions), _Series())
            at = bisect_right(series.epoch_seconds, epoch_seconds)
            series.epoch_seconds.insert(at, epoch_seconds)
            series.samples.insert(at, sample)

    def read(
        self,
        *,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        start_epoch_seconds: float,
        end_epoch_seconds: float,
        period_seconds: int,
        statistic: str,
        unit: str | None = None,
    ) -> list[tuple[int, float]]:
        """Return period starts and values, oldest first, as CloudWatch aligns them.

        Args:
            namespace: Such as AWS/SQS.
            name: Of the metric.
            dimensions: All of them.
            start_epoch_seconds: Rounded down to a whole period.
            end_epoch_seconds: Periods that begin here or later are left out.
            period_seconds: Length of a period.
            statistic: Sum, Average, Minimum, Maximum, SampleCount or a percentile (p99).
            unit: Only samples of this unit. Default: all.

        Raises:
            UnknownStatisticError: Any other statistic.
        """
        first = int(start_epoch_seconds // period_seconds) * period_seconds
        periods = ceil((end_epoch_seconds - first) / period_seconds)
        with self._lock:
            series = self._series.get(series_key(namespace, name, dimensions))
            if series is None:
                return []
            low = bisect_left(series.epoch_seconds, first)
            high = bisect_left(series.epoch_seconds, first + periods * period_seconds)
            found = list(zip(series.epoch_seconds[low:high], series.samples[low:high], strict=True))
        buckets: dict[int, list[Sample]] = {}
        for at, sample in found:
            if unit is None or sample.unit == unit:
                start = int(at // period_seconds) * period_seconds
                buckets.setdefault(start, []).append(sample)
        return [(start, _statistic(statistic, samples)) for start, samples in buckets.items()]

    def series_keys(self) -> Iterator[SeriesKey]:
        """Every metric that ever had a datapoint."""
        with self._lock:
            return iter(list(self._series))


def series_key(namespace: str, name: str, dimensions: Mapping[str, str]) -> SeriesKey:
    """What makes a metric the same metric."""
    return namespace, name, tuple(sorted(dimensions.items()))


def _statistic(statistic: str, samples: Sequence[Sample]) -> float:
    total = sum(s.total for s in samples)
    count = sum(s.count for s in samples)
    plain = {
        "Sum": total,
        "SampleCount": count,
        "Average": total / count if count else 0.0,
        "Minimum": min(s.minimum for s in samples),
        "Maximum": max(s.maximum for s in samples),
    }
    if statistic in plain:
        return plain[statistic]
    return _percentile(statistic, samples, count)


def _percentile(statistic: str, samples: Sequence[Sample], count: float) -> float:
    try:
        percent = float(statistic[1:]) if statistic.startswith("p") else -1.0
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:  # noqa: PLR2004 - per cent
        raise UnknownStatisticError(
            f"the local CloudWatch has no statistic '{statistic}'; it has Sum, Average, "
            "Minimum, Maximum, SampleCount and percentiles such as p99"
        )
    wanted, seen = count * percent / 100, 0.0
    ordered = sorted(samples, key=lambda s: s.maximum)
    for sample in ordered:
        seen += sample.count
        if seen >= wanted:
            return sample.maximum
    return ordered[-1].maximum
