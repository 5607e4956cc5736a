"""What a shared reader has read for a fleet, as it is kept."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isfinite
from operator import lt, sub
from typing import Any, Final

from peakfleet_planner import Metric, MetricSeries
from peakfleet_table.forms import BYTES, DamagedRecordError, Form

MOST_PACKED_BYTES: Final = 390_000
"""An item of DynamoDB has at most 400 KB, its names and other attributes included."""
READING_KEPT_SECONDS: Final = 600
_MOST_TEXT_BYTES: Final = 64_000_000
"""More than what a fleet reads can be; bytes that were damaged may unpack to anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedReading:
    """Metrics of a fleet that were read for it, together with those of other fleets.

    Args:
        read_at: As of when they were read, in epoch seconds: no period counts that was not over.
        since: Every period that began since then is there, in epoch seconds.
        series: What was read, by `metric_key`. A metric that could not be read, or not wholly, is
            missing.
    """

    read_at: int
    since: int
    series: Mapping[str, MetricSeries]

    def of(self, metric: Metric) -> MetricSeries | None:
        """Return what was read of a metric; None if it was not."""
        return self.series.get(metric_key(metric))


def metric_key(metric: Metric) -> str:
    """Return what is the same for two metrics exactly if one read is enough for both.

    >>> metric_key(Metric(namespace="Live", metric_name="Streams"))
    '["Live","Streams",{},"Average",60,null]'
    """
    dimensions = dict(sorted(metric.dimensions.items()))
    named = [metric.namespace, metric.metric_name, dimensions, metric.statistic]
    parts = [*named, metric.period_seconds, metric.other_account]
    return json.dumps(parts, separators=(",", ":"))


def can_be_kept(series: MetricSeries) -> bool:
    """Whether a series is whole, and has nothing that a record does not keep."""
    return series.readable and not series.newest and all(isfinite(one) for _, one in series.points)


def _packed(read: Mapping[str, MetricSeries]) -> Any:  # noqa: ANN401  DynamoDB's own
    text = json.dumps(
        {key: _document(series) for key, series in read.items()},
        separators=(",", ":"),
        allow_nan=False,
    )
    return BYTES.write(zlib.compress(text.encode()))


def _document(series: MetricSeries) -> list[Any]:
    """Return a series with its times as steps, which are alike and so take little room."""
    times = [time for time, _ in series.points]
    steps = list(map(sub, times, [0, *times]))
    return [series.ahead_seconds, steps, [value for _, value in series.points]]


def _unpacked(attribute: Any, path: str) -> Mapping[str, MetricSeries]:  # noqa: ANN401  as above
    data = BYTES.read(attribute, path)
    try:
        return {key: _series(one) for key, one in json.loads(_text(data)).items()}
    except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError) as error:
        raise DamagedRecordError(f"{path}: {error}") from error


def _text(data: bytes) -> bytes:
    unpack = zlib.decompressobj()
    try:
        text = unpack.decompress(data, _MOST_TEXT_BYTES)
    except zlib.error as error:
        raise ValueError(f"it cannot be unpacked: {error}") from error
    if not unpack.eof:
        raise ValueError(f"it is cut off, or longer than {_MOST_TEXT_BYTES} bytes")
    return text


def _series(document: Any) -> MetricSeries:  # noqa: ANN401  JSON data
    """Return the series that a document describes.

    Raises:
        TypeError, ValueError: It describes none.
    """
    ahead, steps, values = document
    if not all(type(one) is int for one in (ahead, *steps)):
        raise TypeError("times must be whole numbers")
    if not all(type(one) in (int, float) and isfinite(one) for one in values):
        raise TypeError("values must be finite numbers")
    times = list(accumulate(steps))
    if ahead < 0 or not all(lt(*pair) for pair in pairwise(times)):
        raise ValueError("times must rise")
    return MetricSeries(points=tuple(zip(times, values, strict=True)), ahead_seconds=ahead)


PACKED_SERIES: Final[Form[Mapping[str, MetricSeries]]] = Form(_packed, _unpacked)
"""What was read of metrics, by their keys, compressed."""
