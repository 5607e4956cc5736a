"""A recording as it was understood: demand at a constant step, and what was found on the way."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from peakfleet_sim.demand.demand import Demand, DemandError, Floats
from peakfleet_sim.demand.minutes import to_minutes
from peakfleet_sim.demand.numbers import read_numbers
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.source import read_source
from peakfleet_sim.demand.table import Table, listed, quoted, read_table
from peakfleet_sim.demand.times import SECOND, Microseconds, in_words, read_times

HEADER: Final = "timestamp_utc,demand"

_MINUTE: Final = 60 * SECOND
_SECONDS: Final = 60
_MOST_MINUTES: Final = 20_000_000
_HELD_SHARE: Final = 0.05
"""Share of missing steps that is filled without being asked."""
_FILLED_SHARE: Final = 0.5
"""Share of missing steps that may be held or drawn as a line at all; zero may stand for more."""
_REPEATED_SHARE: Final = 0.05
_JITTER_SHARE: Final = 0.25
_LEAST_ROWS: Final = 2
_COUNTER_ROWS: Final = 60
_RISING_SHARE: Final = 0.2
_RESET_SHARE: Final = 0.02
_COARSE_MINUTES: Final = 60
_SPIKE: Final = 10
_MOST_SPIKES: Final = 3
_LEVEL_CHANGE: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Recorded demand at a constant step, without gaps.

    Args:
        name: What it is, for charts.
        start: When the first step begins (UTC).
        step_minutes: The step.
        units: Mean demand of each step.
        origin: What kind of export it was.
        value_column: The column, or series, that was read.
        rows: Rows of it in the file.
        recorded_step: The step of the file, in words.
        filled_steps: Steps that were missing and were filled.
        repeated_rows: Rows whose time was there before; the last of them counts.
        counter: Whether the values were a counter.
        notes: What was assumed or changed, each a clause for people.
    """

    name: str
    start: datetime
    step_minutes: int
    units: Floats
    origin: str
    value_column: str
    rows: int
    recorded_step: str
    filled_steps: int = 0
    repeated_rows: int = 0
    counter: bool = False
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> datetime:
        """When the last step ends."""
        return self.start + timedelta(minutes=self.step_minutes) * len(self.units)

    def demand(self, *, seed: int = 0) -> Demand:
        """Return the demand by the minute.

        Args:
            seed: Of the bridge that fills steps of several minutes. Default: 0.
        """
        minutes = to_minutes(self.units, self.step_minutes, seed)
        return Demand(name=self.name, start=self.start, units=minutes)

    def summary(self) -> str:
        """Return in one line what was understood."""
        gaps = f"{self.filled_steps:,} of {len(self.units):,} steps missing"
        said = (
            f"{self.name}: {self.rows:,} rows of '{self.value_column}', "
            f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC, "
            f"step {self.recorded_step}, {gaps if self.filled_steps else 'no gaps'}, "
            f"peak {self.units.max():,.6g} units, "
            f"99th percentile {float(np.percentile(self.units, 99)):,.6g}"
        )
        return "; ".join((said, *self.notes))

    def facts(self) -> list[tuple[str, str]]:
        """Return what was understood, as terms and descriptions."""
        units = self.units
        kind = "counter, read as its increase" if self.counter else "gauge"
        return [
            ("file", f"{self.name}, {self.origin}"),
            ("values", f"column '{self.value_column}', {kind}"),
            ("rows", f"{self.rows:,}"),
            ("span", f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"),
            ("step", self.recorded_step),
            ("gaps", f"{self.filled_steps:,} of {len(units):,} steps missing"),
            ("duplicates", f"{self.repeated_rows:,}"),
            ("least", f"{units.min():,.6g} units"),
            ("median", f"{float(np.median(units)):,.6g} units"),
            ("99th percentile", f"{float(np.percentile(units, 99)):,.6g} units"),
            ("peak", f"{units.max():,.6g} units"),
            *(("note", note) for note in (*self.notes, *self.suspicious)),
        ]

    @property
    def suspicious(self) -> list[str]:
        """What may be a mistake of the recording, each a clause for people."""
        found = []
        units, minutes = self.units, self.step_minutes

        def at(step: int) -> str:
            return f"{self.start + timedelta(minutes=minutes) * step:%Y-%m-%d %H:%M} UTC"

        if not units.any():
            found.append("demand is zero throughout")
        elif np.ptp(units) == 0:
            found.append("demand is the same in every step")
        if len(units) > _COUNTER_ROWS:
            before = np.maximum(units[:-2], units[2:])
            lone = np.flatnonzero(units[1:-1] > _SPIKE * np.maximum(before, np.median(units)))
            if 0 < len(lone) <= _MOST_SPIKES:
                found.append(
                    f"a lone step of {units[lone[0] + 1]:,.6g} units at {at(int(lone[0]) + 1)} is "
                    f"over {_SPIKE} times its neighbours"
                )
            level = np.median(units[: len(units) // 2]), np.median(units[len(units) // 2 :])
            if min(level) > 0 and max(level) > _LEVEL_CHANGE * min(level):
                found.append(
                    f"the second half is at {level[1] / level[0]:.2g} times the level of the first: "
                    "did the unit or the step change?"
                )
        return found

    def write(self, path: Path) -> None:
        """Write it as a canonical file, gzipped if the name ends so."""
        start = np.datetime64(self.start.replace(tzinfo=None), "s")
        step = np.timedelta64(self.step_minutes * _SECONDS, "s")
        stamps = np.datetime_as_string(start + np.arange(len(self.units)) * step)
        text = "".join(
            f"{stamp}Z,{_number(value)}\n"
            for stamp, value in zip(stamps.tolist(), self.units.tolist(), strict=True)
        )
        data = f"{HEADER}\n{text}".encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)


def load_demand(path: Path, *, seed: int = 0, options: ReadOptions | None = None) -> Demand:
    """Return the demand recorded in a file, by the minute.

    Args:
        path: The file, as `read_recording` reads it.
        seed: Of the bridge that fills steps of several minutes. Default: 0.
        options: What the file does not say. Default: nothing.

    Raises:
        DemandError: As `read_recording`.
    """
    return read_recording(path, options).demand(seed=seed)


def read_recording(path: Path, options: ReadOptions | None = None) -> Recording:
    """Return what a file records.

    Args:
        path: CSV, JSON, xlsx or Parquet, plain or packed; `-` is standard input.
        options: What the file does not say. Default: nothing.

    Raises:
        DemandError: The file cannot be read, or it could be meant in several ways. The message
            names the column, the line and the option that helps.
    """
    said = options or ReadOptions()
    source = read_source(path)
    try:
        table = read_table(source, said)
        return _recording(source.name, table, said)
    except DemandError as error:
        text = str(error)
        raise DemandError(text if source.label in text else f"{source.label}: {text}") from error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Points:
    """Rows in the order of time, each time once.

    Args:
        times: Microseconds since 1970.
        values: Demand; NaN where it is missing.
        rows: Index of each in the table.
        repeated: Rows that were left out because a later one has their time.
    """

    times: Microseconds
    values: Floats
    rows: NDArray[np.int64]
    repeated: int

    @property
    def known(self) -> _Points:
        """Those with a value."""
        known = ~np.isnan(self.values)
        return replace(
            self, times=self.times[known], values=self.values[known], rows=self.rows[known]
        )


def _recording(name: str, table: Table, options: ReadOptions) -> Recording:
    table, series = _one_series(table, options)
    points, note = _points(table, options)
    if len(points.times) < _LEAST_ROWS:
        raise DemandError(
            f"at least {_LEAST_ROWS} rows are needed to know the step, got {len(points.times)}"
        )
    if not len(points.known.times):
        raise DemandError(f"column '{table.columns.value}' has no value in any row")
    notes = [note] if note else []
    rows, repeated = table.frame.height, points.repeated
    if repeated:
        notes.append(f"{repeated:,} times are there twice and the last of each counts")
    counter = _is_counter(points.known.values, table)
    if counter and not options.rate and options.per != "step":
        raise DemandError(
            f"column '{series}' never falls but for resets, as a counter; say --rate to take its "
            "increase, or --per step to take it as it is"
        )
    if options.rate:
        points = _increases(points, options)
        notes.append(f"the increase of a counter, in units per {_base(options)}")
    step = _step(points.times)
    values = points.values
    if not options.rate and options.per in ("second", "minute"):
        notes.append(f"sums over {in_words(step)}, in units per {options.per}")
        values = values * _per(step, options)
    points = replace(points, values=values)
    grid = _grid(points, step, table, notes)
    units, filled = _filled(grid, options, notes)
    minutes = grid.step // _MINUTE
    if options.per is None and not options.rate and step != _MINUTE:
        _say_assumed(step, notes)
    if grid.step % _MINUTE:
        units = _resampled(units, grid.step)
        minutes = 1
        notes.append("each minute has the mean of the steps that it overlaps")
    elif minutes > 1:
        detail = "; nothing is known of the hours in a day" if minutes > _COARSE_MINUTES else ""
        notes.append(f"minutes within a step are filled in by a seeded Brownian bridge{detail}")
    return Recording(
        name=name,
        start=datetime.fromtimestamp(grid.start // SECOND, UTC),
        step_minutes=int(minutes),
        units=units,
        origin=table.origin,
        value_column=series,
        rows=rows,
        recorded_step=in_words(step),
        filled_steps=filled,
        repeated_rows=repeated,
        counter=options.rate,
        notes=tuple(notes),
    )


def _one_series(table: Table, options: ReadOptions) -> tuple[Table, str]:
    """Return the rows of the one series that is meant, and its name."""
    columns, frame = table.columns, table.frame
    missing = pl.col(columns.time).is_null()
    if frame.schema[columns.time] == pl.String:
        missing = missing | (pl.col(columns.time).str.strip_chars() == "")
    known = ~frame.select(missing.alias("missing")).to_series()
    if columns.labels:
        # A header that is repeated between the tables of an Influx export is no row.
        known = known & (frame[columns.time].cast(pl.String) != columns.time).fill_null(value=False)
    if not known.all():
        table = _kept(table, known)
        frame = table.frame
    several = frame[columns.time].n_unique() < frame.height * (1 - _REPEATED_SHARE)
    if columns.clock or not columns.labels or not (several or columns.series):
        if columns.series:
            raise _unknown(columns.series, table, [])
        return table, columns.value
    labels = [
        name for name in columns.labels
        if frame[name].n_unique() > 1 or len(columns.labels) == 1
    ] or list(columns.labels[:1])  # fmt: skip
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in labels]
    series = frame.select(pl.concat_str(texts, separator=" / ").alias("series")).to_series()
    names = sorted(str(name) for name in series.unique().to_list())
    if columns.series is None:
        if len(names) == 1:
            return table, columns.value
        raise DemandError(
            f"{len(names)} series, {listed(names)}: choose one by --value-column, as "
            f"--value-column {quoted(names[0])}"
        )
    chosen = [name for name in names if name.lower() == columns.series.lower()]
    if len(chosen) != 1:
        raise _unknown(columns.series, table, names)
    return _kept(table, series == chosen[0]), chosen[0]


def _unknown(asked: str, table: Table, names: Sequence[str]) -> DemandError:
    known = f"series are {listed(names)}" if names else f"there is only {table.columns.value!r}"
    return DemandError(f"--value-column {asked!r} is not there; {known}")


def _kept(table: Table, keep: pl.Series) -> Table:
    rows = np.flatnonzero(keep.to_numpy())
    lines = table.lines
    return replace(
        table,
        frame=table.frame.filter(keep),
        lines=_Selected(lines, rows) if lines is not None else [int(row) + 1 for row in rows],
    )


class _Selected(Sequence[int]):
    """Lines of some rows of a table."""

    def __init__(self, lines: Sequence[int], rows: NDArray[np.int64]) -> None:
        self._lines, self._rows = lines, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> int:  # type: ignore[override]  # no slices are taken
        return self._lines[int(self._rows[row])]


def _points(table: Table, options: ReadOptions) -> tuple[_Points, str]:
    columns, frame = table.columns, table.frame
    time = frame[columns.time]
    if not len(time):
        raise DemandError(f"column '{columns.time}' has no times")
    if columns.clock:
        both = pl.concat_str(pl.col(columns.time), pl.col(columns.clock), separator=" ")
        time = frame.select(both.alias(columns.time)).to_series()
    read = read_times(time, options, where=table.where)
    values = read_numbers(frame[columns.value], options, where=table.where)
    times, rows = read.utc, np.arange(len(values))
    if np.any(np.diff(times) <= 0):
        order = np.argsort(times, kind="stable")
        if np.all(np.diff(times) < 0):
            order = rows[::-1]
        times, values, rows = times[order], values[order], rows[order]
    last = np.append(np.diff(times) > 0, True)
    repeated = int(np.count_nonzero(~last))
    if repeated > max(1, _REPEATED_SHARE * len(times)):
        row = int(rows[int(np.argmin(last)) + 1])
        raise DemandError(
            f"column '{columns.time}', {table.where(row)}: {repeated:,} of {len(times):,} times are "
            "there twice; if the file holds several series, choose one by --value-column or export "
            "one, else name the times by --time-column"
        )
    points = _Points(times=times[last], values=values[last], rows=rows[last], repeated=repeated)
    return points, read.note


def _is_counter(values: Floats, table: Table) -> bool:
    """Return whether values only rise, but for resets to nearly nothing."""
    if table.counter:
        return True
    changes = np.diff(values)
    falls = np.flatnonzero(changes < 0)
    resets = values[1:][falls] < values[:-1][falls] / 2
    rising = np.count_nonzero(changes > 0)
    return bool(
        len(values) >= _COUNTER_ROWS
        and rising > _RISING_SHARE * len(changes)
        and len(falls) <= _RESET_SHARE * len(changes)
        and resets.all()
    )


def _increases(points: _Points, options: ReadOptions) -> _Points:
    """Return how much a counter rose from each row to the next, per second, minute or step."""
    known = points.known
    if len(known.times) <= _LEAST_ROWS:
        raise DemandError(f"--rate needs at least 3 rows, got {len(known.times)}")
    changes = np.diff(known.values)
    changes = np.where(changes < 0, known.values[1:], changes)
    elapsed = np.diff(known.times)
    base = {"second": SECOND, "minute": _MINUTE, "step": _step(known.times)}[_base(options)]
    return replace(
        known, times=known.times[:-1], values=changes / elapsed * base, rows=known.rows[:-1]
    )


def _base(options: ReadOptions) -> str:
    return options.per or "minute"


def _per(step: int, options: ReadOptions) -> float:
    return (SECOND if options.per == "second" else _MINUTE) / step


def _step(times: Microseconds) -> int:
    """Return the step that most rows have."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return int(steps[np.argmax(counts)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grid:
    """Values at a constant step; NaN where there is none.

    Args:
        start: Microseconds since 1970.
        step: Microseconds.
        values: The values.
    """

    start: int
    step: int
    values: Floats


def _grid(points: _Points, step: int, table: Table, notes: list[str]) -> _Grid:
    """Return the points at a constant step of at least a minute."""
    times = points.times
    if step < _MINUTE:
        known = points.known
        start = int(times[0]) // _MINUTE * _MINUTE
        slots = (known.times - start) // _MINUTE
        count = _count(int((times[-1] - start) // _MINUTE) + 1, table, points)
        sums = np.bincount(slots, weights=known.values, minlength=count)
        with np.errstate(invalid="ignore"):
            values = sums / np.bincount(slots, minlength=count)
        each = len(known.times) / max(1, np.count_nonzero(~np.isnan(values)))
        notes.append(f"each minute is the mean of {each:,.3g} rows")
        return _Grid(start=start, step=_MINUTE, values=values)
    start = int(times[0])
    slots = (times - start + step // 2) // step
    off = np.abs(times - start - slots * step)
    if np.any(off > _JITTER_SHARE * step) or np.any(np.diff(slots) == 0):
        wrong = int(np.argmax((off > _JITTER_SHARE * step) | (np.diff(slots, prepend=-1) == 0)))
        row = int(points.rows[wrong])
        length = in_words(int(times[wrong] - times[wrong - 1]))
        raise DemandError(
            f"column '{table.columns.time}', {table.where(row)}: a step of {length} where most are "
            f"{in_words(step)}; export the metric with one period, or cut the file there"
        )
    if moved := np.count_nonzero(off):
        most = in_words(round(float(off.max()) / SECOND) * SECOND)
        notes.append(f"{moved:,} times are up to {most} off the step and are moved to it")
    values = np.full(_count(int(slots[-1]) + 1, table, points), np.nan)
    values[slots] = points.values
    return _Grid(start=start // SECOND * SECOND, step=step, values=values)


def _count(steps: int, table: Table, points: _Points) -> int:
    """Return how many steps there are, unless a wrong time makes them absurdly many."""
    if steps > max(_MOST_MINUTES, 2 * len(points.times)):
        gap = int(np.argmax(np.diff(points.times)))
        at = datetime.fromtimestamp(int(points.times[gap + 1]) / SECOND, UTC)
        raise DemandError(
            f"column '{table.columns.time}', {table.where(int(points.rows[gap + 1]))}: "
            f"{at:%Y-%m-%d %H:%M} UTC is far from the time before it; mend the row"
        )
    return steps


def _filled(grid: _Grid, options: ReadOptions, notes: list[str]) -> tuple[Floats, int]:
    """Return the values without gaps, and how many were missing."""
    missing = np.isnan(grid.values)
    count = int(np.count_nonzero(missing))
    if not count:
        return grid.values, 0
    share = count / len(missing)
    asked = options.fill or ("hold" if options.rate else None)
    if asked is None and share > _HELD_SHARE:
        at = datetime.fromtimestamp(
            (grid.start + int(np.argmax(missing)) * grid.step) / SECOND, UTC
        )
        raise DemandError(
            f"{count:,} of {len(missing):,} steps ({share:.0%}) are missing, the first at "
            f"{at:%Y-%m-%d %H:%M} UTC; say what stands for them: --fill hold, --fill linear or "
            "--fill zero"
        )
    if asked != "zero" and share > _FILLED_SHARE:
        raise DemandError(
            f"{count:,} of {len(missing):,} steps ({share:.0%}) are missing, more than --fill {asked} "
            "may invent; export the metric with a longer period, or say --fill zero if no row means "
            "no demand"
        )
    how = asked or "hold"
    values = grid.values.copy()
    index = np.arange(len(values))
    if how == "zero":
        values[missing] = 0.0
    elif how == "linear":
        values[missing] = np.interp(index[missing], index[~missing], values[~missing])
    else:
        before = np.maximum.accumulate(np.where(missing, -1, index))
        before[before < 0] = int(np.argmin(missing))
        values = values[before]
    words = {"hold": "the value before", "linear": "a straight line", "zero": "zero"}[how]
    steps = "1 missing step" if count == 1 else f"{count:,} missing steps"
    notes.append(f"{words} stands for {steps} (--fill {how})")
    return values, count


def _say_assumed(step: int, notes: list[str]) -> None:
    notes.append(
        f"values are taken as units on average over {in_words(step)}; if they are sums over it, say "
        "--per minute or --per second"
    )


def _resampled(values: Floats, step: int) -> Floats:
    """Return steps of no whole number of minutes as minutes, each the mean of what it overlaps."""
    edges = np.arange(len(values) + 1) * (step / _MINUTE)
    sums = np.concatenate([[0.0], np.cumsum(values * (step / _MINUTE))])
    minutes = np.arange(int(np.ceil(edges[-1])) + 1).clip(max=edges[-1])
    totals = np.interp(minutes, edges, sums)
    means: Floats = np.diff(totals) / np.diff(minutes)
    return np.maximum(0.0, means)
