"""The forecast of one peak: experts, how far each is trusted, and how wide it may miss.

Three experts (a regression on differences, one on square roots, and "as it is now") are mixed
by what they missed lately and for days. The residuals of the mixture are scaled by a model of
how rough demand is, and a quantile of them, which may depend on the minute of the hour, turns the
mixture into a level.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from copy import copy
from math import exp, log, sqrt
from operator import mul
from typing import Final, NamedTuple

from peakfleet_planner.forecast.features import Present
from peakfleet_planner.forecast.minutes import DAY_MINUTES
from peakfleet_planner.forecast.model import PHASES, HorizonModel, HorizonState

CLIP: Final = 4.0
"""Differences count up to this many local scales."""
MOST_LOSS: Final = 16.0
LEAST_LOSS: Final = 0.02
LOG_BOUND: Final = 20.0


def _share(minutes: float) -> float:
    """Return the weight of the newest value in a mean over about so many minutes."""
    return 1 - exp(-1 / minutes)


TWO_DAYS, TWO_HOURS = _share(2 * DAY_MINUTES), _share(120)
DAY, HOUR = _share(DAY_MINUTES), _share(60)
QUARTER, TEN = _share(15), _share(10)


class Pending(NamedTuple):
    """A forecast whose outcome is not known yet, in instances."""

    scale: float
    experts: tuple[float, float, float]
    expected: float


class Made(NamedTuple):
    """The newest forecast, and how wide it may miss, in instances."""

    expected: float
    spread: float


class Horizon:
    """The running forecast of the peak between two minutes ahead.

    Args:
        model: What was learned, and the state to go on from.
    """

    __slots__ = ("_losses_long", "_losses_short", "_misses", "_moves", "made", "model", "pending")

    def __init__(self, model: HorizonModel) -> None:
        self.model = model
        state = model.state
        self._losses_long = list(state.losses_long)
        self._losses_short = list(state.losses_short)
        self._misses = list(state.misses)
        self._moves = list(state.moves)
        self.pending = deque(
            Pending(scale=row[0], experts=(row[1], row[2], row[3]), expected=row[4])
            for row in state.pending
        )
        self.made: Made | None = None

    def copy(self) -> Horizon:
        """Return the same forecast, to go on from here in another way."""
        twin = copy(self)
        for name in ("_losses_long", "_losses_short", "_misses", "_moves"):
            setattr(twin, name, getattr(self, name).copy())
        twin.pending = self.pending.copy()
        return twin

    @property
    def state(self) -> HorizonState:
        """What another `Horizon` can go on from."""
        return HorizonState(
            losses_long=tuple(self._losses_long),
            losses_short=tuple(self._losses_short),
            misses=tuple(self._misses),
            moves=tuple(self._moves),
            pending=tuple((one.scale, *one.experts, one.expected) for one in self.pending),
        )

    def see(self, now: Present, mean: float) -> None:
        """Forecast from one more minute.

        Args:
            now: The minute.
            mean: Mean demand of the last days.
        """
        self._settle(now)
        level = now.level
        scale = self._scale(now, mean)
        differences, roots = now.features(self.model.first_minute, self.model.last_minute)
        experts = (
            self._from_differences(now, differences, scale),
            self._from_roots(now, roots),
            level,
        )
        trust = [
            (long + LEAST_LOSS) ** -2 * (short + LEAST_LOSS) ** -4
            for long, short in zip(self._losses_long, self._losses_short, strict=True)
        ]
        weighted = zip(trust, experts, strict=True)
        expected = sum(weight * value for weight, value in weighted) / sum(trust)
        sliver = 1e-3 * mean + 1e-12
        hour, quarter, day = self._misses
        inputs = (
            log(scale),
            log(sqrt(hour) + sliver),
            log(sqrt(quarter) + sliver),
            log(sqrt(day) + sliver),
            log(max(expected, 0.02 * mean) + 10 * sliver),
        )
        spread = scale
        if self.model.spread_weights:
            spread = exp(_bounded(_dot(self.model.spread_weights, inputs), LOG_BOUND))
        self.pending.append(Pending(scale, experts, expected))
        self.made = Made(expected, spread)

    def level(self, minute: int) -> float:
        """Return demand in instances at the quantile of the model, as forecast at *minute*."""
        if (made := self.made) is None:
            return 0.0
        residuals = self.model.residuals
        residual = residuals[minute % len(residuals)] if residuals else self.model.unfitted
        return max(0.0, made.expected + made.spread * residual)

    def _settle(self, now: Present) -> None:
        """Compare the forecast that has come true with what came."""
        first, last = self.model.first_minute, self.model.last_minute
        if len(self.pending) < last:
            return
        made = self.pending.popleft()
        end = now.minute + 1
        outcome = now.past.recent.peak(end - 1 - last + first, end)
        if outcome is None:
            return
        for index, value in enumerate(made.experts):
            loss = min(((outcome - value) / made.scale) ** 2, MOST_LOSS)
            self._losses_long[index] += (loss - self._losses_long[index]) * TWO_DAYS
            self._losses_short[index] += (loss - self._losses_short[index]) * TWO_HOURS
        _follow(self._misses, (outcome - made.expected) ** 2, (HOUR, QUARTER, DAY))

    def _scale(self, now: Present, mean: float) -> float:
        """Return by how much demand lately moved within the horizon."""
        values, last = now.past.recent.values, self.model.last_minute
        moved = (now.level - values[-1 - last]) ** 2 if len(values) > last else 0.0
        _follow(self._moves, moved, (HOUR, TEN, DAY))
        hour, ten, day = self._moves
        squares = 0.5 * hour + 0.3 * ten + 0.2 * day + 1e-6 * mean**2 + 1e-4 * now.level**2
        return sqrt(squares + 1e-18)

    def _from_differences(self, now: Present, differences: list[float], scale: float) -> float:
        if not self.model.difference_weights:
            return now.level
        weights = self.model.difference_weights[now.minute % PHASES]
        scaled = [value / scale for value in differences]
        clipped = [
            CLIP if some > CLIP else -CLIP if some < -CLIP else some  # noqa: FURB136  hot: no call
            for some in scaled
        ]
        return now.level + scale * _dot(weights, (*clipped, *now.daytime))

    def _from_roots(self, now: Present, roots: list[float]) -> float:
        if not self.model.root_weights:
            return now.level
        weights = self.model.root_weights[now.minute % PHASES]
        return max(0.0, _dot(weights, (*roots, *now.daytime))) ** 2


def _dot(weights: Sequence[float], inputs: Sequence[float]) -> float:
    """Return the weighted sum; the last weight stands alone."""
    total: float = sum(map(mul, weights, inputs))
    return total + weights[-1]


def _bounded(value: float, bound: float) -> float:
    return bound if value > bound else max(value, -bound)


def _follow(means: list[float], value: float, shares: Sequence[float]) -> None:
    for index, share in enumerate(shares):
        means[index] += (value - means[index]) * share
