"""What starting or keeping a layer really gained, by going through what then happened.

For each minute and layer, the cost of starting (or keeping) it and then playing on as the
policy did is compared with the cost of not doing so. The mean of that by position and age,
mixed with the closed form, is what the next decisions look up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import (
    AGES,
    DAY_MINUTES,
    OLDEST,
    POSITIONS,
    SLIVER,
    Ages,
    Table,
    first_tables,
)

_FIRST_WEIGHT: Final = 500.0
"""Minutes of experience that the closed form counts for."""
_DECAY_A_DAY: Final = 0.96
_TAIL_MINUTES: Final = 120
"""The newest decisions wait until it is known what became of them."""
_FEWEST: Final = 60

_Indices = NDArray[np.int64]


class Choice(NamedTuple):
    """One decision in layers, and what it was looked up by."""

    grow: int
    keep: int
    grow_levels: list[float]
    keep_levels: list[float]
    ages: Ages


@dataclass(slots=True)
class _Sums:
    """Indices into a table, what was gained there, and how much each counts."""

    at: list[_Indices] = field(default_factory=list)
    gained: list[Floats] = field(default_factory=list)
    weights: list[Floats] = field(default_factory=list)

    def add(self, positions: Floats, ages: _Indices, gained: Floats) -> None:
        lower = np.minimum(positions.astype(np.int64), POSITIONS - 2)
        share = positions - lower
        at = lower * AGES + ages
        self.at += (at, at + AGES)
        self.gained += (gained, gained)
        self.weights += (1 - share, share)

    def totals(self) -> tuple[Floats, Floats]:
        """Return the gains and the weights at each place of the table."""
        size = POSITIONS * AGES
        if not self.at:
            return np.zeros(size), np.zeros(size)
        at, weights = np.concatenate(self.at), np.concatenate(self.weights)
        gained = np.concatenate(self.gained) * weights
        return (
            np.bincount(at, gained, size).astype(np.float64),
            np.bincount(at, weights, size).astype(np.float64),
        )


class Advantages:
    """The two tables, learned as experience comes in.

    Args:
        boot_minutes: From the launch to serving.
        launch_cost: What a launch costs before it serves, in instance-minutes.
        metric_delay_minutes: How late demand is seen.
        unserved_cost: What a missed unit-minute is worth.
        most_layers: Layers of the whole fleet at its maximum.
    """

    def __init__(
        self,
        *,
        boot_minutes: int,
        launch_cost: float,
        metric_delay_minutes: int,
        unserved_cost: float,
        most_layers: int,
    ) -> None:
        self._boot, self._delay = boot_minutes, metric_delay_minutes
        self._launch_cost = launch_cost
        self._unserved_cost, self._most = unserved_cost, most_layers
        self.tables: tuple[Table, Table] = first_tables(
            boot_minutes=boot_minutes,
            launch_cost=launch_cost,
            metric_delay_minutes=metric_delay_minutes,
            unserved_cost=unserved_cost,
        )
        self._first = [np.array(table).ravel() for table in self.tables]
        self._gained = [np.zeros(POSITIONS * AGES) for _ in self.tables]
        self._weights = [np.zeros(POSITIONS * AGES) for _ in self.tables]
        self._bursts: list[float] = []
        self._choices: list[Choice] = []
        self._ready = 0
        self._booting: dict[int, int] = {}

    def note(self, burst: float, choice: Choice) -> None:
        """Remember the burst of a minute, in layers, and what was decided on seeing it."""
        self._bursts.append(burst)
        self._choices.append(choice)

    def learn(self) -> None:
        """Take in all decisions of which it is known what became."""
        done = len(self._choices) - _TAIL_MINUTES
        if done < _FEWEST:
            return
        starting, keeping = self._gains()
        sums = (_Sums(), _Sums())
        for minute in range(min(done, len(starting))):
            self._look_up(minute, starting[minute], keeping[minute], sums)
        decay = _DECAY_A_DAY ** (done / DAY_MINUTES)
        for index, (gained, weights) in enumerate(some.totals() for some in sums):
            self._gained[index] = decay * self._gained[index] + gained
            self._weights[index] = decay * self._weights[index] + weights
        start, keep = self.tables_from(self._first)
        self.tables = (start.tolist(), keep.tolist())
        del self._bursts[:done], self._choices[:done]
        self._booting = {at - done: count for at, count in self._booting.items()}

    def tables_from(self, first: Sequence[Floats] | tuple[Table, Table]) -> tuple[Floats, Floats]:
        """Return the tables that *first*, the closed form, becomes with all experience."""
        start, keep = (
            ((_FIRST_WEIGHT * np.ravel(one) + gained) / (_FIRST_WEIGHT + weights)).reshape(
                POSITIONS, AGES
            )
            for one, gained, weights in zip(first, self._gained, self._weights, strict=True)
        )
        return start, keep

    def _gains(self) -> tuple[Floats, Floats]:
        """Return, by minute and layer, what starting and keeping cost beyond not doing so.

        What is decided on seeing minute j takes effect with minute j + delay + 1.
        """
        boot, count = self._boot, len(self._bursts)
        bursts = np.array(self._bursts)
        grow = np.array([choice.grow for choice in self._choices])
        keep = np.array([choice.keep for choice in self._choices])
        highest = max(bursts.max(), grow.max(), keep.max())
        layers = np.arange(int(min(self._most, np.ceil(highest) + 1)))
        missed = self._unserved_cost * np.clip(bursts[:, None] - layers, 0, 1)
        missed_from = np.zeros((count + 1, len(layers)))
        missed_from[:-1] = np.cumsum(missed[::-1], axis=0)[::-1]
        last = count - self._delay
        on = np.zeros((last + boot + 2, len(layers)))
        off = np.zeros_like(on)
        starting, keeping = np.zeros((last, len(layers))), np.zeros((last, len(layers)))
        starts, keeps = grow[:, None] > layers, keep[:, None] > layers
        for minute in range(last - 2, -1, -1):
            effect = minute + self._delay + 1
            kept = 1 + on[minute + 1]
            dropped = missed[effect] + off[minute + 1]
            serves = minute + 1 + boot
            started = self._launch_cost + 1 + missed_from[effect]
            if serves < last:
                started = started - missed_from[effect + boot] + on[serves]
            starting[minute], keeping[minute] = started - dropped, kept - dropped
            on[minute] = np.where(keeps[minute], kept, dropped)
            off[minute] = np.where(starts[minute], started, dropped)
        return starting, keeping

    def _look_up(
        self, minute: int, starting: Floats, keeping: Floats, sums: tuple[_Sums, _Sums]
    ) -> None:
        """Put the gains of one decision where the tables have them, and play it."""
        choice, count = self._choices[minute], len(starting)
        self._ready += self._booting.pop(minute, 0)
        running = self._ready + sum(self._booting.values())
        ages = np.full(count, OLDEST)
        below = 0
        for upper, age in choice.ages:
            if upper > below:
                ages[below : min(upper, count)] = age
                below = upper
        thresholds: Floats = np.arange(count, dtype=np.float64) + 0.5
        for levels, gained, layers, some in (
            (choice.grow_levels, starting, slice(running, count), sums[0]),
            (choice.keep_levels, keeping, slice(0, min(self._ready, count)), sums[1]),
        ):
            if layers.start < layers.stop:
                where = positions(np.asarray(levels, np.float64), thresholds[layers])
                some.add(where, ages[layers], gained[layers])
        if choice.grow > running:
            serves = minute + 1 + self._boot
            self._booting[serves] = self._booting.get(serves, 0) + choice.grow - running
        elif self._ready > choice.keep:
            self._ready = choice.keep


def positions(levels: Floats, thresholds: Floats) -> Floats:
    """Return where thresholds lie among rising levels, as `layers.best` sees it."""
    count, middle = len(levels), levels[len(levels) // 2]
    at = np.clip(np.searchsorted(levels, thresholds, side="right") - 1, 0, count - 2)
    gap = levels[at + 1] - levels[at]
    least = SLIVER / 1000
    inside = 1 + at + np.where(gap > least, (thresholds - levels[at]) / np.maximum(gap, least), 0.5)
    below = np.maximum(0, 1 - (levels[0] - thresholds) / (middle - levels[0] + SLIVER))
    above = count + np.minimum(1, (thresholds - levels[-1]) / (levels[-1] - middle + SLIVER))
    found: Floats = np.where(
        thresholds < levels[0], below, np.where(thresholds >= levels[-1], above, inside)
    )
    return found
