"""Demand from CloudWatch: which metrics are read, how units follow, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_cli.account import Account
from peakfleet_cli.operate import nearest
from peakfleet_cli.record.demand_file import DemandFile, RecordError
from peakfleet_planner import WAITING, BacklogSignal, FleetSpec, Metric, Signal, SilenceRule

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

SUMS: Final = ("Sum", "SampleCount")
"""Statistics that grow with the period."""
RETENTION_DAYS: Final = {60: 15, 300: 63, 3600: 455}
"""How long CloudWatch keeps datapoints of at least this many seconds."""
SETTLED_SECONDS: Final = 120
"""A datapoint this young may still change."""
STEPS_PER_READ: Final = 1440
_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSeries:
    """One series of demand.

    Args:
        metrics: What to read, by id.
        units: Units that the values of one period ask for; a statistic that grows with the
            period comes as it would be for the metric's own period. None where there is none.
        silent_is_zero: Whether a period without any value had no demand.
    """

    metrics: Mapping[str, Metric]
    units: Callable[[Mapping[str, float]], float | None]
    silent_is_zero: bool = False


def series_of_metric(
    metric: Metric, *, units_per_value: float = 1.0, silent_is_zero: bool = False
) -> DemandSeries:
    """Return the series of one metric; a sum counts by the second.

    Args:
        metric: The metric.
        units_per_value: Units for each 1 of its value. Default: 1.
        silent_is_zero: As in `DemandSeries`. Default: it is a gap.
    """
    seconds = metric.period_seconds if metric.statistic in SUMS else 1

    def units(values: Mapping[str, float]) -> float | None:
        value = values.get("m")
        return None if value is None else value / seconds * units_per_value

    return DemandSeries(metrics={"m": metric}, units=units, silent_is_zero=silent_is_zero)


def series_of_fleet(spec: FleetSpec) -> tuple[DemandSeries, ...]:
    """Return a series for each signal of a fleet.

    A backlog counts the messages in a queue, not those that arrive. The messages sent to its SQS
    queue are read instead: as many units as they keep busy.

    Raises:
        RecordError: A backlog is not that of an SQS queue.
    """
    return tuple(_series_of_signal(spec, signal) for signal in spec.signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded.

    Args:
        rows: Rows that were written.
        filled: How many of them had no datapoint.
        begins: First row; None if nothing was written.
        ends: End of the last row.
        clipped: Whether it begins later than asked, because CloudWatch no longer has more.
    """

    rows: int
    filled: int
    begins: datetime | None
    ends: datetime | None
    clipped: bool


def finest_period_seconds(start: datetime, now: datetime) -> int:
    """Return the shortest step that CloudWatch still has at *start*.

    >>> now = datetime(2026, 3, 31, tzinfo=UTC)
    >>> finest_period_seconds(datetime(2026, 3, 1, tzinfo=UTC), now)
    300
    """
    age = now - start
    kept = (step for step, days in RETENTION_DAYS.items() if age <= timedelta(days=days))
    return next(kept, max(RETENTION_DAYS))


@dataclass(slots=True, kw_only=True)
class Recording:
    """Reads demand a piece at a time and writes each piece at once.

    Several series are read together; the largest demand of each period counts. A gap between
    two datapoints is filled by a straight line, or by zero if all series say so.

    Args:
        series: What to read.
        file: Where demand is written; what it has already is not read again.
        period_seconds: Step of the file.
        now: The time; nothing younger than two minutes is read.
        account: Where the metrics are. Default: that of the environment.
    """

    series: Sequence[DemandSeries]
    file: DemandFile
    period_seconds: int
    now: datetime
    account: Account = field(default_factory=Account)
    _queries: dict[str, tuple[int, str]] = field(init=False)

    def __post_init__(self) -> None:
        """Number the metrics of all series."""
        named = [(i, name) for i, one in enumerate(self.series) for name in one.metrics]
        self._queries = {f"q{index}": one for index, one in enumerate(named)}

    def run(self, *, start: datetime, end: datetime | None = None) -> Recorded:
        """Write what there is from *start*, or from the end of the file, up to *end*.

        Args:
            start: First period, if the file has none yet.
            end: End of the last one. Default: what has settled.

        Raises:
            RecordError: The file ends before what CloudWatch still has, CloudWatch cannot be read,
                or has nothing, as of a metric whose name was mistyped.
        """
        step = self.period_seconds
        days = max(days for period, days in RETENTION_DAYS.items() if period <= step)
        oldest = self._floor(self.now - timedelta(days=days)) + step
        until = self._floor(min(end or self.now, self.now - timedelta(seconds=SETTLED_SECONDS)))
        first = self.file.next_epoch_seconds
        if first is None:
            wanted = self._floor(start)
            first = max(wanted, oldest)
        else:
            wanted = first
            if first < oldest:
                raise RecordError(
                    f"{self.file.path}: ends before what CloudWatch still has at a step of "
                    f"{step} s, which it keeps for {days} days: start a new file"
                )
        before, filled = self.file.count, self.file.filled
        cloudwatch = self.account.client("cloudwatch")
        zero = all(one.silent_is_zero for one in self.series)
        for begin in range(first, until, STEPS_PER_READ * step):
            stop = min(begin + STEPS_PER_READ * step, until)
            self.file.append(
                self._demand(cloudwatch, begin, stop), zero_until=stop if zero else None
            )
        if not self.file.count:
            raise RecordError(self._why_nothing(cloudwatch))
        written = self.file.count - before
        last = self.file.next_epoch_seconds
        return Recorded(
            rows=written,
            filled=self.file.filled - filled,
            begins=None if not written or last is None else _moment(last - written * step),
            ends=None if last is None else _moment(last),
            clipped=first > wanted,
        )

    def _why_nothing(self, cloudwatch: CloudWatchClient) -> str:
        """Say which metric has no datapoints, and what it may be called."""
        metrics = [metric for one in self.series for metric in one.metrics.values()]
        metric, place = metrics[0], self.account.place
        name = f"{metric.namespace}/{metric.metric_name}"
        try:
            pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=metric.namespace)
            listed = [found for page in pages for found in page["Metrics"]]
        except (BotoCoreError, ClientError):
            return f"CloudWatch has no datapoints of {name} in {place} in this time"
        names = sorted({found["MetricName"] for found in listed})
        if not names:
            return f"CloudWatch knows no namespace '{metric.namespace}' in {place}"
        if metric.metric_name not in names:
            near = nearest(metric.metric_name, names) or names[:_MOST_NAMED]
            return f"CloudWatch has no metric {name} in {place}; it has {', '.join(near)}"
        asked = ", ".join(f"{k}={v}" for k, v in metric.dimensions.items()) or "no dimension"
        known = [
            ",".join(f"{d['Name']}={d['Value']}" for d in found["Dimensions"]) or "no dimension"
            for found in listed
            if found["MetricName"] == metric.metric_name
        ]
        if asked.replace(", ", ",") in known:
            return f"CloudWatch has no datapoints of {name} ({asked}) in {place} in this time"
        return (
            f"CloudWatch has no metric {name} with {asked} in {place}; it has it with "
            f"{' or '.join(known[:_MOST_NAMED])}"
        )

    def _floor(self, moment: datetime) -> int:
        seconds = int(moment.timestamp())
        return seconds - seconds % self.period_seconds

    def _demand(
        self, cloudwatch: CloudWatchClient, begin: int, stop: int
    ) -> list[tuple[int, float]]:
        """Return time and units of each period that has a value."""
        values: dict[int, dict[int, dict[str, float]]] = {}
        for query_id, time, value in self._points(cloudwatch, begin, stop):
            index, name = self._queries[query_id]
            metric = self.series[index].metrics[name]
            grows = metric.statistic in SUMS
            scale = metric.period_seconds / self.period_seconds if grows else 1.0
            values.setdefault(time, {}).setdefault(index, {})[name] = value * scale
        demand = []
        for time, by_series in sorted(values.items()):
            asked = [self.series[index].units(read) for index, read in by_series.items()]
            usable = [units for units in asked if units is not None and isfinite(units)]
            if usable:
                demand.append((time, max(0.0, *usable)))
        return demand

    def _points(
        self, cloudwatch: CloudWatchClient, begin: int, stop: int
    ) -> Iterator[tuple[str, int, float]]:
        """Yield query, time and value, page by page."""
        pages = cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[self._query(*item) for item in self._queries.items()],
            StartTime=_moment(begin),
            EndTime=_moment(stop),
            ScanBy="TimestampAscending",
        )
        try:
            for page in pages:
                for result in page["MetricDataResults"]:
                    for time, value in zip(result["Timestamps"], result["Values"], strict=True):
                        yield result["Id"], int(time.timestamp()), value
        except (BotoCoreError, ClientError) as error:
            raise RecordError(f"CloudWatch cannot be read: {error}") from error

    def _query(self, query_id: str, of: tuple[int, str]) -> MetricDataQueryTypeDef:
        index, name = of
        metric = self.series[index].metrics[name]
        dimensions: Mapping[str, str] = metric.dimensions
        query: MetricDataQueryTypeDef = {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.metric_name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                },
                "Period": self.period_seconds,
                "Stat": metric.statistic,
            },
        }
        if metric.other_account is not None:
            query["AccountId"] = metric.other_account
        return query


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def _series_of_signal(spec: FleetSpec, signal: Signal) -> DemandSeries:
    if isinstance(signal, BacklogSignal):
        return _arrivals(signal)

    def units(values: Mapping[str, float]) -> float | None:
        return signal.units(values, spec.lead_seconds)

    zero = signal.when_silent.rule is SilenceRule.ZERO
    return DemandSeries(metrics=signal.metrics, units=units, silent_is_zero=zero)


def _arrivals(signal: BacklogSignal) -> DemandSeries:
    waiting = signal.metrics[WAITING]
    if waiting.namespace != "AWS/SQS":
        raise RecordError(
            f"signal '{signal.name}' is a backlog of {waiting.namespace}/{waiting.metric_name}, "
            "which says what waits and not what arrives; record the metric that counts "
            "arrivals with --namespace and --metric"
        )
    sent = replace(waiting, metric_name="NumberOfMessagesSent", statistic="Sum")
    return series_of_metric(sent, units_per_value=signal.seconds_per_item, silent_is_zero=True)
