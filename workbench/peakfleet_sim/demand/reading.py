"""The steps of reading: a file, its table, one series, its points, a grid, a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from peakfleet_sim.demand.columns import listed, quoted
from peakfleet_sim.demand.demand import Demand, DemandError
from peakfleet_sim.demand.grid import fill_gaps, grid_of, to_whole_minutes
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.points import (
    MINUTE,
    increases,
    is_counter,
    rate_base,
    read_points,
    step_of,
)
from peakfleet_sim.demand.recording import MOST_STEP_MINUTES, Recording
from peakfleet_sim.demand.source import read_source
from peakfleet_sim.demand.table import REPEATED_SHARE, Table, read_table
from peakfleet_sim.demand.zones import SECOND, in_words

_LEAST_ROWS: Final = 2


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


def _recording(name: str, table: Table, options: ReadOptions) -> Recording:
    table, series = _one_series(table)
    points, notes = read_points(table, options)
    if len(points.times) < _LEAST_ROWS:
        raise DemandError(
            f"at least {_LEAST_ROWS} rows are needed to know the step, got {len(points.times)}"
        )
    if not len(points.known.times):
        raise DemandError(f"column '{table.columns.value}' has no value in any row")
    rows, repeated = table.frame.height, points.repeated
    if repeated:
        times = "1 time is" if repeated == 1 else f"{repeated:,} times are"
        notes.append(f"{times} there twice and the last counts")
    counter = is_counter(points.known.values, table)
    if counter and not options.rate and options.per != "step":
        raise DemandError(
            f"column '{series}' never falls but for resets, as a counter; say --rate to take its "
            "increase, or --per step to take it as it is"
        )
    if options.rate:
        points = increases(points, options)
        notes.append(f"the increase of a counter, in units per {rate_base(options)}")
    step = step_of(points.times)
    values = points.values
    if not options.rate and options.per in ("second", "minute"):
        notes.append(f"sums over {in_words(step)}, in units per {options.per}")
        values = values * _per(step, options)
    points = replace(points, values=values)
    grid = grid_of(points, step, table, notes)
    units, filled = fill_gaps(grid, options, notes)
    minutes = grid.step // MINUTE
    if options.per is None and not options.rate and step != MINUTE:
        _say_assumed(step, notes)
    if grid.step % MINUTE:
        units = to_whole_minutes(units, grid.step)
        minutes = 1
        notes.append("each minute has the mean of the steps that it overlaps")
    elif minutes > 1:
        notes.append(
            "minutes within a step are filled in by a seeded Brownian bridge"
            if minutes <= MOST_STEP_MINUTES
            else "too coarse to be replayed by the minute"
        )
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


def _one_series(table: Table) -> tuple[Table, str]:
    """Return the rows of the one series that is meant, and its name."""
    columns, frame = table.columns, table.frame
    missing = pl.col(columns.time).is_null()
    if frame.schema[columns.time] == pl.String:
        missing = missing | (pl.col(columns.time) == "")
    known = ~frame.select(missing.alias("missing")).to_series()
    if columns.labels:
        # A header that is repeated between the tables of an Influx export is no row.
        known = known & (frame[columns.time].cast(pl.String) != columns.time).fill_null(value=False)
    if not known.all():
        table = table.kept(known)
        frame = table.frame
    if columns.clock or not columns.labels:
        if columns.series:
            raise _unknown(columns.series, table, [])
        return table, columns.value
    several = frame[columns.time].n_unique() < frame.height * (1 - REPEATED_SHARE)
    if not (several or columns.series):
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
    return table.kept(series == chosen[0]), chosen[0]


def _unknown(asked: str, table: Table, names: Sequence[str]) -> DemandError:
    known = f"series are {listed(names)}" if names else f"there is only {table.columns.value!r}"
    return DemandError(f"--value-column {asked!r} is not there; {known}")


def _per(step: int, options: ReadOptions) -> float:
    return (SECOND if options.per == "second" else MINUTE) / step


def _say_assumed(step: int, notes: list[str]) -> None:
    notes.append(
        f"values are taken as units on average over {in_words(step)}; if they are sums over it, "
        "say --per minute or --per second"
    )
