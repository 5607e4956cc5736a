"""Demand so far with all forecasts of it, and how they are put into a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from peakfleet_learner._digits import rounded
from peakfleet_learner.batch import BatchHorizon, Forecasts, Shared
from peakfleet_learner.demand_history import History
from peakfleet_learner.horizons import HorizonLearner
from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import (
    AHEAD_MINUTES,
    HOUR_MINUTES,
    SEEN_MINUTES,
    Aims,
    Basis,
    DemandModel,
    HorizonModel,
    aims,
    grow_quantile,
    keep_quantile,
    most_layers,
)

AFTER_LEAD_MINUTES: Final = 2
"""The peak that is grown for ends so many minutes after the boot."""
_SEASON_BEFORE: Final = 30
_SEASON_AFTER: Final = AHEAD_MINUTES + HOUR_MINUTES


@dataclass(frozen=True, slots=True)
class Seen:
    """Some minutes, as they were seen one after the other.

    Args:
        bursts: Demand above the baseline.
        highest_bursts: The highest so far.
        aims: What should run on seeing each.
        grow: The forecasts for it.
        keep: The forecasts for what to keep.
    """

    bursts: list[float]
    highest_bursts: list[float]
    aims: list[Aims]
    grow: Forecasts
    keep: Forecasts


class Running:
    """Demand so far, and all forecasts of it."""

    __slots__ = ("_basis", "grow", "history", "keep", "warm_grow")

    def __init__(self, basis: Basis, first_minute: int, delay: int) -> None:
        self._basis = basis
        self.history = History(first_minute)
        lead = delay + 1 + basis.boot_minutes
        cost = basis.unserved_cost
        back = lead
        self.warm_grow: HorizonLearner | None = None
        if basis.warm:
            start = delay + 1 + basis.warm.start_minutes
            back = start if basis.reuses else lead
            self.warm_grow = self._horizon(start, start + 1, grow_quantile(cost))
        last = delay + basis.boot_minutes + AFTER_LEAD_MINUTES
        self.grow = self._horizon(lead, last, grow_quantile(cost))
        self.keep = self._horizon(1, back + 1, keep_quantile(cost))

    def _horizon(self, first: int, last: int, quantile: float) -> HorizonLearner:
        model = HorizonModel(first_minute=first, last_minute=last, quantile=quantile)
        return HorizonLearner(BatchHorizon(model), first_minute=self.history.first)

    def price(self, cost: float) -> None:
        """Let forecasts say what is needed where missed work has this worth."""
        for horizon in self.horizons:
            kept = horizon is self.keep
            horizon.aim_at(keep_quantile(cost) if kept else grow_quantile(cost))

    @property
    def horizons(self) -> tuple[HorizonLearner, ...]:
        """What learns, in the order of `Rolling.horizons`."""
        return (self.grow, self.keep, *([self.warm_grow] if self.warm_grow else []))

    def see(self, values: list[float], baseline: float) -> Seen:
        """Forecast from each of the next minutes, all between two lessons.

        Args:
            values: Demand by the minute, in layers.
            baseline: What the on-premises side carries.
        """
        history, start = self.history, self.history.count
        history.extend(values)
        shared = Shared.of(history, start, history.count)
        made = [horizon.see(history, shared) for horizon in self.horizons]
        levels = np.column_stack([one.levels for one in made])
        bursts = np.maximum(0.0, history.values[start:] - baseline).tolist()
        return Seen(
            bursts=bursts,
            highest_bursts=(history.highest[start:] - baseline).tolist(),
            aims=_aims(self._basis, history, shared, levels, baseline, quantile=self.grow.quantile),
            grow=made[0],
            keep=made[1],
        )


def foreseen_aims(
    model: DemandModel, history: History, start: int, end: int, baseline: float
) -> list[Aims]:
    """Return what a tick with *model* says should run, on seeing each of several minutes.

    Each counts as `History.believed` says while it is the newest.

    Args:
        model: What was learned.
        history: Demand in layers, at least up to the last of the minutes.
        start: The first of them, counted from the first of the history; just after the model
            was learned.
        end: The one after the last.
        baseline: What the on-premises side carries, in layers.
    """
    shared = Shared.of(history, start, end)
    newest = Shared.of(history, start, end, newest=history.believed(start, end))
    horizons = (model.grow, model.keep, *([model.warm.grow] if model.warm else []))
    levels = [BatchHorizon(one).see(history, shared, newest=newest).levels for one in horizons]
    found = np.column_stack(levels)
    return _aims(model.basis, history, newest, found, baseline, quantile=model.grow.quantile)


def _aims(
    basis: Basis,
    history: History,
    shared: Shared,
    levels: Floats,
    baseline: float,
    *,
    quantile: float,
) -> list[Aims]:
    start = shared.start
    first = max(0, start + 1 - SEEN_MINUTES)
    bursts = (history.values[first : shared.end] - baseline).tolist()
    newest = (shared.level - baseline).tolist()
    highest = (history.highest[start : shared.end] - baseline).tolist()
    return [
        aims(
            row,
            [*bursts[max(0, at + 1 - SEEN_MINUTES - first) : at - first], now],
            quantile=quantile,
            most=most_layers(most, basis.most_layers),
            reuse=basis.reuses,
        )
        for at, row, now, most in zip(
            range(start, shared.end), (levels - baseline).tolist(), newest, highest, strict=True
        )
    ]


def frozen(horizon: HorizonLearner) -> HorizonModel:
    """Return the model with where its forecast stands."""
    model, state = horizon.horizon.model, horizon.horizon.state
    return replace(
        model,
        state=replace(
            state,
            losses_long=rounded(state.losses_long),
            losses_short=rounded(state.losses_short),
            misses=rounded(state.misses),
            moves=rounded(state.moves),
            pending=tuple(map(rounded, state.pending)),
        ),
    )


def season(history: History, lag: int) -> tuple[int, tuple[float, ...]]:
    """Return demand one lag before the minutes for which the model will be used."""
    base = history.count - lag
    start = min(max(0, base - _SEASON_BEFORE), history.count)
    part = history.values[start : max(start, base + _SEASON_AFTER)]
    return history.first + start, rounded(part.tolist())
