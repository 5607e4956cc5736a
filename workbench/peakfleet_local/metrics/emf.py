"""Embedded metrics: log lines that CloudWatch Logs turns into datapoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peakfleet_local.metrics.store import MetricStore, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedValue:
    """One value that a log line carries.

    Args:
        namespace: Of the metric.
        name: Of the metric.
        dimensions: Of the metric.
        epoch_seconds: When it was measured.
        value: The value.
        unit: Default: none.
    """

    namespace: str
    name: str
    dimensions: dict[str, str]
    epoch_seconds: float
    value: float
    unit: str | None = None


def embedded_values(line: str) -> Iterator[EmbeddedValue]:
    """Yield the values of a log line in the embedded metric format; nothing for any other line.

    A directive whose values or dimensions are not there, or are of the wrong kind, yields
    nothing for them, as CloudWatch Logs drops them without a word.

    >>> line = '{"_aws": {"Timestamp": 60000, "CloudWatchMetrics": [{"Namespace": "N", '
    >>> line += '"Dimensions": [["Fleet"]], "Metrics": [{"Name": "Ticks"}]}]}, '
    >>> line += '"Fleet": "Media/Live", "Ticks": 1}'
    >>> [(v.name, v.dimensions, v.epoch_seconds, v.value) for v in embedded_values(line)]
    [('Ticks', {'Fleet': 'Media/Live'}, 60.0, 1.0)]
    """
    document = _document(line)
    metadata = document.get("_aws")
    if not isinstance(metadata, dict):
        return
    epoch_seconds = float(metadata.get("Timestamp", 0)) / 1000
    for directive in metadata.get("CloudWatchMetrics", ()):
        for names in directive.get("Dimensions", ()):
            if any(not isinstance(document.get(name), str) for name in names):
                continue
            for metric in directive.get("Metrics", ()):
                for value in _numbers(document.get(metric["Name"])):
                    yield EmbeddedValue(
                        namespace=directive["Namespace"],
                        name=metric["Name"],
                        dimensions={name: document[name] for name in names},
                        epoch_seconds=epoch_seconds,
                        value=value,
                        unit=metric.get("Unit"),
                    )


def publish_embedded(line: str, *, store: MetricStore) -> None:
    """Put the values of a log line into the store."""
    for item in embedded_values(line):
        store.put(
            namespace=item.namespace,
            name=item.name,
            dimensions=item.dimensions,
            epoch_seconds=item.epoch_seconds,
            sample=Sample.of(item.value, unit=item.unit),
        )


def _document(line: str) -> dict[str, Any]:
    if not line.lstrip().startswith("{") or '"_aws"' not in line:
        return {}
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _numbers(value: object) -> Iterator[float]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            yield float(item)
