"""JSON as monitoring systems export it, as a table of times and values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from peakfleet_sim.demand.demand import DemandError

SERIES: Final = "series"
TIME: Final = "time"
VALUE: Final = "value"
_PAIR: Final = 2

_Point = tuple[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    name: str
    points: Sequence[_Point]
    counter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonTable:
    """What a JSON document holds.

    Args:
        frame: Its rows; all cells are text or missing.
        origin: What exported it, for people.
        counter: Whether the document itself says that its values are a counter.
    """

    frame: pl.DataFrame
    origin: str
    counter: bool = False


def read_json(label: str, data: bytes) -> JsonTable:
    """Return the rows of a JSON document or of JSON lines.

    Args:
        label: What messages call it.
        data: The document, UTF-8.

    Raises:
        DemandError: It is no JSON, or of no shape that is known.
    """
    document = _parsed(label, data)
    for origin, shape in _SHAPES.items():
        try:
            series = list(shape(document))
        except DemandError:
            raise
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            continue
        if not any(one.points for one in series):
            raise DemandError(f"{label}: {origin} without a datapoint; ask for a longer period")
        return JsonTable(
            frame=_frame(series), origin=origin, counter=any(one.counter for one in series)
        )
    rows = _rows(document)
    if rows:
        return JsonTable(frame=pl.DataFrame(rows), origin="JSON")
    raise DemandError(
        f"{label}: is JSON of an unknown shape; known are {', '.join(_SHAPES)}, and a list of "
        "objects or pairs with a time and a value"
    )


def _parsed(label: str, data: bytes) -> Any:  # noqa: ANN401  JSON data
    try:
        return json.loads(data)
    except ValueError as error:
        lines = [line for line in data.splitlines() if line.strip()]
        try:
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        except ValueError:
            pass
        raise DemandError(f"{label}: cannot be read as JSON: {error}") from error


def _frame(series: Sequence[_Series]) -> pl.DataFrame:
    """Return one series as a column of its name, several as a long table."""
    times = [_text(time) for one in series for time, _ in one.points]
    values = [_text(value) for one in series for _, value in one.points]
    if len(series) == 1:
        name = series[0].name or VALUE
        return pl.DataFrame({TIME: times, name if name != TIME else VALUE: values}, strict=False)
    given = [one.name for one in series]
    names = [
        one.name if given.count(one.name) == 1 else f"{one.name} {number}"
        for number, one in enumerate(series, start=1)
        for _ in one.points
    ]
    return pl.DataFrame({SERIES: names, TIME: times, VALUE: values}, strict=False)


def _text(cell: Any) -> str | None:  # noqa: ANN401  JSON data
    if cell is None or isinstance(cell, str):
        return cell
    return repr(cell) if isinstance(cell, float) else json.dumps(cell)


def _metric_data(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    for one in document["MetricDataResults"]:
        points = list(zip(one["Timestamps"], one["Values"], strict=True))
        yield _Series(name=one.get("Label") or one["Id"], points=points)


def _metric_statistics(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    points = document["Datapoints"]
    statistics = {name for one in points for name in one} - {"Timestamp", "Unit"}
    extended = statistics & {"ExtendedStatistics"}
    if extended:
        raise ValueError
    for name in sorted(statistics):
        label = document.get("Label") or name
        yield _Series(
            name=label if len(statistics) == 1 else f"{label} {name}",
            points=[(one["Timestamp"], one.get(name)) for one in points],
        )
    if not statistics:
        yield _Series(name=document.get("Label", ""), points=())


def _prometheus(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    data = document.get("data", document)
    if data["resultType"] != "matrix":
        raise DemandError(
            f"a Prometheus {data['resultType']} has no history; ask query_range instead of query"
        )
    for one in data["result"]:
        yield _Series(name=_labels(one["metric"]), points=[(t, v) for t, v in one["values"]])


def _azure(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    for metric in document["value"]:
        for one in metric["timeseries"]:
            name = " ".join(
                [metric["name"]["value"], *(m["value"] for m in one.get("metadatavalues") or ())]
            )
            known = {kind for point in one["data"] for kind in point} - {"timeStamp"}
            for kind in sorted(known):
                points = [(point["timeStamp"], point.get(kind)) for point in one["data"]]
                yield _Series(name=name if len(known) == 1 else f"{name} {kind}", points=points)
            if not known:
                yield _Series(name=name, points=())


def _google(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    found = document["timeSeries"] if isinstance(document, dict) else document
    if not found and isinstance(document, list):
        raise ValueError
    for one in found:
        metric = one["metric"]
        labels = {**metric.get("labels", {}), **one.get("resource", {}).get("labels", {})}
        sums = one.get("metricKind") == "DELTA"
        points = []
        for point in one["points"]:
            interval = point["interval"]
            begins = interval.get("startTime") if sums else None
            (value,) = point["value"].values()
            points.append((begins or interval["endTime"], value))
        name = metric["type"] if len(found) == 1 else f"{metric['type']}{_braces(labels)}"
        yield _Series(name=name, points=points, counter=one.get("metricKind") == "CUMULATIVE")


def _datadog(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    if "series" in document:
        for one in document["series"]:
            name = f"{one['metric']}{{{one.get('scope', '')}}}"
            yield _Series(
                name=name, points=[(int(time), value) for time, value in one["pointlist"]]
            )
        return
    attributes = document["data"]["attributes"]
    for index, (one, values) in enumerate(
        zip(attributes["series"], attributes["values"], strict=True)
    ):
        name = ",".join(one.get("group_tags") or ()) or f"query {index + 1}"
        yield _Series(name=name, points=list(zip(attributes["times"], values, strict=True)))


def _grafana(document: Any) -> Iterator[_Series]:  # noqa: ANN401  JSON data
    results = document["results"].values() if "results" in document else [document]
    for result in results:
        for frame in result["frames"]:
            fields, columns = frame["schema"]["fields"], frame["data"]["values"]
            clock = next(i for i, field in enumerate(fields) if field["type"] == "time")
            for index, field in enumerate(fields):
                if field["type"] == "number":
                    name = _labels(field.get("labels") or {}) or field.get("name") or VALUE
                    points = list(zip(columns[clock], columns[index], strict=True))
                    yield _Series(name=name, points=points)


_SHAPES: Final[Mapping[str, Callable[[Any], Iterator[_Series]]]] = {
    "CloudWatch get-metric-data": _metric_data,
    "CloudWatch get-metric-statistics": _metric_statistics,
    "Prometheus query_range": _prometheus,
    "Azure Monitor metrics": _azure,
    "Google Cloud Monitoring timeSeries": _google,
    "Datadog query": _datadog,
    "Grafana query": _grafana,
}


def _rows(document: Any) -> dict[str, list[str | None]]:  # noqa: ANN401  JSON data
    """Return the columns of a plain table; nothing if it is none."""
    columns: dict[str, list[Any]] = {}
    if isinstance(document, dict):
        columns = {name: cells for name, cells in document.items() if isinstance(cells, list)}
        if len(columns) == 1:
            return _rows(next(iter(columns.values())))
        if len({len(cells) for cells in columns.values()}) > 1:
            return {}
    elif isinstance(document, list) and all(isinstance(row, dict) for row in document):
        names = dict.fromkeys(name for row in document for name in row)
        columns = {name: [row.get(name) for row in document] for name in names}
    elif isinstance(document, list) and all(
        isinstance(row, list) and len(row) == _PAIR for row in document
    ):
        columns = {TIME: [row[0] for row in document], VALUE: [row[1] for row in document]}
    return {name: [_text(cell) for cell in cells] for name, cells in columns.items()}


def _labels(labels: Mapping[str, str]) -> str:
    """Return a series' name as Prometheus writes it."""
    rest = {name: text for name, text in labels.items() if name != "__name__"}
    return labels.get("__name__", "") + (_braces(rest) if rest else "")


def _braces(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{text}"' for name, text in sorted(labels.items())) + "}"
