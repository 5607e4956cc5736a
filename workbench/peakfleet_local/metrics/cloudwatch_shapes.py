from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from moto.cloudwatch.models import Statistics

from peakfleet_local.metrics.store import Sample
from peakfleet_local.moto import Json

Query = Mapping[str, Json]


class StatisticsRow(Statistics):
    """One period of GetMetricStatistics, already computed."""

    def __init__(self, at: int, values: Mapping[str, float], unit: str | None) -> None:
        super().__init__(list(values), datetime.fromtimestamp(at, tz=UTC), unit)
        self._values = values

    sum = property(lambda self: self._values.get("Sum"))
    average = property(lambda self: self._values.get("Average"))
    minimum = property(lambda self: self._values.get("Minimum"))
    maximum = property(lambda self: self._values.get("Maximum"))
    sample_count = property(lambda self: self._values.get("SampleCount"))


def refused(query: Query) -> dict[str, Json]:
    text = f"the local CloudWatch evaluates no expressions: {query['Expression']}"
    return {
        "id": query["Id"],
        "label": query.get("Label") or query["Id"],
        "values": [],
        "timestamps": [],
        "status_code": "InternalError",
        "messages": [{"code": "Unsupported", "value": text}],
    }


def samples(datum: Query) -> Iterable[Sample]:
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


def as_mapping(pairs: Sequence[Query] | None) -> dict[str, str]:
    return {pair["Name"]: pair["Value"] for pair in pairs or ()}


def epoch(moment: datetime) -> float:
    """Seconds of a datetime; moto parses timestamps as naive UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def now() -> datetime:
    return datetime.now(tz=UTC)
