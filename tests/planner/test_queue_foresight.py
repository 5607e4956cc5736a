"""Of a queue only what is to arrive is foreseen; its deadline decides what that needs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    DemandModel,
    Memory,
    MetricSeries,
    Plan,
    Snapshot,
    decide,
    roll_forecast,
)
from peakfleet_planner.forecast import basis_of, read_seconds
from peakfleet_sim.policies import backlog_spec
from tests.learner.test_queues import WORLD, learned
from tests.planner.fleets import seen, sizes, units

SPEC = backlog_spec(WORLD, seconds_per_item=30, deadline_seconds=120)
MODEL: DemandModel = replace(learned(2.1), trusted=True)
LEARNED_AT = MODEL.learned_at_epoch_seconds
UNTIL_RISE = 60 - LEARNED_AT // 60 % 60 + 20
"""Minutes from the lesson until units that arrive rise from 90 to 390, as in every hour."""


def observed(
    minutes: int, *, waiting: float = 0.0, model: DemandModel | None = MODEL, capacity: int = 0
) -> Snapshot:
    """Return a queue in which 90 units are busy, so many minutes after the lesson."""
    now = LEARNED_AT + 60 * (minutes + 1)
    times = range(LEARNED_AT - read_seconds(SPEC) + 600, now - 60, 60)
    counts = {
        WAITING: MetricSeries(points=tuple((time, waiting) for time in times)),
        IN_FLIGHT: MetricSeries(points=tuple((time, 90.0) for time in times)),
    }
    return Snapshot(
        now_epoch_seconds=now,
        signals={SPEC.signals[0].name: counts},
        pools=seen(SPEC, [capacity]),
        memory=Memory(model=model),
    )


def without_model(snapshot: Snapshot) -> Plan:
    return decide(SPEC, replace(snapshot, memory=Memory()))


def test_a_queue_grows_before_what_comes_back_arrives() -> None:
    snapshot = observed(UNTIL_RISE - 5)
    plan = decide(SPEC, snapshot)
    assert plan.rule == "foresight"
    assert units(plan) > 200
    assert sizes(without_model(snapshot)) == [0]


def test_long_before_it_comes_nothing_is_started_for_it() -> None:
    plan = decide(SPEC, observed(UNTIL_RISE - 20))
    assert plan.rule == "foresight"
    assert units(plan) <= 20


def test_nothing_is_foreseen_for_work_that_can_wait_for_new_capacity() -> None:
    """Counts that are seen at once leave time enough where counts a minute late would not."""
    quick = replace(SPEC, pools=(replace(SPEC.pools[0], boot_seconds=100),))
    assert basis_of(quick) is not None
    late = observed(UNTIL_RISE - 3)
    at_once = replace(late, now_epoch_seconds=late.now_epoch_seconds - 60)
    for snapshot, grows in ((late, True), (at_once, False)):
        plan = decide(quick, snapshot)
        assert (plan.rule, units(plan) > 200) == ("foresight", grows)


def test_a_queue_whose_counts_are_silent_is_met_by_the_reactive_rule() -> None:
    snapshot = observed(UNTIL_RISE - 5)
    old = {
        name: {key: MetricSeries(points=one.points[:-10]) for key, one in read.items()}
        for name, read in snapshot.signals.items()
    }
    assert decide(SPEC, replace(snapshot, signals=old)).rule == "reactive"


@settings(max_examples=15, deadline=None)
@given(minutes=st.integers(2, 90), waiting=st.floats(0, 2000), capacity=st.integers(0, 60))
def test_a_plan_is_the_same_however_its_forecast_was_rolled(
    minutes: int, waiting: float, capacity: int
) -> None:
    snapshot = observed(minutes, waiting=waiting, capacity=capacity)
    before = observed(minutes - 1, waiting=waiting, capacity=capacity)
    rolled = roll_forecast(SPEC, snapshot, onward=roll_forecast(SPEC, before))
    assert rolled is not None
    assert decide(SPEC, replace(snapshot, rolled=rolled)) == decide(SPEC, snapshot)


@settings(max_examples=15, deadline=None)
@given(minutes=st.integers(2, 90), waiting=st.floats(0, 2000), capacity=st.integers(0, 60))
def test_a_model_that_is_not_of_this_queue_changes_nothing(
    minutes: int, waiting: float, capacity: int
) -> None:
    other = backlog_spec(WORLD, seconds_per_item=30, deadline_seconds=180)
    basis = basis_of(other)
    assert basis is not None
    foreign = replace(MODEL, basis=basis)
    snapshot = observed(minutes, waiting=waiting, capacity=capacity, model=foreign)
    assert decide(SPEC, snapshot) == without_model(snapshot)
