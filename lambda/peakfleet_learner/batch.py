"""The forecast of a tick, for many minutes at once: the same numbers, as arrays.

`peakfleet_planner.forecast.Horizon` goes from minute to minute, as a tick must. Whoever has the
minutes already, the learner and a replay, has all of them here at the price of a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from peakfleet_learner.demand_history import History
from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import (
    CLIP,
    DAY,
    DAY_MINUTES,
    ECHOES,
    HOUR,
    LAGS,
    LEAST_LOSS,
    LOG_BOUND,
    MEAN_DAYS,
    MOST_LOSS,
    PHASES,
    QUARTER,
    SEASONS,
    TEN,
    TWO_DAYS,
    TWO_HOURS,
    HorizonModel,
    HorizonState,
)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all forecasts of the same minutes share, one row a minute."""

    start: int
    end: int
    level: Floats
    mean: Floats
    short_differences: Floats
    roots: Floats
    root_lags: Floats
    daytime: Floats

    @classmethod
    def of(cls, history: History, start: int, end: int, *, newest: Floats | None = None) -> Shared:
        """Return it for the minutes from *start* to before *end*, counted from the first.

        Args:
            history: Demand in layers.
            start: The first of the minutes.
            end: The one after the last.
            newest: What each is taken for while it is the newest. Default: what it is.
        """
        values = history.values
        at = np.arange(start, end)
        level = values[start:end] if newest is None else newest
        more = level - values[start:end]
        means = [
            history.mean(width, at + 1) + more / np.minimum(width, at + 1)
            for width in (5, 15, 60, 240)
        ]
        lagged = [values[np.where(at >= lag, at - lag, 0)] for lag in LAGS]
        highest = [
            np.maximum(level, history.peak(start + 1 - width, end - start, width))
            for width in (15, 60)
        ]
        sampled = np.maximum(0.0, level)
        for back in range(3, 15, 3):
            sampled = np.maximum(sampled, np.where(at >= back, values[np.maximum(0, at - back)], 0))
        moves = []
        for mean, width in zip(means, (5, 15), strict=False):
            before = history.mean(width, at + 1 - width)
            moved = mean - np.where(np.isnan(before), mean, before)
            moves.append(np.sign(moved) * np.sqrt(np.abs(moved)))
        days = np.concatenate([history.means[start - 1 : start], history.means[start : end - 1]])
        before = days if start else np.concatenate([[0.0], days])
        angle = (at + history.first) % DAY_MINUTES * (2 * np.pi / DAY_MINUTES)
        return cls(
            start=start,
            end=end,
            level=level,
            mean=before + (level - before) / np.minimum(at + 1, MEAN_DAYS * DAY_MINUTES),
            short_differences=np.column_stack(
                [one - level for one in (*means, *highest, *lagged)],
            ),
            roots=np.column_stack(
                [np.sqrt(level), *(np.sqrt(mean) for mean in means[:3]), np.sqrt(sampled), *moves]
            ),
            root_lags=np.sqrt(np.column_stack(lagged)),
            daytime=np.column_stack(
                [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
            ),
        )

    def features(self, history: History, first: int, last: int) -> tuple[Floats, Floats]:
        """Return differences and roots, as `Present.features`."""
        at, level = np.arange(self.start, self.end), self.level
        hour_root = self.roots[:, 3]
        width = max(5, last - first + 1)
        differences, seasons, echoes = [self.short_differences], [], []
        for lag in SEASONS:
            future = history.mean(width, at - lag + last + 1)
            before = history.mean(15, at - lag + 1)
            differences += [_known(future - before, 0.0), _known(future - level, 0.0)]
            seasons += [_known(np.sqrt(one), hour_root) for one in (future, before)]
        for lag in ECHOES:
            peak = history.peak(self.start - lag + first, len(at), last - first + 1)
            known = at >= lag
            differences.append(np.where(known, peak - level, 0.0))
            echoes.append(np.where(known, np.sqrt(peak), hour_root))
        return (
            np.column_stack(differences),
            np.column_stack([self.roots, self.root_lags, *seasons, *echoes]),
        )


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts of some minutes, one row a minute, and the outcomes that came true in them.

    Args:
        differences: What the first regression saw.
        roots: What the second saw.
        scale: By how much demand lately moved.
        experts: What each expert said.
        expected: What they said together.
        spread_inputs: What the spread follows.
        spread: How wide it may miss.
        levels: Demand at the quantile of the model.
        outcomes: The peaks that came true, oldest first; fewer at the very beginning.
    """

    differences: Floats
    roots: Floats
    scale: Floats
    experts: Floats
    expected: Floats
    spread_inputs: Floats
    spread: Floats
    levels: Floats
    outcomes: Floats


class BatchHorizon:
    """The running forecast of one peak, many minutes at a time; see `Horizon`.

    Args:
        model: What was learned.
    """

    def __init__(self, model: HorizonModel) -> None:
        self.model = model
        self._losses_long = list(model.state.losses_long)
        self._losses_short = list(model.state.losses_short)
        self._misses = list(model.state.misses)
        self._moves = list(model.state.moves)
        self._pending = np.array(model.state.pending, np.float64).reshape(-1, 5)

    @property
    def state(self) -> HorizonState:
        """What a `Horizon` can go on from."""
        return HorizonState(
            losses_long=tuple(self._losses_long),
            losses_short=tuple(self._losses_short),
            misses=tuple(self._misses),
            moves=tuple(self._moves),
            pending=tuple(map(tuple, self._pending.tolist())),
        )

    def see(self, history: History, shared: Shared, *, newest: Shared | None = None) -> Forecasts:
        """Forecast from each of the minutes of *shared*.

        Args:
            history: Demand in layers.
            shared: The minutes, as they are.
            newest: As each is taken while it is the newest, which is what levels follow. It is no
                higher than the minute before, so that no outcome depends on it. Default: as they
                are.
        """
        model = self.model
        count, last = len(shared.level), model.last_minute
        newest_scale = self._scale(history, newest, list(self._moves)) if newest else None
        scale = self._scale(history, shared, self._moves)
        differences, roots, experts = self._experts(history, shared, scale)
        width = last - model.first_minute + 1
        settled = np.concatenate([self._pending[:, :4], np.column_stack([scale, experts])])
        come = max(0, len(settled) - last)
        outcomes = history.peak(shared.end - come - width + 1, come, width)
        trust = self._trust(settled[:come], outcomes, count)
        expected = (trust * experts).sum(axis=1) / trust.sum(axis=1)
        all_expected = np.concatenate([self._pending[:, 4], expected])
        squares = (outcomes - all_expected[:come]) ** 2
        misses = [
            _followed(self._misses, index, squares, share, count)
            for index, share in enumerate((HOUR, QUARTER, DAY))
        ]
        inputs, spread = self._spread(shared, scale, misses, expected)
        self._pending = np.column_stack([settled, all_expected])[come:]
        level, wide = expected, spread
        if newest and newest_scale is not None:
            _, _, told = self._experts(history, newest, newest_scale)
            level = (trust * told).sum(axis=1) / trust.sum(axis=1)
            _, wide = self._spread(newest, newest_scale, misses, level)
        levels = np.maximum(0.0, level + wide * self._residuals(history, shared))
        return Forecasts(
            differences, roots, scale, experts, expected, inputs, spread, levels, outcomes
        )

    def _experts(
        self, history: History, shared: Shared, scale: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return differences, roots, and what each expert says."""
        model = self.model
        differences, roots = shared.features(history, model.first_minute, model.last_minute)
        phases = np.arange(shared.start + history.first, shared.end + history.first) % PHASES
        experts = np.column_stack(
            [
                self._from_differences(shared, differences, scale, phases),
                self._from_roots(shared, roots, phases),
                shared.level,
            ]
        )
        return differences, roots, experts

    def _spread(
        self, shared: Shared, scale: Floats, misses: Sequence[Floats], expected: Floats
    ) -> tuple[Floats, Floats]:
        """Return what the spread follows, and the spread."""
        sliver = 1e-3 * shared.mean + 1e-12
        inputs = np.log(
            np.column_stack(
                [
                    scale,
                    *(np.sqrt(one) + sliver for one in misses),
                    np.maximum(expected, 0.02 * shared.mean) + 10 * sliver,
                ]
            )
        )
        if not (weights := self.model.spread_weights):
            return inputs, scale
        logs = (inputs * weights[:-1]).sum(axis=1) + weights[-1]
        return inputs, np.exp(np.clip(logs, -LOG_BOUND, LOG_BOUND))

    def _residuals(self, history: History, shared: Shared) -> Floats:
        known = np.array(self.model.residuals or (self.model.unfitted,))
        at = np.arange(shared.start, shared.end) + history.first
        found: Floats = known[at % len(known)]
        return found

    def _scale(self, history: History, shared: Shared, moves: list[float]) -> Floats:
        values, last, level = history.values, self.model.last_minute, shared.level
        at, mean = np.arange(shared.start, shared.end), shared.mean
        moved, newest = (
            np.where(at >= last, (one - values[np.maximum(0, at - last)]) ** 2, 0.0)
            for one in (values[shared.start : shared.end], level)
        )
        hour, ten, day = (
            _followed(moves, index, moved, share, len(at), newest=newest)
            for index, share in enumerate((HOUR, TEN, DAY))
        )
        squares = 0.5 * hour + 0.3 * ten + 0.2 * day + 1e-6 * mean**2 + 1e-4 * level**2
        scale: Floats = np.sqrt(squares + 1e-18)
        return scale

    def _from_differences(
        self, shared: Shared, differences: Floats, scale: Floats, phases: NDArray[np.int64]
    ) -> Floats:
        if not self.model.difference_weights:
            return shared.level
        clipped = np.clip(differences / scale[:, None], -CLIP, CLIP)
        inputs = np.column_stack([clipped, shared.daytime])
        found: Floats = shared.level + scale * _dot(self.model.difference_weights, phases, inputs)
        return found

    def _from_roots(self, shared: Shared, roots: Floats, phases: NDArray[np.int64]) -> Floats:
        if not self.model.root_weights:
            return shared.level
        inputs = np.column_stack([roots, shared.daytime])
        found: Floats = np.maximum(0.0, _dot(self.model.root_weights, phases, inputs)) ** 2
        return found

    def _trust(self, settled: Floats, outcomes: Floats, count: int) -> Floats:
        """Return the weight of each expert in each minute."""
        missed = (outcomes[:, None] - settled[:, 1:]) / settled[:, :1]
        losses = np.minimum(missed**2, MOST_LOSS)
        columns = []
        for index in range(losses.shape[1]):
            long = _followed(self._losses_long, index, losses[:, index], TWO_DAYS, count)
            short = _followed(self._losses_short, index, losses[:, index], TWO_HOURS, count)
            columns.append((long + LEAST_LOSS) ** -2 * (short + LEAST_LOSS) ** -4)
        return np.column_stack(columns)


def _followed(
    means: list[float],
    index: int,
    values: Floats,
    share: float,
    count: int,
    *,
    newest: Floats | None = None,
) -> Floats:
    """Return a running mean after each of the newest *count* values, and keep the last.

    Each counts as *newest* says while it is the newest, if that is given for all.
    """
    before = means[index]
    found = [
        *accumulate(values.tolist(), lambda mean, one: mean + (one - mean) * share, initial=before)
    ]
    rows = [before] * (count - len(values)) + found[1:]
    means[index] = rows[-1]
    if newest is None:
        return np.array(rows)
    prior = np.array(found[:-1])
    moved: Floats = prior + (newest - prior) * share
    return moved


def _dot(weights: Sequence[Sequence[float]], phases: NDArray[np.int64], inputs: Floats) -> Floats:
    """Return the weighted sum of each row by the weights of its phase; the last stands alone."""
    rows = np.array(weights)[phases]
    found: Floats = np.einsum("ij,ij->i", rows[:, :-1], inputs) + rows[:, -1]
    return found


def _known(values: Floats, otherwise: Floats | float) -> Floats:
    return np.where(np.isnan(values), otherwise, values)
