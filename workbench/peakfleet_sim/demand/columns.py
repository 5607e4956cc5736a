"""Which columns of a table hold the time and the demand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from peakfleet_sim.demand.demand import DemandError
from peakfleet_sim.demand.numbers import looks_like_number
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.times import format_of, looks_like_time

_SAME_SHAPE: Final = 0.9
_MOST_NAMED: Final = 8
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?([ ]?[AaPp][Mm])?")
_TIME_NAME: Final = re.compile(
    r"time|date|stamp|epoch|zeit|datum|heure|fecha|hora|^_?ts$", re.IGNORECASE
)
_BEST_TIME_NAMES: Final = ("timestamp_utc", "_time", "timestamp", "time", "datetime", "date")
_BEST_VALUE_NAMES: Final = ("demand", "_value")
_NO_VALUES: Final = frozenset({"", "index", "id", "row", "#", "no", "table", "result", "_span"})
_UNNAMED: Final = re.compile(r"column \d+")
"""How a column without a header is called, such as the index that pandas writes."""
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
        names = (self.time, self.clock, self.value, *self.labels)
        return list(dict.fromkeys(name for name in names if name is not None))


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
    numeric = [
        name
        for name in rest
        if _is_numeric(sample[name], cells[name])
        and not (_TIME_NAME.search(name) and _is_time(sample[name], cells[name]))
    ]
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
    others = tuple(name for name in labels if name != value)
    return Columns(time=time, clock=clock, value=value, labels=others, series=asked)


def _cells(column: pl.Series) -> list[str]:
    """Return what is written in a column, without what is missing."""
    texts = column.drop_nulls().cast(pl.String, strict=False).to_list()
    return [text.strip() for text in texts if text and text.strip()]


def _is_time(column: pl.Series, cells: Sequence[str]) -> bool:
    if column.dtype in (pl.Datetime, pl.Date):
        return True
    return bool(cells) and sum(map(looks_like_time, cells)) >= _SAME_SHAPE * len(cells)


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
    values = [
        name for name in numeric if name.lower() not in _NO_VALUES and not _UNNAMED.fullmatch(name)
    ] or list(numeric)
    for best in _BEST_VALUE_NAMES:
        for name in values:
            if name.lower() == best:
                return name
    if len(values) == 1:
        return values[0]
    if not values:
        raise DemandError(
            f"{label}: no column holds numbers beside the time; columns are "
            f"{listed(rest) or 'none'}: name one by --value-column"
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
