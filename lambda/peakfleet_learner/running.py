"""Demand so far with all forecasts of it, and how they are put into a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from peakfleet_learner._digits import rounded
from peakfleet_learner.horizons import HorizonLearner
from peakfleet_planner.forecast import (
    AHEAD_MINUTES,
    HOUR_MINUTES,
    SEASONS,
    Basis,
    Horizon,
    HorizonModel,
    Minutes,
    Past,
    Rolling,
)

AFTER_LEAD_MINUTES: Final = 2
"""The peak that is grown for ends so many minutes after the boot."""
_SEASON_BEFORE: Final = 30
_SEASON_AFTER: Final = AHEAD_MINUTES + HOUR_MINUTES


class Running:
    """Demand so far, and all forecasts of it."""

    __slots__ = ("grow", "keep", "minutes", "rolling", "warm_grow")

    def __init__(
        self,
        basis: Basis,
        first_minute: int,
        delay: int,
        horizon: Callable[[HorizonModel], Horizon],
    ) -> None:
        self.minutes = Minutes(first=first_minute)
        lead = delay + 1 + basis.boot_minutes
        warm_grow, back = None, lead
        if basis.warm:
            start = delay + 1 + basis.warm.start_minutes
            warm_grow = HorizonModel(first_minute=start, last_minute=start + 1)
            back = start if basis.reuses else lead
        self.rolling = Rolling(
            past=Past(recent=self.minutes, ago=dict.fromkeys(SEASONS, self.minutes)),
            grow=HorizonModel(
                first_minute=lead, last_minute=delay + basis.boot_minutes + AFTER_LEAD_MINUTES
            ),
            keep=HorizonModel(first_minute=1, last_minute=back + 1),
            warm_grow=warm_grow,
            horizon=horizon,
        )
        self.grow = HorizonLearner(self.rolling.grow, first_minute=first_minute)
        self.keep = HorizonLearner(self.rolling.keep, first_minute=first_minute)
        self.warm_grow = (
            HorizonLearner(self.rolling.warm_grow, first_minute=first_minute)
            if self.rolling.warm_grow
            else None
        )

    @property
    def horizons(self) -> tuple[HorizonLearner, ...]:
        """What learns, in the order of `Rolling.horizons`."""
        return (self.grow, self.keep, *([self.warm_grow] if self.warm_grow else []))


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


def season(minutes: Minutes, lag: int) -> tuple[int, tuple[float, ...]]:
    """Return demand one lag before the minutes for which the model will be used."""
    base = minutes.end - lag
    part = minutes.between(base - _SEASON_BEFORE, base + _SEASON_AFTER)
    return part.first, rounded(part.values)
