"""A signal and its witness: what contradicts is doubted, what was never seen is tried in steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Memory,
    Metric,
    Plan,
    RateSignal,
    Reason,
    SecondSignalSpec,
    SignalMemory,
    Snapshot,
    SpecError,
    decide,
    remember_signals,
)
from tests.planner.fleets import fleet, series, sizes, snapshot

REQUESTS = Metric(namespace="AWS/ApplicationELB", metric_name="RequestCount")


def witnessed() -> FleetSpec:
    spec = fleet(baseline=FixedBaseline(units=0))
    (signal,) = spec.signals
    assert isinstance(signal, RateSignal)
    second = SecondSignalSpec(metric=REQUESTS, units_per_value=0.1)
    return replace(spec, signals=(replace(signal, second=second),))


SPEC = witnessed()


def seen(
    demand: list[float], requests: list[float] | None, has: int = 0, highest: float | None = None
) -> Snapshot:
    memory = Memory(signals={"streams": SignalMemory(highest_units=highest)})
    observed = snapshot(SPEC, demand, [has], memory=memory)
    second = {} if requests is None else {"second": series(requests)}
    return replace(observed, signals={"streams": {**observed.signals["streams"], **second}})


def said(plan: Plan) -> set[Reason]:
    return {plan.reason, *plan.limits}


def test_a_signal_that_drops_while_its_witness_does_not_lets_nothing_go() -> None:
    dropped = [300.0] * 10 + [10.0] * 60
    alone = decide(SPEC, seen(dropped, None, 30))
    contradicted = decide(SPEC, seen(dropped, [3000.0] * 60, 30))
    assert sizes(alone)[0] < 30
    assert sizes(contradicted) == [30]
    assert Reason.WITNESS_CONTRADICTS in said(contradicted)


def test_a_signal_that_rises_without_its_witness_grows_to_what_that_confirms() -> None:
    plan = decide(SPEC, seen([100.0] * 60 + [900.0] * 5, [1000.0] * 60, 10))
    assert sizes(plan) == [20]
    assert Reason.WITNESS_CONTRADICTS in said(plan)


@given(demand=st.floats(0, 900), factor=st.floats(0.6, 1.6))
def test_a_witness_that_agrees_changes_nothing(demand: float, factor: float) -> None:
    agreed = decide(SPEC, seen([demand] * 60, [10 * demand * factor] * 60, 20))
    alone = decide(SPEC, seen([demand] * 60, None, 20))
    assert agreed.pools == alone.pools
    assert Reason.WITNESS_CONTRADICTS not in said(agreed)


def test_a_silent_witness_says_nothing() -> None:
    observed = seen([900.0] * 60, [100.0] * 60)
    old = replace(
        observed,
        signals={
            "streams": {**observed.signals["streams"], "second": series([100.0], age_minutes=9)}
        },
    )
    assert decide(SPEC, old).pools == decide(SPEC, seen([900.0] * 60, None)).pools


def test_demand_beyond_all_that_was_ever_seen_is_followed_step_by_step() -> None:
    highest, granted = 100.0, []
    for _ in range(4):
        observed = seen([900.0] * 60, [9000.0] * 60, highest=highest)
        plan = decide(SPEC, observed)
        granted.append(plan.granted_units)
        assert (Reason.UNSEEN_JUMP in said(plan)) is (plan.granted_units < 900)
        kept = remember_signals(SPEC, observed, plan)["streams"].highest_units
        assert kept is not None
        highest = kept
    assert granted[:3] == [200, 400, 800]
    assert granted[3] >= 900


def test_the_first_demand_is_the_highest_that_was_seen() -> None:
    observed = seen([300.0] * 60, [3000.0] * 60)
    plan = decide(SPEC, observed)
    assert Reason.UNSEEN_JUMP not in said(plan)
    assert remember_signals(SPEC, observed, plan)["streams"].highest_units == pytest.approx(300)


def test_what_runs_is_not_let_go_because_a_witness_does_not_confirm_it() -> None:
    plan = decide(SPEC, seen([900.0] * 60, [1000.0] * 60, 60))
    assert sizes(plan) == [60]


@given(demand=st.floats(0, 900), highest=st.floats(1, 900), has=st.integers(0, 100))
def test_what_runs_is_not_let_go_because_a_jump_is_followed_step_by_step(
    demand: float, highest: float, has: int
) -> None:
    """Somebody may have sized the fleet for it ahead of time."""
    bounded = decide(SPEC, seen([demand] * 60, None, has, highest))
    free = decide(SPEC, seen([demand] * 60, None, has))
    assert sizes(bounded) >= min([has], sizes(free))
    assert sizes(bounded) <= sizes(free)


@given(baseline=st.floats(0, 500), confirmed=st.floats(0, 900))
def test_the_baseline_carries_its_part_of_what_a_witness_confirms(
    baseline: float, confirmed: float
) -> None:
    spec = replace(SPEC, baseline=FixedBaseline(units=baseline))
    plan = decide(spec, seen([5000.0] * 60, [10 * confirmed] * 60))
    assert plan.wanted_units == pytest.approx(max(0.0, 2 * confirmed - baseline))


def test_a_witness_that_would_always_contradict_is_refused() -> None:
    with pytest.raises(SpecError, match="at_most_factor must be above 1"):
        SecondSignalSpec(metric=REQUESTS, at_most_factor=1)
