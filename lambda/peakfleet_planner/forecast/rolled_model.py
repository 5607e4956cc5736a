"""From the model, over the minutes seen since it was learned, to what should run."""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from dataclasses import dataclass, replace
from math import isfinite
from typing import Final

from peakfleet_planner.forecast.aims import SEEN_MINUTES, Aims, aims, most_layers
from peakfleet_planner.forecast.basis import MOST_AGE_SECONDS, Basis
from peakfleet_planner.forecast.features import Past, Present
from peakfleet_planner.forecast.horizon import Horizon
from peakfleet_planner.forecast.minutes import DAY_MINUTES
from peakfleet_planner.forecast.model import DemandModel, HorizonModel
from peakfleet_planner.spec import MINUTE_SECONDS

MEAN_DAYS: Final = 14
_LATEST_MINUTES: Final = 3
"""So many of the newest minutes may be read otherwise a minute later."""

Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSizes:
    """What should run, in units.

    Args:
        ahead_units: Demand expected by the time that new capacity serves.
        grow_units: Less than this must grow.
        keep_units: More than this may be let go.
        grow_level_units: Demand, by the time that new capacity serves, at the quantile.
        keep_level_units: The highest until what is let go now could be back, at the quantile.
        warm_grow_units: As `grow_units`, of what waits; None without a warm pool.
        warm_units: How much should wait; None without a warm pool, and where what is let go
            waits.
    """

    ahead_units: float
    grow_units: float
    keep_units: float
    grow_level_units: float
    keep_level_units: float
    warm_grow_units: float | None = None
    warm_units: float | None = None


class Rolling:
    """All forecasts, going from minute to minute.

    Args:
        past: What is known of demand; `recent` grows.
        mean: Mean demand of the last days.
        highest: Highest demand ever seen.
        minutes_seen: Over how many minutes.
        grow: The forecast for what to start.
        keep: The forecast for what to keep.
        warm_grow: The forecast for what to start of that which waits. Default: nothing does.
    """

    __slots__ = ("grow", "highest", "keep", "mean", "minutes_seen", "past", "warm_grow")

    def __init__(
        self,
        *,
        past: Past,
        grow: HorizonModel,
        keep: HorizonModel,
        warm_grow: HorizonModel | None = None,
        mean: float = 0.0,
        highest: float = 0.0,
        minutes_seen: int = 0,
    ) -> None:
        self.past, self.mean, self.highest = past, mean, highest
        self.minutes_seen = minutes_seen
        self.grow, self.keep = Horizon(grow), Horizon(keep)
        self.warm_grow = Horizon(warm_grow) if warm_grow else None

    @classmethod
    def of(cls, model: DemandModel) -> Rolling:
        """Return the state in which *model* was learned."""
        return cls(
            past=Past(recent=model.recent_minutes, ago=model.season_minutes),
            mean=model.mean,
            highest=model.highest,
            minutes_seen=model.minutes_seen,
            grow=model.grow,
            keep=model.keep,
            warm_grow=model.warm.grow if model.warm else None,
        )

    def copy(self) -> Rolling:
        """Return the same forecasts, to go on from here in another way."""
        twin = copy(self)
        twin.past = replace(self.past, recent=self.past.recent.copy())
        twin.grow, twin.keep = self.grow.copy(), self.keep.copy()
        twin.warm_grow = self.warm_grow.copy() if self.warm_grow else None
        return twin

    @property
    def horizons(self) -> tuple[Horizon, ...]:
        """The forecasts: for grow, for keep, and for what waits."""
        return (self.grow, self.keep, *([self.warm_grow] if self.warm_grow else []))

    def see(self, value: float) -> None:
        """Go on by one minute."""
        self.past.recent.append(value)
        self.highest = max(self.highest, value)
        self.minutes_seen += 1
        self.mean += (value - self.mean) / min(self.minutes_seen, MEAN_DAYS * DAY_MINUTES)
        now = Present(self.past)
        for horizon in self.horizons:
            horizon.see(now, self.mean)

    def levels(self) -> list[float]:
        """Return demand at the quantile of each forecast."""
        return [horizon.level(self.past.recent.end - 1) for horizon in self.horizons]

    def aims(self, basis: Basis, baseline: float) -> Aims | None:
        """Return how many layers should run above *baseline*; None if numbers cannot say."""
        recent = self.past.recent
        levels = [level - baseline for level in self.levels()]
        if not all(map(isfinite, levels)):
            return None
        return aims(
            levels,
            [value - baseline for value in recent.values[-SEEN_MINUTES:]],
            quantile=self.grow.model.quantile,
            most=most_layers(self.highest - baseline, basis.most_layers),
            reuse=basis.reuses,
        )


@dataclass(slots=True, kw_only=True)
class RolledModel:
    """A model with its forecasts over the minutes since it was learned; only `roll` makes one.

    Args:
        model: What was learned.
        values: Demand since then by the minute, in layers.
        rolling: The forecasts; None once `roll` has gone on from them.
        earlier: The forecasts before the last minutes, which may still change: over how many
            minutes each is, the longest last.
    """

    model: DemandModel
    values: list[float]
    rolling: Rolling | None
    earlier: tuple[tuple[int, Rolling], ...] = ()

    def over(self, model: DemandModel, values: list[float]) -> Rolling | None:
        """Return the forecasts if they are of just this model and these minutes."""
        return self.rolling if self.model is model and self.values == values else None


def roll(model: DemandModel, points: Points, *, onward: RolledModel | None = None) -> RolledModel:
    """Return *model* over the minutes that *points* tell of.

    Whoever decides every minute hands in what came out a minute before, and so rolls one minute
    only, and those again that have changed since. That is used up, and used only if it is of the
    very same model, and as far as it began with the same minutes, value by value: the result
    never depends on it.

    Args:
        model: What was learned.
        points: Every sample since then or longer, in units, oldest first.
        onward: What this function returned before. Default: it begins with the model.

    Raises:
        ArithmeticError, ValueError: A model, or demand, beyond what numbers can hold.
    """
    values = by_minute(
        model.basis, points, after=model.newest_minute, before_first=model.recent[-1]
    )
    known: list[tuple[int, Rolling]] = []
    if onward is not None and onward.model is model and onward.rolling is not None:
        known = [
            (count, rolling)
            for count, rolling in (*onward.earlier, (len(onward.values), onward.rolling))
            if values[:count] == onward.values[:count]
        ]
        onward.rolling, onward.earlier = None, ()
    seen, rolling = known.pop() if known else (0, Rolling.of(model))
    for count, value in enumerate(values[seen:], start=seen):
        if count >= len(values) - _LATEST_MINUTES:
            known.append((count, rolling.copy()))
        rolling.see(value)
    return RolledModel(
        model=model, values=values, rolling=rolling, earlier=tuple(known[-_LATEST_MINUTES:])
    )


def forecast_sizes(
    model: DemandModel,
    points: Points,
    *,
    baseline_units: float,
    now: int,
    rolled: RolledModel | None = None,
) -> ForecastSizes | None:
    """Return what *model* would run; None if it cannot say.

    Args:
        model: What was learned.
        points: Every sample of the last `read_seconds`, in units, oldest first.
        baseline_units: What the on-premises side carries.
        now: Epoch seconds of the decision.
        rolled: The model over these very points, see `roll`. Default: it is rolled here.
    """
    if not 0 <= now - model.learned_at_epoch_seconds <= MOST_AGE_SECONDS:
        return None
    values = by_minute(
        model.basis, points, after=model.newest_minute, before_first=model.recent[-1]
    )
    if not values:
        return None
    unit = model.basis.layer_units
    baseline = baseline_units / unit
    try:
        rolling = rolled.over(model, values) if rolled else None
        rolling = rolling or roll(model, points).rolling
        found = rolling.aims(model.basis, baseline) if rolling else None
    except (ArithmeticError, ValueError):  # a model, or demand, beyond what numbers can hold
        return None
    if found is None or rolling is None or rolling.grow.made is None:
        return None
    warm, levels = model.warm, rolling.levels()
    return ForecastSizes(
        ahead_units=max(0.0, rolling.grow.made.expected) * unit,
        grow_units=found.grow * unit,
        keep_units=found.keep * unit,
        grow_level_units=levels[0] * unit,
        keep_level_units=levels[1] * unit,
        warm_grow_units=found.start * unit if warm else None,
        warm_units=unit * warm.layers if warm and not model.basis.reuses else None,
    )


def by_minute(basis: Basis, points: Points, *, after: int, before_first: float) -> list[float]:
    """Return demand in layers, one value for each minute after minute *after*.

    A minute without a sample is as the one before; it is nothing where silence means zero and
    the one before was less than a layer: nobody knows what a gap in high demand hides.

    Args:
        basis: Of the fleet.
        points: Samples in units, oldest first.
        after: The minute before the first, since 1970.
        before_first: Its value, in layers.
    """
    values: list[float] = []
    value = before_first
    for time, units in points[bisect_left(points, ((after + 1) * MINUTE_SECONDS,)) :]:
        index = time // MINUTE_SECONDS - after - 1
        gap = 0.0 if basis.silent_is_zero and value <= 1.0 else value
        values.extend([gap] * (index - len(values)))
        value = units / basis.layer_units
        if index < len(values):  # two samples within one minute: the later stands
            values[index] = value
        else:
            values.append(value)
    return values
