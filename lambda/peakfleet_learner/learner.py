"""The learner: demand in, a graded model of it out. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from peakfleet_learner._digits import rounded
from peakfleet_learner.advantages import Advantages, Choice
from peakfleet_learner.grading import (
    NOTHING,
    Graded,
    Misses,
    ReactiveRule,
    Trial,
    Trust,
)
from peakfleet_learner.running import AFTER_LEAD_MINUTES, Running, frozen, season
from peakfleet_learner.service import SteeredAdvantages, Steering
from peakfleet_learner.warm import ReuseTrial, WarmLearner
from peakfleet_planner import FleetSpec, SpecError
from peakfleet_planner.forecast import (
    DAY_MINUTES,
    HOUR_MINUTES,
    MINUTE_SECONDS,
    RECENT_MINUTES,
    SEASONS,
    DemandModel,
    Grade,
    Horizon,
    HorizonModel,
    Points,
    Tables,
    WarmModel,
    ages,
    aims,
    basis_of,
    by_minute,
)

SETTLING_MINUTES: Final = 3
"""The newest minutes may still change; they are left to the tick."""
MOST_DELAY_MINUTES: Final = 7
"""Demand that is seen later than this is silent to a tick anyway."""
GRADED_MINUTES: Final = DAY_MINUTES
"""A model is not trusted before it was graded for this long."""
_TABLES_EVERY: Final = 360
_TABLES_AFTER: Final = 2 * DAY_MINUTES
"""Decisions on unfitted forecasts are no experience to learn tables from alone."""


class Learner:
    """Learns from demand as it comes in.

    Every minute is forecast and decided on before it is learned from, so the grade is out of
    sample. Regressions are fitted daily, quantiles and tables four times a day.

    Args:
        spec: The fleet; it must have a `basis_of`.
        metric_delay_minutes: How late a tick sees demand, at most `MOST_DELAY_MINUTES`.
            Default: 1.
        horizon: What forecasts; a benchmark may hand over a better one. Default: what a tick
            forecasts with.

    Raises:
        ValueError: Demand of this fleet cannot be foreseen, or is seen too late.
    """

    def __init__(
        self,
        spec: FleetSpec,
        *,
        metric_delay_minutes: int = 1,
        horizon: Callable[[HorizonModel], Horizon] = Horizon,
    ) -> None:
        basis = basis_of(spec)
        if basis is None:
            raise ValueError(f"fleet '{spec.fleet}': only one live signal by the minute is learned")
        if not 0 <= metric_delay_minutes <= MOST_DELAY_MINUTES:
            raise ValueError(
                f"fleet '{spec.fleet}': metric_delay_minutes must be between 0 and "
                f"{MOST_DELAY_MINUTES}, got {metric_delay_minutes}"
            )
        self._spec, self._basis, self._delay = spec, basis, metric_delay_minutes
        self._baseline = spec.baseline.carried_units / basis.layer_units
        asked = spec.service_level.miss_at_most
        self._steering = Steering(asked=asked, first_cost=basis.unserved_cost) if asked else None
        self._advantages = (
            SteeredAdvantages(
                basis, metric_delay_minutes=metric_delay_minutes, cost=basis.unserved_cost
            )
            if asked
            else Advantages(
                boot_minutes=basis.boot_minutes,
                launch_cost=basis.boot_minutes,
                metric_delay_minutes=metric_delay_minutes,
                unserved_cost=basis.unserved_cost,
                most_layers=basis.most_layers,
            )
        )
        self._reactive_rule = ReactiveRule(spec, basis, metric_delay_minutes=metric_delay_minutes)
        self._foresight, self._reactive = self._trial(), self._trial()
        self._trust = Trust(graded_after=GRADED_MINUTES)
        self._misses = Misses(
            lead_minutes=metric_delay_minutes + basis.boot_minutes + AFTER_LEAD_MINUTES
        )
        self._warm = (
            WarmLearner(basis, basis.warm, metric_delay_minutes=metric_delay_minutes)
            if basis.warm
            else None
        )
        self._horizon = horizon
        self._running: Running | None = None
        self.aims = NOTHING
        """How many layers should run by the model, on seeing the newest minute."""

    def advance(self, points: Points) -> None:
        """Take in demand in units, oldest first; minutes that were taken in are skipped.

        The newest minutes wait until the next call. A minute without a sample counts as in
        `by_minute`.
        """
        if self._running is None:
            if not points:
                return
            first = points[0][0] // MINUTE_SECONDS
            self._running = Running(self._basis, first, self._delay, self._horizon)
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

    def _frozen(self, running: Running) -> DemandModel:
        minutes = running.minutes
        tables = self._tables
        return DemandModel(
            basis=self._basis,
            learned_at_epoch_seconds=minutes.end * MINUTE_SECONDS,
            trusted=self.trusted,
            mean=running.rolling.mean,
            highest=running.rolling.highest,
            minutes_seen=running.rolling.minutes_seen,
            recent=rounded(minutes.between(minutes.end - RECENT_MINUTES, minutes.end).values),
            seasons=tuple(season(minutes, lag) for lag in SEASONS),
            grow=frozen(running.grow),
            keep=frozen(running.keep),
            start_table=tuple(map(rounded, tables.start)),
            keep_table=tuple(map(rounded, tables.keep)),
            grade=Grade(
                minutes=self._trust.minutes,
                foresight_cost=self._foresight.cost,
                reactive_cost=self._reactive.cost,
                behind_cost=self._trust.behind_cost,
                miss_shares=self._misses.shares,
            ),
            warm=self._warm_model(running),
            service=self._steering.service() if self._steering else None,
        )

    def _warm_model(self, running: Running) -> WarmModel | None:
        if self._warm is None or running.warm_grow is None:
            return None
        return WarmModel(
            layers=self._warm.layers(running.rolling.highest - self._baseline),
            grow=frozen(running.warm_grow),
            start_table=tuple(map(rounded, self._warm.advantages.tables[0])),
        )

    @property
    def _tables(self) -> Tables:
        start, keep = self._advantages.tables
        if self._warm is None:
            return Tables(start, keep)
        warm_start, warm_keep = self._warm.advantages.tables
        return Tables(start, warm_keep if self._basis.reuses else keep, warm_start)

    def _trial(self) -> Graded:
        basis = self._basis
        if basis.warm and basis.reuses:
            return ReuseTrial(basis, basis.warm, metric_delay_minutes=self._delay)
        return Trial(
            boot_minutes=basis.boot_minutes,
            metric_delay_minutes=self._delay,
            unserved_cost=basis.unserved_cost,
        )

    @property
    def trusted(self) -> bool:
        """Whether foresight has proved itself on recent demand."""
        return self._trust.holds

    def _learn_if_due(self, running: Running) -> None:
        seen = len(running.minutes.values)
        if seen % HOUR_MINUTES == 0:
            self._steer()
        if not seen or seen % _TABLES_EVERY:
            return
        for horizon in running.horizons:
            if seen % DAY_MINUTES == 0:
                horizon.fit_experts()
            if seen % DAY_MINUTES == 0 or not horizon.horizon.model.spread_weights:
                horizon.fit_spread(running.rolling.mean)
            horizon.fit_quantiles()
        if seen >= _TABLES_AFTER:
            self._advantages.learn()
            if self._warm:
                self._warm.advantages.learn()
                self._warm.choose()

    def _steer(self) -> None:
        """Let everything decide at the worth of missed work that keeps the asked share."""
        if self._steering is None or not isinstance(self._advantages, SteeredAdvantages):
            return
        self._steering.settle()
        cost = self._steering.cost
        self._advantages.price(cost)
        self._reactive_rule.price(cost)
        self._foresight.unserved_cost = self._reactive.unserved_cost = cost

    def _see(self, running: Running, value: float) -> None:
        """Forecast, decide and grade one more minute."""
        outcomes = running.rolling.see(value)
        for horizon, outcome in zip(running.horizons, outcomes, strict=True):
            horizon.note(outcome)
        last_hour = running.rolling.last_hour(self._baseline)
        levels = running.rolling.levels(self._baseline)
        layer_ages = ages(last_hour)
        most = running.rolling.most_layers(self._baseline, self._basis.most_layers)
        found = aims(levels, layer_ages, self._tables, most, reuse=self._basis.reuses)
        self.aims, burst = found, last_hour[-1]
        keep = max(found.grow, found.keep)
        self._advantages.note(burst, Choice(found.grow, keep, levels[0], levels[1], layer_ages))
        if self._warm:
            keep = max(found.start, found.keep)
            choice = Choice(found.start, keep, levels[2], levels[1], layer_ages)
            self._warm.advantages.note(burst, choice)
            self._warm.grade(burst, running.rolling.highest - self._baseline, found)
        reactive = self._reactive_rule.aims(running.minutes.end - 1, value)
        came = None if outcomes[0] is None else outcomes[0] - self._baseline
        self._misses.see(came, levels[0] if running.grow.fitted else None)
        if running.grow.fitted:
            costs = self._foresight.step(burst, found), self._reactive.step(burst, reactive)
            self._trust.see(self._foresight, self._reactive, costs)
            if self._steering:
                followed = self._foresight if self.trusted else self._reactive
                self._steering.see(max(0.0, burst), followed.missed)


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
