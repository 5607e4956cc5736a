"""Values at a constant step, without gaps, in whole minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_sim.demand.demand import DemandError, Floats
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.points import JITTER_SHARE, MINUTE, Points
from peakfleet_sim.demand.table import Table
from peakfleet_sim.demand.zones import SECOND, in_words

_MOST_STEPS: Final = 20_000_000
_HELD_SHARE: Final = 0.05
"""Share of missing steps that is filled without being asked."""
_FILLED_SHARE: Final = 0.5
"""Share of missing steps that may be held or drawn as a line at all; zero may stand for more."""
_SAME_GAPS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Values at a constant step; NaN where there is none.

    Args:
        start: Microseconds since 1970.
        step: Microseconds.
        values: The values.
    """

    start: int
    step: int
    values: Floats


def grid_of(points: Points, step: int, table: Table, notes: list[str]) -> Grid:
    """Return the points at a constant step of at least a minute."""
    times = points.times
    if step < MINUTE:
        known = points.known
        start = int(times[0]) // MINUTE * MINUTE
        slots = (known.times - start) // MINUTE
        count = _count(int((times[-1] - start) // MINUTE) + 1, table, points)
        sums = np.bincount(slots, weights=known.values, minlength=count)
        with np.errstate(invalid="ignore"):
            values = sums / np.bincount(slots, minlength=count)
        each = len(known.times) / int(np.count_nonzero(~np.isnan(values)))
        notes.append(f"each minute is the mean of {each:,.3g} rows")
        return Grid(start=start, step=MINUTE, values=values)
    start = int(times[0])
    slots = (times - start + step // 2) // step
    off = np.abs(times - start - slots * step)
    if np.any(off > JITTER_SHARE * step) or np.any(np.diff(slots) == 0):
        wrong = int(np.argmax((off > JITTER_SHARE * step) | (np.diff(slots, prepend=-1) == 0)))
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
    return Grid(start=start // SECOND * SECOND, step=step, values=values)


def _count(steps: int, table: Table, points: Points) -> int:
    """Return how many steps there are, unless a wrong time makes them absurdly many."""
    if steps > max(_MOST_STEPS, 2 * len(points.times)):
        gap = int(np.argmax(np.diff(points.times)))
        at = datetime.fromtimestamp(int(points.times[gap + 1]) / SECOND, UTC)
        raise DemandError(
            f"column '{table.columns.time}', {table.where(int(points.rows[gap + 1]))}: "
            f"{at:%Y-%m-%d %H:%M} UTC is far from the time before it; mend the row"
        )
    return steps


def fill_gaps(grid: Grid, options: ReadOptions, notes: list[str]) -> tuple[Floats, int]:
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
            f"{at:%Y-%m-%d %H:%M} UTC{_other_step(missing, grid.step)}; say what stands for them: "
            "--fill hold, --fill linear or --fill zero"
        )
    if asked != "zero" and share > _FILLED_SHARE:
        raise DemandError(
            f"{count:,} of {len(missing):,} steps ({share:.0%}) are missing, more than --fill "
            f"{asked} may invent; export the metric with a longer period, or say --fill zero if no "
            "row means no demand"
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


def _other_step(missing: NDArray[np.bool_], step: int) -> str:
    """Return what to say of gaps that are a longer step; nothing if they are not."""
    steps, counts = np.unique(np.diff(np.flatnonzero(~missing)), return_counts=True)
    longer = steps > 1
    if not longer.any():
        return ""
    most = int(np.argmax(np.where(longer, counts, 0)))
    if counts[most] <= _SAME_GAPS or (steps[most] - 1) * counts[most] < missing.sum() / 2:
        return ""
    return (
        f", most of them because the step is {in_words(int(steps[most]) * step)} there and "
        f"{in_words(step)} elsewhere: export with one period, or cut the file"
    )


def to_whole_minutes(values: Floats, step: int) -> Floats:
    """Return steps of no whole number of minutes as minutes, each the mean of what it overlaps."""
    edges = np.arange(len(values) + 1) * (step / MINUTE)
    sums = np.concatenate([[0.0], np.cumsum(values * (step / MINUTE))])
    minutes = np.arange(int(np.ceil(edges[-1])) + 1).clip(max=edges[-1])
    totals = np.interp(minutes, edges, sums)
    means: Floats = np.diff(totals) / np.diff(minutes)
    return np.maximum(0.0, means)
