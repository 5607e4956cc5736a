"""The rows of one series in the order of time, and their step; what makes a counter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from peakfleet_sim.demand.demand import DemandError, Floats
from peakfleet_sim.demand.numbers import read_numbers
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.table import REPEATED_SHARE, Table
from peakfleet_sim.demand.times import read_times
from peakfleet_sim.demand.zones import SECOND, Microseconds

MINUTE: Final = 60 * SECOND
JITTER_SHARE: Final = 0.25
"""How far a time may lie off its step, as a share of it."""

_LEAST_ROWS: Final = 2
_COUNTER_ROWS: Final = 60
_RISING_SHARE: Final = 0.2
_RESET_SHARE: Final = 0.02
_MOST_RESETS: Final = 3
_USUAL_SECONDS: Final = (1, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 86_400)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
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
    def known(self) -> Points:
        """Those with a value."""
        known = ~np.isnan(self.values)
        if known.all():
            return self
        return replace(
            self, times=self.times[known], values=self.values[known], rows=self.rows[known]
        )


def read_points(table: Table, options: ReadOptions) -> tuple[Points, list[str]]:
    """Return the rows of a table in the order of time, and what was assumed, in words.

    Args:
        table: One series.
        options: How times and numbers are written.

    Raises:
        DemandError: A cell cannot be read, or many times are there twice.
    """
    columns, frame = table.columns, table.frame
    time = frame[columns.time]
    if not len(time):
        raise DemandError(f"column '{columns.time}' has no times")
    if columns.clock:
        both = pl.concat_str(pl.col(columns.time), pl.col(columns.clock), separator=" ")
        time = frame.select(both.alias(columns.time)).to_series()
    read = read_times(time, options, where=table.where)
    values, note = read_numbers(frame[columns.value], options, where=table.where)
    notes = [one for one in (read.note, note) if one]
    times, rows = read.utc, np.arange(len(values))
    if np.any(np.diff(times) <= 0):
        order = np.argsort(times, kind="stable")
        if np.all(np.diff(times) < 0):
            order = rows[::-1]
        times, values, rows = times[order], values[order], rows[order]
    last = np.append(np.diff(times) > 0, True)
    repeated = int(np.count_nonzero(~last))
    if repeated > max(1, REPEATED_SHARE * len(times)):
        row = int(rows[int(np.argmin(last)) + 1])
        raise DemandError(
            f"column '{columns.time}', {table.where(row)}: {repeated:,} of {len(times):,} times "
            "are there twice; if the file holds several series, choose one by --value-column or "
            "export one, else name the times by --time-column"
        )
    points = Points(times=times[last], values=values[last], rows=rows[last], repeated=repeated)
    return points, notes


def is_counter(values: Floats, table: Table) -> bool:
    """Return whether *values* only rise, but for resets to less than half.

    Many rows show it, or a few under a name that ends as Prometheus names its counters.
    """
    if table.counter:
        return True
    changes = np.diff(values)
    named = table.columns.value.split("{")[0].endswith("_total")
    falls = np.flatnonzero(changes < 0)
    resets = values[1:][falls] < values[:-1][falls] / 2
    rising = np.count_nonzero(changes > 0)
    return bool(
        len(values) >= (_LEAST_ROWS if named else _COUNTER_ROWS)
        and rising > _RISING_SHARE * len(changes)
        and (named or len(falls) <= _RESET_SHARE * len(changes))
        and resets.all()
    )


def increases(points: Points, options: ReadOptions) -> Points:
    """Return how much a counter rose from each row to the next, per second, minute or step.

    Raises:
        DemandError: The values fall too often for a counter, or there are too few.
    """
    known = points.known
    if len(known.times) <= _LEAST_ROWS:
        raise DemandError(f"--rate needs at least 3 rows, got {len(known.times)}")
    changes = np.diff(known.values)
    falls = int(np.count_nonzero(changes < 0))
    if falls > max(_MOST_RESETS, _RESET_SHARE * len(changes)):
        raise DemandError(
            f"--rate is for a counter, but the values fall in {falls:,} of {len(changes):,} steps; "
            "leave it out"
        )
    changes = np.where(changes < 0, known.values[1:], changes)
    elapsed = np.diff(known.times)
    base = {"second": SECOND, "minute": MINUTE, "step": step_of(known.times)}[rate_base(options)]
    return replace(
        known, times=known.times[:-1], values=changes / elapsed * base, rows=known.rows[:-1]
    )


def rate_base(options: ReadOptions) -> str:
    """Return the time that the increase of a counter is of."""
    return options.per or "minute"


def step_of(times: Microseconds) -> int:
    """Return the step that most rows have; of times that jitter, the usual step nearest to it."""
    steps, counts = np.unique(np.diff(times), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if np.any((times - times[0]) % step):
        median = float(np.median(np.diff(times)))
        usual = min(_USUAL_SECONDS, key=lambda seconds: abs(seconds * SECOND - median)) * SECOND
        if abs(usual - median) <= JITTER_SHARE / 2 * usual:
            return usual
    return step
