"""Recordings of the same demand, in the forms in which people have them."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

START = datetime(2026, 3, 10, tzinfo=UTC)
MINUTES = 90
VALUES = [round(1000 + 400 * ((i * 37) % 101) / 101 - 9 * abs(45 - i), 1) for i in range(MINUTES)]
TIMES = [START + timedelta(minutes=i) for i in range(MINUTES)]


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def table(
    header: str = "timestamp_utc,demand",
    *,
    time: Callable[[datetime], str] = iso,
    value: Callable[[float], str] = str,
    times: Sequence[datetime] = TIMES,
    values: Iterable[float] = VALUES,
    row: str = "{time},{value}",
) -> str:
    """Return rows below a header, each made by its own pieces."""
    rows = [
        row.format(time=time(moment), value=value(number))
        for moment, number in zip(times, values, strict=False)
    ]
    return "\n".join([header, *rows] if header else rows) + "\n"


def naive(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def epoch(scale: float) -> Callable[[datetime], str]:
    return lambda moment: str(int(moment.timestamp() * scale))


def comma(number: float) -> str:
    return str(number).replace(".", ",")


PREAMBLE = 'Id,m1\nStatusCode,Complete\nMessages,\n"Full label",lb Requests Sum 60\nLabel,Requests'
INFLUX = (
    "#group,false,false,true,false,false\n#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,"
    "double\n#default,_result,,,,\n,result,table,_start,_time,_value"
)

TEXTS = {
    "canonical": table(),
    "CloudWatch console": table(
        PREAMBLE, time=lambda t: t.strftime("%Y/%m/%d %H:%M:%S"), row="{time},{value}"
    ),
    "Grafana": table('"Time","requests"', time=naive, row='"{time}",{value}'),
    "Grafana, series as rows": table(
        '"Series";"Time";"Value"', time=lambda t: t.isoformat(), row='"req";"{time}";{value}'
    ),
    "Grafana, labels": table('Time,"{instance=""web-1"",job=""web""}"', time=epoch(1e3)),
    "Datadog": table(
        '"timestamp","sum:hits{env:prod}.as_count()"',
        time=lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        row='"{time}","{value}"',
    ),
    "Influx, annotated": table(INFLUX, row=",,0,2026-03-10T00:00:00Z,{time},{value}"),
    "semicolon and decimal comma": table(
        "zeit;wert", time=naive, value=comma, row="{time};{value}"
    ),
    "tab": table("timestamp_utc\tdemand", row="{time}\t{value}"),
    "bar": table("timestamp_utc|demand", row="{time}|{value}"),
    "space": table("t v", time=epoch(1), row="{time} {value}"),
    "quoted decimal comma": table(value=comma, row='{time},"{value}"'),
    "other names": table("when,load"),
    "columns turned": table("demand,timestamp_utc", row="{value},{time}"),
    "header with spaces and capitals": table(" Timestamp_UTC , Demand "),
    "a column of notes": table("timestamp_utc,demand,note", row="{time},{value},"),
    "no header": table(""),
    "an index": "".join(
        f"{'' if i == 0 else i - 1},{line}\n" for i, line in enumerate(table().splitlines())
    ),
    "comments": "# by ops\n#\n" + table() + "# end\n",
    "byte order mark": "\ufeff" + table().replace("\n", "\r\n"),
    "blank lines": "\n" + table() + "\n\n",
    "Excel's own CSV": "sep=;\n" + table("timestamp_utc;demand", row="{time};{value}"),
    "seconds": table(time=epoch(1)),
    "milliseconds": table(time=epoch(1e3)),
    "microseconds": table(time=epoch(1e6)),
    "nanoseconds": table(time=epoch(1e9)),
    "fractions of a second": table(time=lambda t: f"{t.timestamp():.3f}"),
    "ISO in nanoseconds": table(time=lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000000000Z")),
    "minutes only": table(time=lambda t: t.strftime("%Y-%m-%d %H:%M")),
    "day first, with dots": table(time=lambda t: t.strftime("%d.%m.%Y %H:%M:%S")),
    "names of months": table(
        "Time;req", time=lambda t: t.strftime("%b %d, %Y, %I:%M %p"), row="{time};{value}"
    ),
    "Kibana": table(
        '"@timestamp per minute","Count of records"',
        time=lambda t: t.strftime("%b %d, %Y @ %H:%M:%S.000"),
        row='"{time}","{value}"',
    ),
    "Splunk": table(
        "_time,count,_span",
        time=lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        row="{time},{value},60",
    ),
    "compact": table(time=lambda t: t.strftime("%Y%m%dT%H%M%SZ")),
    "an offset": table(time=lambda t: (t + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00")),
    "an offset without a colon": table(time=lambda t: t.strftime("%Y-%m-%dT%H:%M:%S+0000")),
    "UTC in words": table(time=lambda t: t.strftime("%Y-%m-%d %H:%M:%S UTC")),
    "date and time apart": table("date,time,requests", time=lambda t: t.strftime("%Y-%m-%d,%H:%M")),
    "newest first": table(times=TIMES[::-1], values=VALUES[::-1]),
    "scientific": table(value=lambda v: f"{v:.6e}"),
}

_STAMPS = [iso(moment) for moment in TIMES]
_SECONDS = [int(moment.timestamp()) for moment in TIMES]
_ENDS = [iso(moment + timedelta(minutes=1)) for moment in TIMES]

DOCUMENTS: dict[str, Any] = {
    "get-metric-data": {
        "MetricDataResults": [
            {
                "Id": "m1",
                "Label": "RequestCount",
                "Timestamps": _STAMPS[::-1],
                "Values": VALUES[::-1],
                "StatusCode": "Complete",
            }
        ],
        "Messages": [],
    },
    "get-metric-statistics": {
        "Label": "RequestCount",
        "Datapoints": [
            {"Timestamp": stamp, "Sum": value, "Unit": "Count"}
            for stamp, value in sorted(
                zip(_STAMPS, VALUES, strict=True), key=lambda pair: pair[0][::-1]
            )
        ],
    },
    "Prometheus": {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {
                    "metric": {"__name__": "load", "job": "web"},
                    "values": [[s, str(v)] for s, v in zip(_SECONDS, VALUES, strict=True)],
                }
            ],
        },
    },
    "Azure": {
        "interval": "PT1M",
        "value": [
            {
                "name": {"value": "Requests"},
                "timeseries": [
                    {
                        "metadatavalues": [],
                        "data": [
                            {"timeStamp": s, "total": v}
                            for s, v in zip(_STAMPS, VALUES, strict=True)
                        ],
                    }
                ],
            }
        ],
    },
    "Google": {
        "timeSeries": [
            {
                "metric": {"type": "run.googleapis.com/request_count"},
                "metricKind": "DELTA",
                "points": [
                    {
                        "interval": {"startTime": start, "endTime": end},
                        "value": {"doubleValue": value},
                    }
                    for start, end, value in zip(
                        _STAMPS[::-1], _ENDS[::-1], VALUES[::-1], strict=True
                    )
                ],
            }
        ]
    },
    "Datadog": {
        "series": [
            {
                "metric": "hits",
                "scope": "env:prod",
                "pointlist": [[s * 1000.0, v] for s, v in zip(_SECONDS, VALUES, strict=True)],
            }
        ]
    },
    "Grafana": {
        "results": {
            "A": {
                "frames": [
                    {
                        "schema": {
                            "fields": [
                                {"name": "Time", "type": "time"},
                                {"name": "Value", "type": "number", "labels": {"job": "web"}},
                            ]
                        },
                        "data": {"values": [[s * 1000 for s in _SECONDS], VALUES]},
                    }
                ]
            }
        }
    },
    "objects": [{"at": s, "load": v} for s, v in zip(_STAMPS, VALUES, strict=True)],
    "pairs": [list(pair) for pair in zip(_SECONDS, VALUES, strict=True)],
    "columns": {"time": _STAMPS, "load": VALUES},
}


def _zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/demand.csv", data)
        archive.writestr("__MACOSX/demand.csv", b"x")
    return buffer.getvalue()


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


_FRAME = pl.DataFrame({"time": TIMES, "load": VALUES})

FILES = {
    "demand.csv.gz": gzip.compress(TEXTS["canonical"].encode()),
    "demand.csv.bz2": bz2.compress(TEXTS["canonical"].encode()),
    "demand.csv.xz": lzma.compress(TEXTS["canonical"].encode()),
    "demand.csv.zst": zstd.compress(TEXTS["canonical"].encode()),
    "demand.zip": _zip(TEXTS["canonical"].encode()),
    "utf16.csv": TEXTS["canonical"].encode("utf-16"),
    "utf16_without_mark.csv": TEXTS["canonical"].encode("utf-16-le"),
    "latin.csv": table("Uhrzeit,Größe").encode("cp1252"),
    "lines.json": "\n".join(json.dumps(row) for row in DOCUMENTS["objects"]).encode(),
    "times.parquet": _parquet(_FRAME),
    "epochs.parquet": _parquet(_FRAME.with_columns(pl.col("time").dt.epoch("ms"))),
    "texts.parquet": _parquet(_FRAME.with_columns(pl.Series("time", _STAMPS))),
}


_OOXML = "http://schemas.openxmlformats.org"
_MAIN = f"{_OOXML}/spreadsheetml/2006/main"
_OFFICE = f"{_OOXML}/officeDocument/2006/relationships"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_OOXML}/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OOXML}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="load" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_OOXML}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
    '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
}


def spreadsheet(*, dated: bool) -> bytes:
    """Return a workbook with a title above the header; times are dates, or else text."""

    def text(cell: str) -> str:
        return f'<c t="inlineStr"><is><t>{cell}</t></is></c>'

    def row(moment: datetime, value: float) -> str:
        days = (moment - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)
        time = f'<c s="1"><v>{days!r}</v></c>' if dated else text(iso(moment))
        return f"<row>{time}<c><v>{value}</v></c></row>"

    rows = "".join(row(moment, value) for moment, value in zip(TIMES, VALUES, strict=True))
    head = f"<row>{text('exported by ops')}</row><row>{text('time')}{text('load')}</row>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, part)
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{_MAIN}"><sheetData>{head}{rows}</sheetData></worksheet>',
        )
    return buffer.getvalue()
