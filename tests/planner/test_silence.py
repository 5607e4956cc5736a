"""Silence: zero only where something says so, remembered demand where nothing is read any more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BacklogSignal,
    Memory,
    Metric,
    MetricSeries,
    Reason,
    SignalMemory,
    SignalState,
    SilenceRule,
    WhenSilent,
    decide,
    remember_signals,
)
from peakfleet_planner.forecast import by_minute
from tests.learner.patterns import learned_model
from tests.planner.fleets import JOBS, fleet, series, sizes, snapshot

HOUR = [300.0] * 60
ZERO = fleet(when_silent=WhenSilent(rule=SilenceRule.ZERO))
HEALTHY_HOSTS = Metric(namespace="AWS/ApplicationELB", metric_name="HealthyHostCount")


@given(before=st.lists(st.floats(0, 9.9), min_size=6, max_size=40), age=st.integers(5, 100))
def test_silence_after_demand_near_zero_means_zero(before: list[float], age: int) -> None:
    plan = decide(ZERO, snapshot(ZERO, [*HOUR, *before], [20], age_minutes=age))
    assert plan.demand_units == 0
    assert plan.signals[0].state is SignalState.FRESH
    assert sizes(plan) == [0]


@given(before=st.lists(st.floats(150, 1e4), min_size=1, max_size=60), age=st.integers(5, 400))
def test_silence_straight_after_high_demand_is_doubt_and_holds(
    before: list[float], age: int
) -> None:
    plan = decide(ZERO, snapshot(ZERO, before, [20], age_minutes=age))
    assert plan.signals[0].state is SignalState.SILENT
    assert sizes(plan) >= [20]


@given(high=st.floats(350, 1e4), low=st.floats(0, 1), minutes=st.integers(1, 40))
def test_demand_that_vanishes_as_it_never_did_is_doubted_for_ten_minutes(
    high: float, low: float, minutes: int
) -> None:
    """What was served may be down, and everybody comes back at once."""
    spec, gone = fleet(), [low] * minutes
    plan = decide(spec, snapshot(spec, [*[high] * 60, *gone], [20]))
    assert (sizes(plan) >= [20]) is (minutes <= 9)
    if minutes > 3:
        assert (plan.signals[0].state is SignalState.IMPLAUSIBLE) is (minutes <= 9)
        assert plan.demand_units == low
    known = decide(spec, snapshot(spec, [low, *[high] * 60, *gone], [20]))
    assert known.signals[0].state is SignalState.FRESH


@given(high=st.floats(100, 1e4), said=st.floats(0, 10))
def test_a_witness_that_agrees_makes_vanished_demand_believed(high: float, said: float) -> None:
    rule = WhenSilent(rule=SilenceRule.ZERO, witness=HEALTHY_HOSTS, witness_at_most=5)
    spec = fleet(when_silent=rule)
    gone = snapshot(spec, [*[high] * 60, *[0.0] * 5], [20])
    witnessed = {**gone.signals["streams"], "witness": series([said])}
    plan = decide(spec, replace(gone, signals={"streams": witnessed}))
    assert (plan.signals[0].state is SignalState.FRESH) is (said <= 5)


@given(age=st.integers(10, 100), said=st.floats(0, 10), late=st.integers(0, 20))
def test_a_witness_that_is_fresh_and_agrees_makes_silence_zero(
    age: int, said: float, late: int
) -> None:
    rule = WhenSilent(rule=SilenceRule.ZERO, witness=HEALTHY_HOSTS, witness_at_most=5)
    spec = fleet(when_silent=rule)
    silent = snapshot(spec, HOUR, [20], age_minutes=age)
    witnessed = {**silent.signals["streams"], "witness": series([said], age_minutes=late)}
    plan = decide(spec, replace(silent, signals={"streams": witnessed}))
    agrees = said <= 5 and late <= 1 + rule.after_seconds // 60
    assert (plan.signals[0].state is SignalState.FRESH) is agrees
    assert sizes(plan) == ([0] if agrees else [20])


IDLE = replace(
    ZERO,
    signals=(
        BacklogSignal(
            name="jobs",
            metrics={"waiting": JOBS, "in_flight": JOBS},
            seconds_per_item=60,
            drain_within_seconds=600,
            when_silent=WhenSilent(rule=SilenceRule.ZERO),
        ),
    ),
)


@given(counts=st.lists(st.integers(0, 2), min_size=15, max_size=60), age=st.integers(5, 2000))
def test_only_an_empty_queue_falls_silent_because_nobody_touches_it(
    counts: list[int], age: int
) -> None:
    """SQS publishes counts for as long as anything is in a queue, and for six hours on."""
    said = {"waiting": series(counts, age_minutes=age), "in_flight": MetricSeries()}
    plan = decide(IDLE, replace(snapshot(IDLE, [], [2]), signals={"jobs": said}))
    was_empty = not any(counts[-3:])
    assert (plan.signals[0].state is SignalState.FRESH) is was_empty
    assert sizes(plan) == ([0] if was_empty else [2])


def test_a_queue_that_was_empty_is_so_when_no_count_is_left_in_the_window() -> None:
    for units, state in ((0.0, SignalState.FRESH), (1.0, SignalState.SILENT)):
        nothing = {"waiting": MetricSeries(), "in_flight": MetricSeries()}
        memory = Memory(signals={"jobs": SignalMemory(units=units)})
        seen = replace(snapshot(IDLE, [], [1]), signals={"jobs": nothing}, memory=memory)
        assert decide(IDLE, seen).signals[0].state is state


def test_what_was_never_published_is_zero_only_while_nothing_runs() -> None:
    assert decide(ZERO, snapshot(ZERO, [], [0])).signals[0].state is SignalState.FRESH
    running = decide(ZERO, snapshot(ZERO, [], [20]))
    assert sizes(running) == [20]
    assert running.signals[0].state is SignalState.SILENT


@given(
    last=st.floats(150, 1e4),
    rule=st.sampled_from(SilenceRule),
    read=st.sampled_from([MetricSeries(), MetricSeries(readable=False)]),
)
def test_demand_is_remembered_for_longer_than_metrics_are_read(
    last: float, rule: SilenceRule, read: MetricSeries
) -> None:
    spec = fleet(when_silent=WhenSilent(rule=rule))
    seen = snapshot(spec, [last] * 60, [10])
    memory = Memory(signals=remember_signals(spec, seen, decide(spec, seen)))
    later = replace(
        snapshot(spec, [], [10], memory=memory),
        signals={"streams": {"m": read}},
    )
    plan = decide(spec, later)
    assert plan.demand_units == last
    assert plan.signals[0].state is SignalState.SILENT
    assert plan.reason is not Reason.BLIND
    again = remember_signals(spec, later, plan)
    assert again["streams"].units == last
    lost = decide(spec, replace(later, pools=()))
    assert lost.demand_units == last


def test_zero_is_remembered_too() -> None:
    memory = Memory(signals={"streams": SignalMemory(units=0.0)})
    plan = decide(ZERO, snapshot(ZERO, [], [3], memory=memory))
    assert plan.signals[0].state is SignalState.FRESH
    assert sizes(plan) == [0]


@given(before=st.floats(0, 100), gap=st.integers(1, 60))
def test_a_gap_in_high_demand_is_not_learned_as_zero(before: float, gap: int) -> None:
    basis = replace(learned_model().basis, silent_is_zero=True, layer_units=10.0)
    points = ((60, before), (60 * (gap + 2), 50.0))
    (first, *missing, _) = by_minute(basis, points, after=0, before_first=0.0)
    expected = 0.0 if before <= 10 else first
    assert missing == [expected] * gap
