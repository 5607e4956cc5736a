"""What is learned from demand, and when it is trusted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from peakfleet_learner import GRADED_MINUTES, SETTLING_MINUTES, Learner, learn
from peakfleet_planner import BacklogSignal
from tests.learner.patterns import (
    DAY,
    SPEC,
    START,
    bursts_every_hour,
    learned_model,
    points,
)
from tests.planner.fleets import JOBS
from tests.planner.fleets import scaled as scaled_fleet


def test_bursts_that_repeat_are_foreseen_at_less_than_half_of_the_reactive_cost() -> None:
    model = learned_model()
    assert model.trusted
    assert model.grade.minutes >= GRADED_MINUTES
    assert model.grade.foresight_cost < model.grade.reactive_cost / 2


def test_a_day_is_not_enough_to_be_trusted() -> None:
    model = learn(SPEC, points(bursts_every_hour(1.5)))
    assert model is not None
    assert not model.trusted


def test_steps_that_nothing_announces_are_left_to_the_reactive_rule() -> None:
    jumps = np.random.default_rng(3).uniform(0, 300, 18)
    model = learn(SPEC, points(np.repeat(jumps, DAY // 6).tolist()))
    assert model is not None
    assert model.grade.minutes >= GRADED_MINUTES
    assert not model.trusted


def test_trust_is_lost_when_demand_no_longer_repeats() -> None:
    small_bursts = [90 + 0.15 * (units - 90) for units in bursts_every_hour(2.1)]
    jumps = np.random.default_rng(4).uniform(0, 300, 6)
    learner = Learner(SPEC)
    learner.advance(points(small_bursts))
    before = learner.model()
    learner.advance(points([*small_bursts, *np.repeat(jumps, DAY // 2).tolist()]))
    after = learner.model()
    assert before is not None
    assert after is not None
    assert before.trusted
    assert not after.trusted


def test_trust_falls_within_hours_when_the_model_fails() -> None:
    """Three days at a fixed rhythm, then another one: steps that nothing announces."""
    proved = bursts_every_hour(3)
    steps = [690.0 if minute // 37 % 3 == 0 else 90.0 for minute in range(4 * 60)]
    learner = Learner(SPEC)
    learner.advance(points(proved))
    before = learner.model()
    learner.advance(points([*proved, *steps]))
    after = learner.model()
    assert before is not None
    assert after is not None
    assert before.trusted
    assert not after.trusted
    assert after.grade.foresight_cost < after.grade.reactive_cost
    assert after.grade.behind_cost > before.grade.behind_cost


def test_what_comes_later_changes_nothing_that_was_learned_before() -> None:
    values = bursts_every_hour(1.5)
    cut = DAY + 200
    learner = Learner(SPEC)
    learner.advance(points(values[:cut]))
    then = learner.model()
    learner.advance(points(values))
    assert then == learn(SPEC, points(values[:cut]))
    assert learner.model() == learn(SPEC, points(values))
    assert learner.model() != then


def test_learning_hour_by_hour_is_learning_at_once() -> None:
    values = bursts_every_hour(2.2)
    learner = Learner(SPEC)
    for first, end in pairwise([*range(0, len(values), 61), len(values)]):
        learner.advance(points(values)[max(0, first - 30) : end])
    assert learner.model() == learn(SPEC, points(values))


def test_the_newest_minutes_are_left_to_the_tick() -> None:
    values = bursts_every_hour(0.1)
    model = learn(SPEC, points(values))
    assert model is not None
    assert model.learned_at_epoch_seconds == START + 60 * (len(values) - SETTLING_MINUTES)


def test_units_are_only_a_name() -> None:
    values = bursts_every_hour(1.2)
    larger = scaled_fleet(SPEC, 4)
    model = learn(SPEC, points(values))
    scaled = learn(larger, points([4 * value for value in values]))
    assert model is not None
    assert scaled is not None
    assert (scaled.grow, scaled.keep) == (model.grow, model.keep)
    assert scaled.grade == model.grade


@pytest.mark.parametrize(
    "values",
    [
        [],
        [5.0],
        [5.0] * 10,
        [0.0] * (DAY + 500),
        [150.0] * (DAY + 500),
        [0.0, 1e9] * 800,
        [1e-9] * (DAY + 500),
        [1e14] * (DAY + 500),
    ],
)
def test_odd_demand_is_learned_from_without_failing(values: list[float]) -> None:
    model = learn(SPEC, points(values))
    assert model is None or not model.trusted


def test_gaps_are_filled_with_what_was_before_them() -> None:
    values = bursts_every_hour(1.2)
    kept = [point for index, point in enumerate(points(values)) if index % 300 < 290]
    filled = [values[index - max(0, index % 300 - 289)] for index in range(len(values))]
    assert learn(SPEC, tuple(kept)) == learn(SPEC, points(filled))


def test_a_backlog_is_not_learned() -> None:
    jobs = BacklogSignal(
        name="jobs", metrics={"waiting": JOBS}, seconds_per_item=90, drain_within_seconds=600
    )
    spec = replace(SPEC, signals=(jobs,))
    assert learn(spec, points([1.0] * 10)) is None
    with pytest.raises(ValueError, match="nobody knows what arrives"):
        Learner(spec)


def test_demand_that_is_seen_too_late_is_refused() -> None:
    with pytest.raises(ValueError, match="metric_delay_minutes must be between 0 and 7, got 8"):
        Learner(SPEC, metric_delay_minutes=8)


@pytest.mark.parametrize("delay", [0, 7])
@pytest.mark.parametrize("boot_minutes", [0, 50])
def test_the_shortest_and_the_longest_lead_are_learned(delay: int, boot_minutes: int) -> None:
    pools = tuple(replace(pool, boot_seconds=60.0 * boot_minutes) for pool in SPEC.pools)
    learned = learn(
        replace(SPEC, pools=pools), points(bursts_every_hour(1.3)), metric_delay_minutes=delay
    )
    assert learned is not None
    assert learned.grow.first_minute == delay + boot_minutes + 1
