"""What waits is started late, when more is known; what is needed beyond it boots early."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_learner import learn
from peakfleet_planner import (
    DemandModel,
    Memory,
    MetricSeries,
    Plan,
    PoolReading,
    Snapshot,
    WarmSpec,
    decide,
)
from tests.learner.patterns import SPEC, bursts_every_hour, points

WARM = replace(
    SPEC, pools=(replace(SPEC.pools[0], warm=WarmSpec(max_capacity=40, start_seconds=60)),)
)


@cache
def model() -> DemandModel:
    learned = learn(WARM, points(bursts_every_hour(3)))
    assert learned is not None
    return learned


def plan(values: list[float], *, running: int = 0, waiting: int = 0) -> Plan:
    start = model().learned_at_epoch_seconds
    known = tuple(zip(range(start, start + 60 * len(values), 60), values, strict=True))
    pool = WARM.pools[0]
    reading = PoolReading(
        name=pool.name,
        desired_capacity=running,
        in_service_capacity=running,
        min_capacity=0,
        max_capacity=pool.max_capacity,
        warm_capacity=waiting,
    )
    return decide(
        WARM,
        Snapshot(
            now_epoch_seconds=start + 60 * (len(values) + 1),
            signals={"streams": {"m": MetricSeries(points=known)}},
            pools=(reading,),
            memory=Memory(model=model()),
        ),
    )


def quiet_until(minute_of_hour: int) -> list[float]:
    """Return demand at the baseline until that minute, an hour after the model was learned."""
    return [90.0] * (60 + minute_of_hour - model().learned_at_epoch_seconds // 60 % 60)


def capacity(found: Plan) -> int:
    return found.pools[0].desired_capacity


def test_what_boots_is_asked_for_before_what_waits_is_started() -> None:
    four_minutes_before = quiet_until(16)
    assert capacity(plan(four_minutes_before)) >= 25
    assert capacity(plan(four_minutes_before, waiting=40)) == 0
    two_minutes_before = quiet_until(18)
    assert capacity(plan(two_minutes_before, waiting=40)) >= 25


@settings(max_examples=20)
@given(beyond=st.integers(-20, 8))
def test_too_few_that_wait_are_started_with_what_boots(beyond: int) -> None:
    four_minutes_before = quiet_until(16)
    needed = capacity(plan(four_minutes_before))
    started = capacity(plan(four_minutes_before, waiting=needed + beyond))
    assert started == (needed if beyond < 0 else 0)


def test_the_plan_says_how_many_should_wait() -> None:
    found = plan(quiet_until(10))
    warm = model().warm
    assert warm is not None
    assert found.rule == "foresight"
    assert found.pools[0].warm_capacity == warm.layers


@settings(max_examples=40)
@given(
    history=st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=60),
    running=st.integers(min_value=0, max_value=100),
    waiting=st.integers(min_value=0, max_value=40),
)
def test_never_above_a_maximum_with_a_warm_pool(
    history: list[float], running: int, waiting: int
) -> None:
    found = plan(history, running=running, waiting=waiting)
    assert 0 <= capacity(found) <= 100
    assert 0 <= (found.pools[0].warm_capacity or 0) <= 40
