"""The rows of a recording as a table, and which of its columns hold time and demand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import polars as pl

from peakfleet_sim.demand.demand import DemandError
from peakfleet_sim.demand.json_exports import read_json
from peakfleet_sim.demand.numbers import looks_like_number
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.source import Source
from peakfleet_sim.demand.times import epoch_unit, format_of

_HEAD_BYTES: Final = 2**18
_HEAD_LINES: Final = 300
_SAMPLE_ROWS: Final = 2000
_COMMENT: Final = "#"
_DELIMITERS: Final = "\t;|,"
_SAME_SHAPE: Final = 0.9
_MOST_LABELS: Final = 1000
_MOST_NAMED: Final = 8
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?([ ]?[AaPp][Mm])?")
_TIME_NAME: Final = re.compile(
    r"time|date|stamp|epoch|zeit|datum|heure|fecha|hora|^_?ts$", re.IGNORECASE
)
_BEST_TIME_NAMES: Final = ("timestamp_utc", "_time", "timestamp", "time", "datetime", "date")
_BEST_VALUE_NAMES: Final = ("demand", "_value")
_NO_VALUES: Final = frozenset({"", "index", "id", "row", "#", "no", "table", "result"})
_INFLUX_LABELS: Final = ("table",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which columns are read.

    Args:
        time: Column of the times.
        clock: Column of the time of day, where dates stand in a column of their own.
        value: Column of the demand.
        labels: Columns that tell the series of a long table apart.
        series: The series that was asked for, where `--value-column` names no column.
    """

    time: str
    value: str
    clock: str | None = None
    labels: tuple[str, ...] = ()
    series: str | None = None

    @property
    def read(self) -> list[str]:
        """All of them."""
        return [name for name in (self.time, self.clock, self.value, *self.labels) if name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a recording.

    Args:
        frame: The columns that are read, text or typed.
        columns: What they are.
        origin: What kind of export it is, for people.
        counter: Whether the export itself says that it is a counter.
        lines: Number of the file's line of each row; None where a file has no lines.
    """

    frame: pl.DataFrame
    columns: Columns
    origin: str
    counter: bool = False
    lines: Sequence[int] | None = None

    def where(self, row: int) -> str:
        """Return the name of a row: its line in the file, or its number."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"


def read_table(source: Source, options: ReadOptions) -> Table:
    """Return the rows of *source*, with the columns of time and demand.

    Raises:
        DemandError: The content has no such rows or columns, or several that could be meant.
    """
    if source.kind == "text":
        return _read_csv(source, options)
    origin, counter = source.kind, False
    try:
        if source.kind == "json":
            table = read_json(source.label, source.data)
            frame, origin, counter = table.frame, table.origin, table.counter
        elif source.kind == "xlsx":
            frame = _read_xlsx(source)
        else:
            frame = pl.read_parquet(io.BytesIO(source.data))
    except (pl.exceptions.PolarsError, OSError) as error:
        message = str(error).splitlines()[0]
        raise DemandError(f"{source.label}: cannot be read as {origin}: {message}") from error
    if frame.is_empty():
        raise DemandError(f"{source.label}: has no rows; at least 2 are needed")
    columns = choose_columns(source.label, frame.head(_SAMPLE_ROWS), options)
    return Table(frame=frame.select(columns.read), columns=columns, origin=origin, counter=counter)


def _read_xlsx(source: Source) -> pl.DataFrame:
    """Return the one sheet that has rows, with its header found as in a CSV file."""
    sheets = pl.read_excel(
        io.BytesIO(source.data),
        sheet_id=0,
        has_header=False,
        raise_if_empty=False,
        read_options={"dtypes": "string"},
    )
    filled = {name: frame for name, frame in sheets.items() if not frame.is_empty()}
    if len(filled) != 1:
        found = ", ".join(filled) or "none"
        raise DemandError(f"{source.label}: must have one sheet with rows, got {found}")
    (frame,) = filled.values()
    head = [["" if cell is None else str(cell) for cell in row] for row in frame.head(50).rows()]
    start, names = _header(head)
    return frame.rename(dict(zip(frame.columns, names, strict=False)))[start:]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    delimiter: str
    names: list[str]
    skipped_lines: int


def _read_csv(source: Source, options: ReadOptions) -> Table:
    layout = _layout(source)

    def read(rows: int | None = None, columns: Sequence[str] = ()) -> pl.DataFrame:
        return pl.read_csv(
            source.data,
            has_header=False,
            separator=layout.delimiter,
            skip_lines=layout.skipped_lines,
            comment_prefix=_COMMENT,
            schema=dict.fromkeys(layout.names, pl.String),
            columns=[layout.names.index(name) for name in columns] or None,
            n_rows=rows,
            raise_if_empty=False,
        )

    try:
        sample = read(_SAMPLE_ROWS)
        if sample.is_empty():
            raise DemandError(
                f"{source.label}: has no rows below its header; at least 2 are needed"
            )
        columns = choose_columns(source.label, sample, options)
        frame = read(columns=columns.read)
    except pl.exceptions.PolarsError as error:
        raise DemandError(f"{source.label}{_ragged(source, layout, error)}") from error
    return Table(
        frame=frame.select(columns.read),
        columns=columns,
        origin="CSV",
        lines=_Lines(source.data, layout.skipped_lines),
    )


class _Lines(Sequence[int]):
    """The line of each row, found only when a message names it."""

    def __init__(self, data: bytes, skipped: int) -> None:
        self._data, self._skipped = data, skipped

    def __len__(self) -> int:
        return sum(1 for _ in self._rows())

    def __getitem__(self, row: int) -> int:  # type: ignore[override]  # no slices are taken
        return next(islice(self._rows(), row, None))

    def _rows(self) -> Iterator[int]:
        for number, line in enumerate(io.BytesIO(self._data), start=1):
            if number > self._skipped and not line.startswith(b"#"):
                yield number


def _ragged(source: Source, layout: _Layout, error: Exception) -> str:
    """Return what is wrong with the first row that does not fit its header."""
    width = len(layout.names)
    text = io.TextIOWrapper(io.BytesIO(source.data), encoding="utf-8", errors="replace")
    for number, line in enumerate(text, start=1):
        if number <= layout.skipped_lines or line.startswith(_COMMENT):
            continue
        cells = next(csv.reader([line], delimiter=layout.delimiter), [])
        if len(cells) > width:
            return (
                f", line {number}: a row must have {width} cells as its header, got {len(cells)}: "
                f"{line.strip()[:60]!r}; quote cells that have a {layout.delimiter!r}, or separate "
                "them by another sign"
            )
    return f": cannot be read as CSV: {str(error).splitlines()[0]}"


def _layout(source: Source) -> _Layout:
    """Return how the text is divided into rows and cells."""
    head = source.data[:_HEAD_BYTES].decode(errors="replace").split("\n")
    if len(source.data) > _HEAD_BYTES:
        head.pop()
    numbered = [
        (number, line.rstrip("\r"))
        for number, line in enumerate(head[:_HEAD_LINES])
        if line.strip() and not line.startswith(_COMMENT)
    ]
    if numbered and re.fullmatch(r"sep=.", numbered[0][1]):
        numbered = numbered[1:]
    if not numbered:
        raise DemandError(
            f"{source.label}: has only comments; rows with a time and a value are read"
        )
    lines = [line for _, line in numbered]
    delimiter = _delimiter(lines)
    rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    start, names = _header(rows)
    skipped = numbered[start][0] if start < len(numbered) else numbered[-1][0] + 1
    return _Layout(delimiter=delimiter, names=names, skipped_lines=skipped)


def _delimiter(lines: Sequence[str]) -> str:
    """Return the sign that divides most lines alike; the head may be a preamble."""
    body = [_QUOTED.sub("", line) for line in lines[len(lines) // 2 :]]
    for delimiter in (*_DELIMITERS, " "):
        counts = [line.count(delimiter) for line in body]
        usual = max(set(counts), key=counts.count)
        if usual and counts.count(usual) >= _SAME_SHAPE * len(counts):
            return delimiter
    return ","


def _header(rows: Sequence[Sequence[str]]) -> tuple[int, list[str]]:
    """Return where the data begins, and the names of its columns.

    Data begins with the first row that has a time and something else; the row before it is the
    header, unless that has other cells.
    """
    start = next(
        (i for i, row in enumerate(rows) if len(row) > 1 and any(map(_time_like, row))), None
    )
    if start is None:
        start = 1
    width = len(rows[start]) if start < len(rows) else len(rows[0])
    named = start > 0 and len(rows[start - 1]) >= width
    given = [cell.strip() for cell in rows[start - 1]] if named else [""] * width
    names: list[str] = []
    for number, name in enumerate(given, start=1):
        unique = name if name and name not in names else f"{name} column {number}".strip()
        names.append(unique)
    return start, names


def _time_like(cell: str) -> bool:
    return format_of(cell) is not None or epoch_unit(cell) is not None


def choose_columns(label: str, sample: pl.DataFrame, options: ReadOptions) -> Columns:
    """Return the columns of time and demand.

    Args:
        label: What messages call the file.
        sample: Its first rows.
        options: `time_column`, `value_column` and `time_format`.

    Raises:
        DemandError: There is none, or there are several that could be meant.
    """
    cells = {name: _cells(sample[name]) for name in sample.columns}
    time = _time_column(label, sample, cells, options)
    clock = _clock_column(cells, time) if options.time_column is None else None
    rest = [name for name in sample.columns if name not in (time, clock)]
    numeric = [name for name in rest if _is_numeric(sample[name], cells[name])]
    labels = tuple(
        name
        for name in rest
        if (cells[name] and name not in numeric and not _is_time(sample[name], cells[name]))
        or name in _INFLUX_LABELS
    )
    asked = options.value_column
    found = _named(asked, rest) if asked is not None else None
    if found is not None:
        others = tuple(name for name in labels if name != found)
        return Columns(time=time, clock=clock, value=found, labels=others)
    value = _value_column(label, numeric, rest, asked, labels)
    return Columns(time=time, clock=clock, value=value, labels=labels, series=asked)


def _cells(column: pl.Series) -> list[str]:
    """Return what is written in a column, without what is missing."""
    texts = column.drop_nulls().cast(pl.String, strict=False).to_list()
    return [text.strip() for text in texts if text and text.strip()]


def _is_time(column: pl.Series, cells: Sequence[str]) -> bool:
    if column.dtype in (pl.Datetime, pl.Date):
        return True
    return bool(cells) and sum(map(_time_like, cells)) >= _SAME_SHAPE * len(cells)


def _is_numeric(column: pl.Series, cells: Sequence[str]) -> bool:
    if column.dtype.is_numeric():
        return True
    half = 0.5
    return bool(cells) and sum(map(looks_like_number, cells)) > half * len(cells)


def _time_column(
    label: str, sample: pl.DataFrame, cells: dict[str, list[str]], options: ReadOptions
) -> str:
    if options.time_column is not None:
        found = _named(options.time_column, sample.columns)
        if found is None:
            raise DemandError(
                f"{label}: --time-column {options.time_column!r} is not there; columns are "
                f"{listed(sample.columns)}"
            )
        return found
    held = [name for name in sample.columns if _is_time(sample[name], cells[name])]
    written = [name for name in held if any(format_of(cell) for cell in cells[name][:1])]
    changing = [name for name in held if len(set(cells[name])) > 1] or held
    for best in _BEST_TIME_NAMES:
        for name in changing:
            if name.lower() == best:
                return name
    for choice in (
        [name for name in changing if _TIME_NAME.search(name)],
        [name for name in changing if name in written],
        changing,
    ):
        if choice:
            return choice[0]
    named = [name for name in sample.columns if _TIME_NAME.search(name)]
    if options.time_format is not None and len(named) == 1:
        return named[0]
    if named and cells[named[0]]:
        raise DemandError(
            f"{label}: column {named[0]!r} holds no known times, as {cells[named[0]][0]!r}; say "
            "--time-format, or name the column of the times by --time-column"
        )
    raise DemandError(
        f"{label}: no column holds times; columns are {listed(sample.columns)}: name one by "
        "--time-column, and how it writes them by --time-format"
    )


def _clock_column(cells: dict[str, list[str]], time: str) -> str | None:
    """Return the column of the time of day beside one of dates; None without one."""
    dates = [format_of(cell) for cell in cells[time][:1]]
    if not dates or dates[0] is None or not dates[0].whole_days:
        return None
    return next(
        (name for name, texts in cells.items() if texts and all(map(_CLOCK.fullmatch, texts))), None
    )


def _value_column(
    label: str,
    numeric: Sequence[str],
    rest: Sequence[str],
    asked: str | None,
    labels: Sequence[str],
) -> str:
    if asked is not None and not labels:
        raise DemandError(
            f"{label}: --value-column {asked!r} is not there; columns are {listed(rest)}"
        )
    values = [name for name in numeric if name.lower() not in _NO_VALUES] or list(numeric)
    for best in _BEST_VALUE_NAMES:
        for name in values:
            if name.lower() == best:
                return name
    if len(values) == 1:
        return values[0]
    if not values:
        raise DemandError(
            f"{label}: no column holds numbers beside the time; columns are {listed(rest) or 'none'}"
            ": name one by --value-column"
        )
    raise DemandError(
        f"{label}: {len(values)} columns hold numbers, {listed(values)}: choose one by "
        f"--value-column, as --value-column {quoted(values[0])}"
    )


def _named(asked: str, names: Sequence[str]) -> str | None:
    """Return the column that is asked for, by its exact name or whatever its case."""
    if asked in names:
        return asked
    folded = [name for name in names if name.lower() == asked.strip().lower()]
    return folded[0] if len(folded) == 1 else None


def listed(names: Sequence[str]) -> str:
    """Return names for a message, the first few of many."""
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMED])
    return shown + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")


def quoted(name: str) -> str:
    """Return *name* as a shell takes it."""
    return name if re.fullmatch(r"[\w./:-]+", name) else "'" + name.replace("'", "'\\''") + "'"
