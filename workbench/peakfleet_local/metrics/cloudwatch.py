"""The CloudWatch API of moto on an indexed store that tells the truth about time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from moto.cloudwatch.exceptions import InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, Statistics

from peakfleet_local.metrics.store import MetricStore, Sample, UnknownStatisticError
from peakfleet_local.moto import Json, MotoObject, Patch, as_method, patched, stock

MOST_QUERIES = 500
Query = Mapping[str, Json]


@contextmanager
def metrics_installed(store: MetricStore) -> Iterator[MetricStore]:
    """Keep the datapoints of moto's CloudWatch, in this process, in an indexed store.

    Stock moto scans every datapoint for every query, starts periods where the query
    starts, and answers expressions with nothing at all. Here periods are aligned as in
    AWS and an expression is an InternalError.

    Args:
        store: Where datapoints are kept and read.

    Yields:
        The same store.

    Raises:
        MotoVersionError: The installed moto is not the one that this module knows.

    Limitations:
        No metric math, SEARCH or Metrics Insights; one page of any size; datapoints of
        any age are accepted and kept; no metrics of AWS services appear by themselves.
    """
    with patched(_Api(store=store).patches()):
        yield store


class _Api:
    def __init__(self, *, store: MetricStore) -> None:
        self._store = store
        self._validate = stock(CloudWatchBackend, "_validate_parameters_put_metric_data")

    def patches(self) -> list[Patch]:
        replaced: dict[str, Callable[..., MotoObject]] = {
            "put_metric_data": self.put,
            "get_metric_data": self.get_data,
            "get_metric_statistics": self.get_statistics,
            "get_filtered_metrics": self.list_metrics,
        }
        return [
            Patch(owner=CloudWatchBackend, name=name, value=as_method(function))
            for name, function in replaced.items()
        ]

    def put(self, backend: MotoObject, namespace: str, metric_data: Sequence[Query]) -> None:
        for number, datum in enumerate(metric_data, start=1):
            self._validate(backend, datum, number)
        for datum in metric_data:
            at = _epoch(datum["Timestamp"]) if datum.get("Timestamp") else _epoch(_now())
            for sample in _samples(datum):
                self._store.put(
                    namespace=namespace,
                    name=datum["MetricName"],
                    dimensions=_as_mapping(datum.get("Dimensions")),
                    epoch_seconds=at,
                    sample=sample,
                )

    def get_data(
        self,
        backend: MotoObject,  # noqa: ARG002 - the store holds the data of every backend
        queries: Sequence[Query],
        start_time: datetime,
        end_time: datetime,
        scan_by: str = "TimestampAscending",
    ) -> list[dict[str, MotoObject]]:
        if len(queries) > MOST_QUERIES:
            raise ValidationError(
                "The collection MetricDataQueries must not have a size greater than "
                f"{MOST_QUERIES}."
            )
        if start_time >= end_time:
            raise ValidationError("The parameter EndTime must be greater than StartTime.")
        newest_first = scan_by == "TimestampDescending"
        return [
            self._answer(query, start_time, end_time, newest_first=newest_first)
            for query in queries
            if "Expression" in query or query.get("ReturnData", True)
        ]

    def _answer(
        self, query: Query, start: datetime, end: datetime, *, newest_first: bool
    ) -> dict[str, MotoObject]:
        if "Expression" in query:
            return _refused(query)
        stat = query["MetricStat"]
        metric = stat["Metric"]
        values = self._read(
            metric["Namespace"],
            metric["MetricName"],
            metric.get("Dimensions"),
            start=start,
            end=end,
            period=int(stat["Period"]),
            statistic=stat["Stat"],
            unit=stat.get("Unit"),
        )
        if newest_first:
            values.reverse()
        return {
            "id": query["Id"],
            "label": query.get("Label") or metric["MetricName"],
            "values": [value for _, value in values],
            "timestamps": [datetime.fromtimestamp(at, tz=UTC) for at, _ in values],
            "status_code": "Complete",
        }

    def get_statistics(  # noqa: PLR0917 - moto calls it with positions
        self,
        backend: MotoObject,  # noqa: ARG002 - the store holds the data of every backend
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: Sequence[Query],
        unit: str | None = None,
    ) -> list[_StatisticsRow]:
        if start_time >= end_time:
            raise InvalidParameterValue(
                "The parameter StartTime must be less than the parameter EndTime."
            )
        rows: dict[int, dict[str, float]] = {}
        for statistic in stats:
            for at, value in self._read(
                namespace,
                metric_name,
                dimensions,
                start=start_time,
                end=end_time,
                period=period,
                statistic=statistic,
                unit=unit,
            ):
                rows.setdefault(at, {})[statistic] = value
        return [_StatisticsRow(at, values, unit) for at, values in sorted(rows.items())]

    def _read(
        self,
        namespace: str,
        name: str,
        dimensions: Sequence[Query] | None,
        *,
        start: datetime,
        end: datetime,
        period: int,
        statistic: str,
        unit: str | None,
    ) -> list[tuple[int, float]]:
        try:
            return self._store.read(
                namespace=namespace,
                name=name,
                dimensions=_as_mapping(dimensions),
                start_epoch_seconds=_epoch(start),
                end_epoch_seconds=_epoch(end),
                period_seconds=period,
                statistic=statistic,
                unit=unit,
            )
        except UnknownStatisticError as error:
            raise ValidationError(str(error)) from error

    def list_metrics(
        self,
        backend: MotoObject,  # noqa: ARG002 - the store holds the data of every backend
        metric_name: str | None,
        namespace: str | None,
        dimensions: Sequence[Query] | None,
    ) -> list[MetricDatum]:
        found = []
        for key_namespace, key_name, key_dimensions in self._store.series_keys():
            pairs = [{"Name": name, "Value": value} for name, value in key_dimensions]
            datum = MetricDatum(key_namespace, key_name, 0.0, pairs, _now())
            if datum.filter(namespace, metric_name, [dict(d) for d in dimensions or []]):
                found.append(datum)
        return found


class _StatisticsRow(Statistics):
    """One period of GetMetricStatistics, already computed."""

    def __init__(self, at: int, values: Mapping[str, float], unit: str | None) -> None:
        super().__init__(list(values), datetime.fromtimestamp(at, tz=UTC), unit)
        self._values = values

    sum = property(lambda self: self._values.get("Sum"))
    average = property(lambda self: self._values.get("Average"))
    minimum = property(lambda self: self._values.get("Minimum"))
    maximum = property(lambda self: self._values.get("Maximum"))
    sample_count = property(lambda self: self._values.get("SampleCount"))


def _refused(query: Query) -> dict[str, Json]:
    text = f"the local CloudWatch evaluates no expressions: {query['Expression']}"
    return {
        "id": query["Id"],
        "label": query.get("Label") or query["Id"],
        "values": [],
        "timestamps": [],
        "status_code": "InternalError",
        "messages": [{"code": "Unsupported", "value": text}],
    }


def _samples(datum: Query) -> Iterable[Sample]:
    unit = datum.get("Unit")
    if datum.get("Values"):
        counts = datum.get("Counts") or [1] * len(datum["Values"])
        for value, count in zip(datum["Values"], counts, strict=True):
            yield Sample.of(float(value), count=float(count), unit=unit)
    elif datum.get("StatisticValues"):
        stats = datum["StatisticValues"]
        yield Sample(
            minimum=float(stats["Minimum"]),
            maximum=float(stats["Maximum"]),
            total=float(stats["Sum"]),
            count=float(stats["SampleCount"]),
            unit=unit,
        )
    else:
        yield Sample.of(float(datum.get("Value", 0)), unit=unit)


def _as_mapping(pairs: Sequence[Query] | None) -> dict[str, str]:
    return {pair["Name"]: pair["Value"] for pair in pairs or ()}


def _epoch(moment: datetime) -> float:
    """Seconds of a datetime; moto parses timestamps as naive UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _now() -> datetime:
    return datetime.now(tz=UTC)
