"""CloudWatch datapoints, indexed by series, complete at once or only some time later."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, isfinite

MINUTE_SECONDS = 60
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """How much of a minute's values can be read, by how old the minute is.

    A metric of many publishers fills up: sums and counts grow until the last one has been
    heard. A late metric has nothing before its first age.

    Args:
        shares: Ages in seconds since the value's own time, rising, each with a share from 0
            to 1, not falling. The share rises evenly from one to the next, is 0 before the
            first, and stays as it is after the last.

    Example:
        Completeness(shares=((60, 0.4), (120, 0.9), (180, 1)))
    """

    shares: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Refuse what is no curve.

        Raises:
            ValueError: Ages do not rise, or shares fall or leave 0 to 1.
        """
        ages = [age for age, _ in self.shares]
        values = [share for _, share in self.shares]
        if not ages or ages != sorted(set(ages)):
            raise ValueError(f"completeness: ages must rise, got {ages}")
        if values != sorted(values) or not 0 <= values[0] <= values[-1] <= 1:
            raise ValueError(f"completeness: shares must rise from 0 to 1, got {values}")

    def at(self, age_seconds: float) -> float:
        """Return the share that can be read at an age.

        >>> curve = Completeness(shares=((60, 0.4), (120, 1)))
        >>> curve.at(59), curve.at(60), curve.at(90), curve.at(600)
        (0.0, 0.4, 0.7, 1)
        """
        ages = [age for age, _ in self.shares]
        after = bisect_right(ages, age_seconds)
        if after == 0:
            return 0.0
        age, share = self.shares[after - 1]
        if after == len(ages):
            return share
        next_age, next_share = self.shares[after]
        return share + (next_share - share) * (age_seconds - age) / (next_age - age)


@dataclass(slots=True)
class _Series:
    epoch_seconds: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)


class UnknownStatisticError(ValueError):
    """A statistic that the store cannot compute."""


class MetricStore:
    """Every datapoint published to the local CloudWatch, of all regions. Thread-safe.

    Args:
        clock: Epoch seconds at which values are read, by which late ones are held back.
            Default: this machine's time.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._completeness: dict[tuple[str, str], tuple[Completeness, ...]] = {}
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

    def set_completeness(self, namespace: str, name: str, *curves: Completeness) -> None:
        """Let the values of a metric come late, or little by little.

        Args:
            namespace: Such as AWS/ApplicationELB.
            name: Of the metric, whatever its dimensions.
            curves: One for all minutes, or several that minutes take in turn. Default: every
                value can be read at once.
        """
        with self._lock:
            self._completeness[namespace, name] = curves

    def clear_faults(self) -> None:
        """Let every value of every metric be read at once."""
        with self._lock:
            self._completeness.clear()

    def forget_future(self) -> None:
        """Forget every value whose time has not come."""
        now = self._clock()
        with self._lock:
            for series in self._series.values():
                kept = bisect_right(series.epoch_seconds, now)
                del series.epoch_seconds[kept:], series.samples[kept:]

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
            curves = self._completeness.get((namespace, name), ())
            found = list(zip(series.epoch_seconds[low:high], series.samples[low:high], strict=True))
        buckets: dict[int, list[Sample]] = {}
        for at, sample in found:
            arrived = self._arrived(curves, at, sample)
            if arrived is not None and unit in {None, sample.unit}:
                start = int(at // period_seconds) * period_seconds
                buckets.setdefault(start, []).append(arrived)
        return [(start, _statistic(statistic, samples)) for start, samples in buckets.items()]

    def _arrived(self, curves: Sequence[Completeness], at: float, sample: Sample) -> Sample | None:
        """Return what can be read of a sample now, or None."""
        if not curves:
            return sample
        curve = curves[int(at // MINUTE_SECONDS) % len(curves)]
        share = curve.at(self._clock() - at)
        if share <= 0:
            return None
        return replace(sample, total=sample.total * share, count=sample.count * share)

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
