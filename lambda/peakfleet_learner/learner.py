"""The learner: demand in, a graded model of it out. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from peakfleet_learner._digits import rounded
from peakfleet_learner.grading import (
    Misses,
    ReactiveRule,
    Trial,
    Trust,
)
from peakfleet_learner.peaks import find_steps, propose
from peakfleet_learner.queue_trial import QueueTrial
from peakfleet_learner.running import Running, Seen, frozen, season
from peakfleet_learner.service import Steering
from peakfleet_learner.warm import ReuseTrial, WarmLearner
from peakfleet_planner import FleetSpec, SpecError
from peakfleet_planner.forecast import (
    DAY_MINUTES,
    HOUR_MINUTES,
    MINUTE_SECONDS,
    MOST_DAYS,
    RECENT_MINUTES,
    SEASONS,
    Aims,
    DemandModel,
    Grade,
    Points,
    ProposedPeak,
    ProposedPeaks,
    RecordedDemand,
    WarmModel,
    basis_of,
    by_minute,
    learned_queues,
    trailing_means,
    why_reactive,
)

SETTLING_MINUTES: Final = 3
"""The newest minutes may still change; they are left to the tick."""
MOST_DELAY_MINUTES: Final = 7
"""Demand that is seen later than this is silent to a tick anyway."""
GRADED_MINUTES: Final = DAY_MINUTES
"""A model is not trusted before it was graded for this long."""
_LESSON_MINUTES: Final = 360
_NEARLY: Final = 0.8
"""A peak that is known to be so large, as share of what was found, needs no proposal."""


class Learner:
    """Learns from demand as it comes in.

    Every minute is forecast and decided on before it is learned from, so the grade is out of
    sample. Regressions are fitted daily, quantiles four times a day; where a share of the burst may
    be missed, what missed work is worth follows every hour, and the quantiles with it.

    Args:
        spec: The fleet; it must have a `basis_of`.
        metric_delay_minutes: How late a tick sees demand, at most `MOST_DELAY_MINUTES`.
            Default: 1.
        watch: What is told of the minutes, as they are forecast; a benchmark grades them.
            Default: nothing.

    Raises:
        ValueError: Demand of this fleet cannot be foreseen, or is seen too late.
    """

    def __init__(
        self,
        spec: FleetSpec,
        *,
        metric_delay_minutes: int = 1,
        watch: Callable[[Seen], None] | None = None,
    ) -> None:
        basis = basis_of(spec)
        if basis is None:
            why = why_reactive(spec) or "its work waits for longer than new capacity takes"
            raise ValueError(f"fleet '{spec.fleet}': its demand is not learned: {why}")
        if not 0 <= metric_delay_minutes <= MOST_DELAY_MINUTES:
            raise ValueError(
                f"fleet '{spec.fleet}': metric_delay_minutes must be between 0 and "
                f"{MOST_DELAY_MINUTES}, got {metric_delay_minutes}"
            )
        self._spec, self._basis, self._delay = spec, basis, metric_delay_minutes
        self._baseline = spec.baseline.carried_units / basis.layer_units
        asked = None if learned_queues(spec) else spec.service_level.miss_at_most
        self._steering = Steering(asked=asked, first_cost=basis.unserved_cost) if asked else None
        self._step_minutes = HOUR_MINUTES if asked else _LESSON_MINUTES
        self._reactive_rule = ReactiveRule(spec, basis, metric_delay_minutes=metric_delay_minutes)
        self._foresight, self._reactive = self._trial(), self._trial()
        lead_minutes = basis.boot_minutes + metric_delay_minutes
        self._trust = Trust(graded_after=GRADED_MINUTES, lead_minutes=lead_minutes)
        self._misses = (Misses(), Misses())
        self._warm = (
            WarmLearner(basis, basis.warm, metric_delay_minutes=metric_delay_minutes)
            if basis.warm
            else None
        )
        self._watch = watch
        self._running: Running | None = None
        self._followed: list[Aims] = []

    def advance(self, points: Points) -> None:
        """Take in demand in units, oldest first; minutes that were taken in are skipped.

        The newest minutes wait until the next call. A minute without a sample counts as in
        `by_minute`.
        """
        if self._running is None:
            if not points:
                return
            first = points[0][0] // MINUTE_SECONDS
            self._running = Running(self._basis, first, self._delay)
        running, history = self._running, self._running.history
        before = float(history.values[-1]) if history.count else 0.0
        new = by_minute(self._basis, points, after=history.end - 1, before_first=before)
        left = new[: max(0, len(new) - SETTLING_MINUTES)]
        while left:
            self._learn_if_due(running)
            room = self._step_minutes - history.count % self._step_minutes
            self._see(running, left[:room])
            left = left[room:]

    def model(self) -> DemandModel | None:
        """Return what was learned so far; None before anything was.

        Demand in numbers that no model holds gives None as well.
        """
        running = self._running
        if running is None or not running.history.count:
            return None
        try:
            return self._frozen(running)
        except SpecError:
            return None

    def peaks(self) -> ProposedPeaks | None:
        """Return what was found to come back, of live demand; None before a day was graded.

        Replayed is what the fleet would have followed, over the last two weeks at most. What the
        fleet knows already is not proposed.
        """
        running, followed = self._running, self._followed[-MOST_DAYS * DAY_MINUTES :]
        if running is None or len(followed) < DAY_MINUTES:
            return None
        history = running.history
        values = history.values[-MOST_DAYS * DAY_MINUTES :]
        cost, found = propose(
            find_steps(values, baseline=self._baseline),
            values,
            followed,
            fleet=self._live_trial,
            first_minute=history.end - len(values),
            baseline=self._baseline,
            boot_minutes=self._basis.boot_minutes,
            metric_delay_minutes=self._delay,
            layer_units=self._basis.layer_units,
        )
        return ProposedPeaks(
            learned_at_epoch_seconds=history.end * MINUTE_SECONDS,
            minutes=len(followed),
            cost_minutes=round(cost, 1),
            peaks=tuple(peak for peak in found if not self._is_known(peak)),
        )

    def _is_known(self, peak: ProposedPeak) -> bool:
        at = peak.next_epoch_seconds
        return any(
            known.expected_at(at, lead_seconds=0) and known.units >= _NEARLY * peak.units
            for known in self._spec.known_peaks
        )

    def _frozen(self, running: Running) -> DemandModel:
        history = running.history
        return DemandModel(
            basis=self._basis,
            learned_at_epoch_seconds=history.end * MINUTE_SECONDS,
            trusted=self.trusted,
            mean=float(history.means[-1]),
            highest=float(history.highest[-1]),
            minutes_seen=history.count,
            recent=rounded(history.values[-RECENT_MINUTES:].tolist()),
            seasons=tuple(season(history, lag) for lag in SEASONS),
            grow=frozen(running.grow),
            keep=frozen(running.keep),
            grade=Grade(
                minutes=self._trust.minutes,
                foresight_cost=self._foresight.cost,
                reactive_cost=self._reactive.cost,
                behind_cost=self._trust.behind_cost,
                miss_shares=tuple(share for one in self._misses for share in one.shares),
            ),
            warm=self._warm_model(running),
            service=self._steering.service() if self._steering else None,
        )

    def _warm_model(self, running: Running) -> WarmModel | None:
        if self._warm is None or running.warm_grow is None:
            return None
        return WarmModel(
            layers=self._warm.layers(float(running.history.highest[-1]) - self._baseline),
            grow=frozen(running.warm_grow),
        )

    def _trial(self) -> Trial | ReuseTrial | QueueTrial:
        basis = self._basis
        if learned_queues(self._spec):
            return QueueTrial(self._spec, basis, metric_delay_minutes=self._delay)
        return self._live_trial()

    def _live_trial(self) -> Trial | ReuseTrial:
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
        seen = running.history.count
        if seen % HOUR_MINUTES == 0 and self._steering and self._steering.settle():
            self._price(running, self._steering.cost)
        if not seen or seen % _LESSON_MINUTES:
            return
        for horizon in running.horizons:
            if seen % DAY_MINUTES == 0:
                horizon.fit_experts()
            if seen % DAY_MINUTES == 0 or not horizon.horizon.model.spread_weights:
                horizon.fit_spread(float(running.history.means[-1]))
            horizon.fit_residuals()
        if self._warm:
            self._warm.choose()

    def _price(self, running: Running, cost: float) -> None:
        """Let everything decide at this worth of missed work."""
        running.price(cost)
        self._reactive_rule.price(cost)
        self._foresight.unserved_cost = self._reactive.unserved_cost = cost
        if self._warm:
            self._warm.price(cost)

    def _see(self, running: Running, values: list[float]) -> None:
        """Forecast, decide and grade minutes between two lessons."""
        seen = running.see(values, self._baseline)
        if self._watch:
            self._watch(seen)
        fitted = running.grow.fitted
        for misses, made in zip(self._misses, (seen.grow, seen.keep), strict=True):
            misses.see(made.outcomes, made.levels, fitted=fitted)
        if self._warm:
            rows = zip(seen.bursts, seen.highest_bursts, seen.aims, strict=True)
            for burst, highest, found in rows:
                self._warm.grade(burst, highest, found)
        if not fitted:
            if self._steering:
                for burst in seen.bursts:
                    self._steering.expect(burst)
            return
        for burst, costs in zip(seen.bursts, self._costs(running, seen, values), strict=True):
            self._trust.see(self._foresight, self._reactive, costs, burst)
            if self._steering:
                followed = self._foresight if self.trusted else self._reactive
                self._steering.see(burst, followed.missed)

    def _costs(
        self, running: Running, seen: Seen, values: list[float]
    ) -> Iterator[tuple[float, float]]:
        """Yield what each minute costs with foresight, and by the reactive rule."""
        foresight, reactive = self._foresight, self._reactive
        if isinstance(foresight, QueueTrial) and isinstance(reactive, QueueTrial):
            levels = zip(seen.grow.levels.tolist(), seen.keep.levels.tolist(), strict=True)
            for value, foreseen in zip(values, levels, strict=True):
                yield foresight.step(value, foreseen), reactive.step(value, None)
        elif not isinstance(foresight, QueueTrial) and not isinstance(reactive, QueueTrial):
            end = running.history.count
            rules = self._reactive_rule.aims(running.history, end - len(values), end)
            for burst, found, rule in zip(seen.bursts, seen.aims, rules, strict=True):
                self._followed.append(found if self.trusted else rule)
                yield foresight.step(burst, found), reactive.step(burst, rule)


def taught(
    spec: FleetSpec,
    history: Points,
    *,
    metric_delay_minutes: int = 1,
    recorded: RecordedDemand | None = None,
    now_epoch_seconds: int | None = None,
) -> Learner | None:
    """Return a learner that knows *history*; None if the demand of the fleet is not learned.

    Args:
        spec: The fleet.
        history: Demand in units, oldest first, of up to two weeks.
        metric_delay_minutes: How late a tick sees demand. Default: 1.
        recorded: What was recorded before the history begins. Default: nothing.
        now_epoch_seconds: When the history ends, if it may be empty. Default: it is not.
    """
    if basis_of(spec) is None:
        return None
    learner = Learner(spec, metric_delay_minutes=metric_delay_minutes)
    begins = history[0][0] if history else now_epoch_seconds
    if recorded and begins is not None:
        history = (*learned_before(spec, recorded, begins // MINUTE_SECONDS), *history)
    learner.advance(history)
    return learner


def learn(spec: FleetSpec, history: Points, *, metric_delay_minutes: int = 1) -> DemandModel | None:
    """Return what *history* says of the fleet's demand, as `taught`; None if it says nothing."""
    learner = taught(spec, history, metric_delay_minutes=metric_delay_minutes)
    return learner.model() if learner else None


def learned_before(spec: FleetSpec, recorded: RecordedDemand, end_minute: int) -> Points:
    """Return what was recorded as it is learned: what arrived in queues is averaged.

    Args:
        spec: The fleet.
        recorded: The recording.
        end_minute: The first minute of which more is known, since 1970.
    """
    points = recorded.before(end_minute)
    minutes = min((one.averaged_minutes for one in learned_queues(spec)), default=1)
    means = trailing_means((value for _, value in points), minutes)
    return tuple((time, mean) for (time, _), mean in zip(points, means, strict=True))
