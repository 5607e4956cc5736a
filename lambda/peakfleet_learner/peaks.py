"""Steps of demand that come back at the same time, and what it would have saved to know them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import (
    DAY_MINUTES,
    HOUR_MINUTES,
    MINUTE_SECONDS,
    Aims,
    ProposedPeak,
)
from peakfleet_planner.spec import Repetition

_WIDTH: Final = 10
"""Minutes before and after a step that are compared."""
_APART: Final = 15
"""Steps that are nearer than so many minutes are one."""
_LATE: Final = 2
"""Minutes that a step may be early or late."""
_OFTEN: Final = 0.8
"""A step repeats if it came so often of all times that it could have."""
_LONGEST: Final = DAY_MINUTES // 2
_MOST: Final = 8
_TRIED: Final = 12
_WORTH: Final = 0.01
"""Share of the cost that a peak must save to be proposed."""
_PERIODS: Final[tuple[tuple[Repetition, int, int], ...]] = (
    ("hourly", HOUR_MINUTES, 24),
    ("daily", DAY_MINUTES, 3),
    ("weekly", 7 * DAY_MINUTES, 2),
)
"""How often, in minutes, and how often a step could have come at least."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that comes back. Minutes are counted from the first of the demand.

    Args:
        repeats: How often.
        phase: Its first possible minute.
        period: Minutes from one to the next.
        starts: When it came.
        minutes: How long it lasts, in most cases.
        heights: The highest demand each time, in layers.
    """

    repeats: Repetition
    phase: int
    period: int
    starts: tuple[int, ...]
    minutes: int
    heights: tuple[float, ...]

    def windows(self, first: int, count: int, *, before: int) -> Iterator[tuple[int, int]]:
        """Yield from when to when it is on, among minutes from *first* on, and what is before it.

        Args:
            first: The first minute that counts.
            count: How many do.
            before: Minutes of preparation.
        """
        for start in range(self.phase, first + count + before, self.period):
            yield max(0, start - before - first), min(count, start + self.minutes - first)


class Fleet(Protocol):
    """What minutes can be replayed on, see `Trial`."""

    missed: float

    def step(self, burst: float, aims: Aims) -> float:
        """Serve a minute; return what it cost."""


def find_steps(values: Floats, *, baseline: float) -> list[Step]:
    """Return the steps that come back, in layers, the highest of each period first.

    A step is a rise of the mean of ten minutes that is at least one layer, a tenth of the largest
    burst, and four times what demand usually moves.

    Args:
        values: Demand by the minute.
        baseline: What the on-premises side carries.
    """
    if len(values) < 2 * DAY_MINUTES:
        return []
    means = sliding_window_view(values, _WIDTH).mean(axis=1)
    rise = np.zeros(len(values))
    after = np.zeros(len(values))
    after[: len(means)] = means
    rise[_WIDTH : len(means)] = means[_WIDTH:] - means[:-_WIDTH]
    least = max(
        1.0,
        0.1 * float(values.max() - baseline),
        4 * float(np.median(np.abs(rise))),
    )
    came = (rise >= least) & (after > baseline + 1)
    padded = np.pad(came, _LATE)
    near = sliding_window_view(padded, 2 * _LATE + 1).any(axis=1)
    found: list[Step] = []
    for repeats, period, times in _PERIODS:
        rows = -(-len(values) // period)
        spare = (0, rows * period - len(values))
        folded = np.pad(near, spare).reshape(rows, period)
        count = np.pad(np.ones(len(values)), spare).reshape(rows, period).sum(axis=0)
        height = np.pad(rise, spare).reshape(rows, period).sum(axis=0)
        height[(folded.sum(axis=0) < _OFTEN * count) | (count < times)] = 0
        while height.max() > 0:
            phase = int(height.argmax())
            around = (np.arange(period) - phase + _APART) % period <= 2 * _APART
            height[around] = 0
            if not any(_is_part(phase, period, other) for other in found):
                starts = [phase + period * at for at in range(rows) if folded[at, phase]]
                found.append(_step(values, repeats, period, phase, starts))
    return found[:_TRIED]


def _is_part(phase: int, period: int, other: Step) -> bool:
    """Return whether it is a step that was found to come more often."""
    apart = (phase - other.phase) % other.period
    return other.period < period and min(apart, other.period - apart) <= _APART


def _step(
    values: Floats, repeats: Repetition, period: int, phase: int, starts: Sequence[int]
) -> Step:
    lengths, heights = [], []
    for start in starts:
        most = min(period - _APART, _LONGEST)
        part = values[start : start + most]
        before = values[max(0, start - _WIDTH) : start].mean() if start else 0.0
        top = part[:_WIDTH].mean()
        low = np.flatnonzero(part[_LATE + 1 :] < before + (top - before) / 2)
        length = int(low[0]) + _LATE + 1 if len(low) else len(part)
        lengths.append(length)
        heights.append(float(part[: max(1, length)].max()))
    return Step(
        repeats, phase, period, tuple(starts), int(np.median(lengths)), tuple(sorted(heights))
    )


def propose(
    steps: Sequence[Step],
    values: Floats,
    aims: Sequence[Aims],
    *,
    fleet: Callable[[], Fleet],
    first_minute: int,
    baseline: float,
    boot_minutes: int,
    metric_delay_minutes: int,
    layer_units: float,
) -> tuple[float, tuple[ProposedPeak, ...]]:
    """Return what the minutes cost, and the peaks that would have been worth to be known.

    Every step is replayed at two sizes, what it needed in most cases and at most, and at two
    lengths, for as long as it lasts and until the fleet has seen it by itself.

    Args:
        steps: What `find_steps` found in these minutes.
        values: Demand by the minute, in layers.
        aims: What was decided on seeing each of the last of them, which are replayed.
        fleet: Returns a new fleet to replay them on.
        first_minute: The first minute, since 1970.
        baseline: What the on-premises side carries, in layers.
        boot_minutes: From a launch to serving.
        metric_delay_minutes: How late demand is seen.
        layer_units: Units of a layer.
    """
    before, since = boot_minutes + 2, len(values) - len(aims)
    bursts = np.maximum(0.0, values[since:] - baseline).tolist()
    cost, missed = _replayed(fleet(), bursts, aims)
    found: list[ProposedPeak] = []
    for step in steps:
        tried = []
        for height in {step.heights[len(step.heights) // 2], step.heights[-1]}:
            for minutes in {step.minutes, min(step.minutes, _WIDTH)}:
                known = list(aims)
                for window in replace(step, minutes=minutes).windows(
                    since + metric_delay_minutes, len(aims), before=before
                ):
                    _raise(known, *window, ceil(height - baseline - 1e-9))
                tried.append((*_replayed(fleet(), bursts, known), height, minutes))
        best_cost, best_missed, height, minutes = min(tried)
        if cost - best_cost <= _WORTH * cost:
            continue
        possible = -(-(len(values) - step.phase) // step.period)
        following = first_minute + step.phase + possible * step.period
        found.append(
            ProposedPeak(
                repeats=step.repeats,
                next_epoch_seconds=following * MINUTE_SECONDS,
                lasts_seconds=minutes * MINUTE_SECONDS,
                units=ceil(height * layer_units),
                seen_epoch_seconds=tuple(
                    (first_minute + start) * MINUTE_SECONDS for start in step.starts
                ),
                possible=possible,
                saved_minutes=round(cost - best_cost, 1),
                served_units=round((missed - best_missed) * layer_units, 1),
            )
        )
    found.sort(key=lambda peak: -peak.saved_minutes)
    return cost, tuple(found[:_MOST])


def _raise(aims: list[Aims], start: int, stop: int, layers: int) -> None:
    """Let at least so many layers run in some minutes."""
    for at in range(start, stop):
        grow, begun, keep = (max(one, layers) for one in aims[at])
        aims[at] = Aims(grow, begun, keep)


def _replayed(fleet: Fleet, bursts: Sequence[float], aims: Sequence[Aims]) -> tuple[float, float]:
    """Return what the minutes cost, and what was missed of them."""
    cost = missed = 0.0
    for burst, one in zip(bursts, aims, strict=True):
        cost += fleet.step(burst, one)
        missed += fleet.missed
    return cost, missed
