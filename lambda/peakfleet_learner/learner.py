"""The learner: demand in, a graded model of it out. No clock, no I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from peakfleet_learner._digits import rounded
from peakfleet_learner.advantages import Advantages, Choice
from peakfleet_learner.grading import ReactiveRule, Trial, declared_units
from peakfleet_learner.horizons import HorizonLearner
from peakfleet_planner import FleetSpec, SpecError
from peakfleet_planner.foresight.basis import Basis, basis_of
from peakfleet_planner.foresight.features import SEASONS, Past
from peakfleet_planner.foresight.layers import ages, targets
from peakfleet_planner.foresight.minutes import DAY, HOUR, MINUTE_SECONDS, Minutes
from peakfleet_planner.foresight.model import (
    AHEAD_MINUTES,
    RECENT_MINUTES,
    DemandModel,
    Grade,
    HorizonModel,
)
from peakfleet_planner.foresight.roll import Points, Rolling, by_minute

SETTLING_MINUTES: Final = 3
"""The newest minutes may still change; they are left to the tick."""
MOST_DELAY_MINUTES: Final = 7
"""Demand that is seen later than this is silent to a tick anyway."""
GRADED_MINUTES: Final = DAY
"""A model is not trusted before it was graded for this long."""
_TABLES_EVERY: Final = 360
_TABLES_AFTER: Final = 2 * DAY
"""Decisions on unfitted forecasts are no experience to learn tables from alone."""
_SEASON_BEFORE: Final = 30
_SEASON_AFTER: Final = AHEAD_MINUTES + HOUR


class Learner:
    """Learns from demand as it comes in.

    Every minute is forecast and decided on before it is learned from, so the grade is out of
    sample. Regressions are fitted daily, quantiles and tables four times a day.

    Args:
        spec: The fleet; it must have a `basis_of`.
        metric_delay_minutes: How late a tick sees demand, at most `MOST_DELAY_MINUTES`.
            Default: 1.

    Raises:
        ValueError: Demand of this fleet cannot be foreseen, or is seen too late.
    """

    def __init__(self, spec: FleetSpec, *, metric_delay_minutes: int = 1) -> None:
        basis = basis_of(spec)
        if basis is None:
            raise ValueError(f"fleet '{spec.fleet}': only one live signal by the minute is learned")
        if not 0 <= metric_delay_minutes <= MOST_DELAY_MINUTES:
            raise ValueError(
                f"fleet '{spec.fleet}': metric_delay_minutes must be between 0 and "
                f"{MOST_DELAY_MINUTES}, got {metric_delay_minutes}"
            )
        self._spec, self._basis, self._delay = spec, basis, metric_delay_minutes
        self._baseline = declared_units(spec) / basis.layer_units
        self._advantages = Advantages(
            boot_minutes=basis.boot_minutes,
            metric_delay_minutes=metric_delay_minutes,
            unserved_cost=basis.unserved_cost,
            most_layers=basis.most_layers,
        )
        self._reactive_rule = ReactiveRule(spec, basis, metric_delay_minutes=metric_delay_minutes)
        self._foresight, self._reactive = (
            Trial(
                boot_minutes=basis.boot_minutes,
                metric_delay_minutes=metric_delay_minutes,
                unserved_cost=basis.unserved_cost,
            )
            for _ in range(2)
        )
        self._graded_minutes = 0
        self._running: _Running | None = None

    def advance(self, points: Points) -> None:
        """Take in demand in units, oldest first; minutes that were taken in are skipped.

        The newest minutes wait until the next call. A minute without a sample counts as
        nothing where silence means zero, else as the one before.
        """
        if self._running is None:
            if not points:
                return
            first = points[0][0] // MINUTE_SECONDS
            self._running = _Running(self._basis, first, self._delay)
        end = self._running.minutes.end
        values = self._running.minutes.values
        new = by_minute(
            self._basis, points, after=end - 1, before_first=values[-1] if values else 0.0
        )
        for value in new[: max(0, len(new) - SETTLING_MINUTES)]:
            self._learn_if_due(self._running)
            self._see(self._running, value)

    def model(self) -> DemandModel | None:
        """Return what was learned so far; None before anything was.

        Demand in numbers that no model holds gives None as well.
        """
        running = self._running
        if running is None or not running.minutes.values:
            return None
        try:
            return self._frozen(running)
        except SpecError:
            return None

    def _frozen(self, running: _Running) -> DemandModel:
        minutes = running.minutes
        start, keep = self._advantages.tables
        return DemandModel(
            basis=self._basis,
            learned_at_epoch_seconds=minutes.end * MINUTE_SECONDS,
            trusted=self.trusted,
            mean=running.rolling.mean,
            highest=running.rolling.highest,
            minutes_seen=running.rolling.minutes_seen,
            recent=rounded(minutes.between(minutes.end - RECENT_MINUTES, minutes.end).values),
            seasons=tuple(_season(minutes, lag) for lag in SEASONS),
            grow=_frozen(running.grow),
            keep=_frozen(running.keep),
            start_table=tuple(map(rounded, start)),
            keep_table=tuple(map(rounded, keep)),
            grade=Grade(
                minutes=self._graded_minutes,
                foresight_cost=self._foresight.cost,
                reactive_cost=self._reactive.cost,
            ),
        )

    @property
    def trusted(self) -> bool:
        """Whether foresight has proved itself on recent demand."""
        return (
            self._graded_minutes >= GRADED_MINUTES and self._foresight.cost <= self._reactive.cost
        )

    def _learn_if_due(self, running: _Running) -> None:
        seen = len(running.minutes.values)
        if not seen or seen % _TABLES_EVERY:
            return
        for horizon in (running.grow, running.keep):
            if seen % DAY == 0:
                horizon.fit_experts()
            if seen % DAY == 0 or not horizon.horizon.model.spread_weights:
                horizon.fit_spread(running.rolling.mean)
            horizon.fit_quantiles()
        if seen >= _TABLES_AFTER:
            self._advantages.learn()

    def _see(self, running: _Running, value: float) -> None:
        """Forecast, decide and grade one more minute."""
        for horizon, outcome in zip(
            (running.grow, running.keep), running.rolling.see(value), strict=True
        ):
            horizon.note(outcome)
        last_hour = running.rolling.last_hour(self._baseline)
        grow_levels, keep_levels = running.rolling.levels(self._baseline)
        layer_ages = ages(last_hour)
        target = targets(
            grow_levels,
            keep_levels,
            layer_ages,
            self._advantages.tables,
            running.rolling.most_layers(self._baseline, self._basis.most_layers),
        )
        burst = last_hour[-1]
        self._advantages.note(burst, Choice(*target, grow_levels, keep_levels, layer_ages))
        reactive = self._reactive_rule.target(running.minutes.end - 1, value)
        if running.grow.fitted:
            self._graded_minutes += 1
            self._foresight.step(burst, target)
            self._reactive.step(burst, reactive)


class _Running:
    """Demand so far, and both forecasts of it."""

    __slots__ = ("grow", "keep", "minutes", "rolling")

    def __init__(self, basis: Basis, first_minute: int, delay: int) -> None:
        self.minutes = Minutes(first=first_minute)
        lead = delay + 1 + basis.boot_minutes
        self.rolling = Rolling(
            past=Past(recent=self.minutes, ago=dict.fromkeys(SEASONS, self.minutes)),
            grow=HorizonModel(first_minute=lead, last_minute=lead + 1),
            keep=HorizonModel(first_minute=1, last_minute=lead + 1),
        )
        self.grow = HorizonLearner(self.rolling.grow, first_minute=first_minute)
        self.keep = HorizonLearner(self.rolling.keep, first_minute=first_minute)


def learn(spec: FleetSpec, history: Points, *, metric_delay_minutes: int = 1) -> DemandModel | None:
    """Return what *history* says of the fleet's demand; None if it says nothing.

    Args:
        spec: The fleet.
        history: Demand in units, oldest first, of up to two weeks.
        metric_delay_minutes: How late a tick sees demand. Default: 1.
    """
    if basis_of(spec) is None:
        return None
    learner = Learner(spec, metric_delay_minutes=metric_delay_minutes)
    learner.advance(history)
    return learner.model()


def _frozen(horizon: HorizonLearner) -> HorizonModel:
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


def _season(minutes: Minutes, lag: int) -> tuple[int, tuple[float, ...]]:
    """Return demand one lag before the minutes for which the model will be used."""
    base = minutes.end - lag
    part = minutes.between(base - _SEASON_BEFORE, base + _SEASON_AFTER)
    return part.first, rounded(part.values)
