"""The rows of a recording as a table: its delimiter, its header, its columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal

import numpy as np
import polars as pl
from fastexcel import FastExcelError
from numpy.typing import NDArray

from peakfleet_sim.demand.columns import Columns, choose_columns
from peakfleet_sim.demand.demand import DemandError
from peakfleet_sim.demand.json_exports import read_json
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.source import Source
from peakfleet_sim.demand.times import looks_like_time

REPEATED_SHARE: Final = 0.05
"""Share of repeated times above which a table must hold several series."""

_HEAD_BYTES: Final = 2**18
_HEAD_LINES: Final = 300
_SAMPLE_ROWS: Final = 2000
_COMMENT: Final = "#"
_DELIMITERS: Final = "\t;|, "
_SAME_SHAPE: Final = 0.9
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of a recording.

    Args:
        frame: The columns that are read, text or typed.
        columns: What they are.
        origin: What kind of export it is, for people.
        counter: Whether the export itself says that it is a counter.
        lines: The number by which messages name each row. Default: counted from 1.
        counted: What is counted so.
    """

    frame: pl.DataFrame
    columns: Columns
    origin: str
    counter: bool = False
    lines: Sequence[int] | None = None
    counted: Literal["line", "row"] = "row"

    def where(self, row: int) -> str:
        """Return the name of a row: its line in the file, or its number."""
        number = row + 1 if self.lines is None else self.lines[row]
        return f"{self.counted} {number}"

    def kept(self, keep: pl.Series) -> Table:
        """Return the table with the rows for which *keep* is true."""
        rows = np.flatnonzero(keep.to_numpy())
        lines = _Selected(self.lines, rows) if self.lines is not None else (rows + 1).tolist()
        return replace(self, frame=self.frame.filter(keep), lines=lines)


class _Selected(Sequence[int]):
    """Lines of some rows of a table."""

    def __init__(self, lines: Sequence[int], rows: NDArray[np.int64]) -> None:
        self._lines, self._rows = lines, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> int:  # type: ignore[override]  # no slices are taken
        return self._lines[int(self._rows[row])]


def read_table(source: Source, options: ReadOptions) -> Table:
    """Return the rows of *source*, with the columns of time and demand.

    Raises:
        DemandError: The content has no such rows or columns, or several that could be meant.
    """
    if source.kind == "text":
        return _read_csv(source, options)
    origin: str = source.kind
    counter = False
    try:
        if source.kind == "json":
            table = read_json(source.label, source.data)
            frame, origin, counter = table.frame, table.origin, table.counter
        elif source.kind == "xlsx":
            frame = _read_xlsx(source)
        else:
            frame = pl.read_parquet(io.BytesIO(source.data))
    except (FastExcelError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
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
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DemandError(f"{source.label}{_ragged(source, layout, error)}") from error
    return Table(
        frame=frame.select(columns.read),
        columns=columns,
        origin="CSV",
        lines=_Lines(source.data, layout.skipped_lines),
        counted="line",
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
        (number, line.replace("\r", ""))
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
    width = len(names)
    if 0 < start < len(rows) and 1 < len(rows[start - 1]) < width:
        raise DemandError(
            f"{source.label}, line {numbered[start][0] + 1}: a row has {width} cells, its header "
            f"{len(rows[start - 1])}: {lines[start][:60]!r}; quote cells that have a "
            f"{delimiter!r}, or separate them by another sign"
        )
    skipped = numbered[start][0] if start < len(numbered) else numbered[-1][0] + 1
    return _Layout(delimiter=delimiter, names=names, skipped_lines=skipped)


def _delimiter(lines: Sequence[str]) -> str:
    """Return the sign that divides most lines alike; the head may be a preamble."""
    body = [_QUOTED.sub("", line) for line in lines[len(lines) // 2 :]]
    for delimiter in _DELIMITERS:
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
        (i for i, row in enumerate(rows) if len(row) > 1 and any(map(looks_like_time, row))), None
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
