"""The laws of the design hold with a learned model as well."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import (
    DemandModel,
    FixedBaseline,
    FleetSpec,
    Hold,
    Memory,
    MetricSeries,
    PaceSpec,
    Plan,
    PoolSpec,
    Reason,
    SignalMemory,
    SignalState,
    SilenceRule,
    Snapshot,
    WhenSilent,
    decide,
    roll_forecast,
)
from peakfleet_planner.forecast import basis_of, read_seconds
from tests.learner.patterns import SPEC, learned_model
from tests.planner.fleets import scaled, seen, sizes, units

MODEL = learned_model()
LEARNED_AT = MODEL.learned_at_epoch_seconds

histories = st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=60)
capacities = st.integers(min_value=0, max_value=100)
few = settings(max_examples=40)


def observed(
    values: list[float],
    *,
    spec: FleetSpec = SPEC,
    model: DemandModel | None = MODEL,
    capacity: int = 0,
    age_minutes: int = 1,
) -> Snapshot:
    """Return what is seen when *values* came since the model was learned."""
    known = tuple(zip(range(LEARNED_AT, LEARNED_AT + 60 * len(values), 60), values, strict=True))
    return Snapshot(
        now_epoch_seconds=LEARNED_AT + 60 * (len(values) + age_minutes),
        signals={"streams": {"m": MetricSeries(points=known)}},
        pools=seen(spec, [capacity] * len(spec.pools)),
        memory=Memory(model=model),
    )


def reactive(plan: Plan, snapshot: Snapshot, spec: FleetSpec = SPEC) -> bool:
    """Return whether *plan* is the one without any model."""
    return plan == decide(spec, replace(snapshot, memory=Memory()))


def test_what_repeats_is_met_before_it_comes() -> None:
    quiet_until_four_minutes_before = [90.0] * (60 + 16 - LEARNED_AT // 60 % 60)
    snapshot = observed(quiet_until_four_minutes_before)
    plan = decide(SPEC, snapshot)
    assert plan.rule == "foresight"
    assert units(plan) >= 250
    assert "(foreseen" in plan.explain()
    assert sizes(decide(SPEC, replace(snapshot, memory=Memory()))) == [0]


def test_of_several_live_signals_the_largest_request_is_foreseen() -> None:
    calls = replace(SPEC.signals[0], name="calls")
    spec = replace(SPEC, signals=(*SPEC.signals, calls))
    basis = basis_of(spec)
    assert basis is not None
    alone = observed([90.0] * (60 + 16 - LEARNED_AT // 60 % 60))
    known = alone.signals["streams"]["m"]
    smaller = MetricSeries(points=tuple((time, value / 3) for time, value in known.points))
    both = replace(
        alone,
        signals={"calls": {"m": known}, "streams": {"m": smaller}},
        memory=Memory(model=replace(MODEL, basis=basis)),
    )
    plan = decide(spec, both)
    assert plan.rule == "foresight"
    assert sizes(plan) == sizes(decide(SPEC, alone))
    silent = replace(both, signals={"calls": {"m": known}, "streams": {"m": MetricSeries()}})
    assert decide(spec, silent).rule == "reactive"


@few
@given(history=histories, capacity=capacities)
def test_without_a_model_nothing_is_different(history: list[float], capacity: int) -> None:
    snapshot = observed(history, model=None, capacity=capacity)
    plan = decide(SPEC, snapshot)
    assert plan.rule == "reactive"
    assert reactive(plan, snapshot)


@pytest.mark.parametrize(
    "model",
    [
        replace(MODEL, trusted=False),
        replace(MODEL, learned_at_epoch_seconds=LEARNED_AT - 9000),
        replace(MODEL, learned_at_epoch_seconds=LEARNED_AT + 86_400),
        replace(MODEL, basis=replace(MODEL.basis, signal="other")),
        replace(MODEL, basis=replace(MODEL.basis, layer_units=5.0)),
        replace(MODEL, basis=replace(MODEL.basis, baseline_kind="reported")),
        replace(MODEL, basis=replace(MODEL.basis, unserved_cost=50.0)),
    ],
)
def test_a_model_that_cannot_be_relied_on_is_ignored(model: DemandModel) -> None:
    snapshot = observed([90.0, 150.0, 180.0] * 10, model=model)
    assert reactive(decide(SPEC, snapshot), snapshot)


def test_a_tick_reads_back_to_the_last_lesson_even_if_one_was_missed() -> None:
    short = replace(
        SPEC, service_level=replace(SPEC.service_level, history_seconds=600, hold_seconds=300)
    )
    since_lesson_seconds = 2 * 3600 + 4 * 60  # the newest minutes of a lesson wait for the next
    minutes = since_lesson_seconds // 60
    snapshot = observed([150.0] * minutes, spec=short)
    assert decide(short, snapshot).rule == "foresight"
    assert read_seconds(short) == read_seconds(SPEC) > since_lesson_seconds


@few
@given(history=histories, capacity=capacities, paced=st.integers(min_value=1, max_value=30))
def test_never_above_a_maximum_or_beyond_a_step_bound(
    history: list[float], capacity: int, paced: int
) -> None:
    spec = replace(SPEC, pace=PaceSpec(out_units=10 * paced, in_units=10 * paced))
    plan = decide(spec, observed(history, spec=spec, capacity=capacity))
    assert plan.rule == "foresight"
    assert 0 <= plan.pools[0].desired_capacity <= 100
    assert abs(plan.pools[0].desired_capacity - capacity) <= paced


@few
@given(history=histories, capacity=capacities, age=st.integers(min_value=6, max_value=80))
def test_silence_never_shrinks_a_fleet(history: list[float], capacity: int, age: int) -> None:
    snapshot = observed(history, capacity=capacity, age_minutes=age)
    plan = decide(SPEC, snapshot)
    assert plan.rule == "reactive"
    assert plan.pools[0].desired_capacity >= capacity


@few
@given(history=histories, capacity=capacities)
def test_losing_the_state_table_never_shrinks_a_fleet(history: list[float], capacity: int) -> None:
    plan = decide(SPEC, replace(observed(history, capacity=capacity), memory=None))
    assert plan.pools[0].desired_capacity >= capacity


@few
@given(history=histories, capacity=capacities)
def test_a_hold_is_obeyed(history: list[float], capacity: int) -> None:
    snapshot = observed(history, capacity=capacity)
    hold = Hold(owner="o", reason="r", until_epoch_seconds=snapshot.now_epoch_seconds + 1)
    plan = decide(SPEC, replace(snapshot, memory=Memory(hold=hold, model=MODEL)))
    assert plan.reason is Reason.HELD
    assert sizes(plan) == [capacity]


@few
@given(history=histories, capacity=capacities, power=st.integers(min_value=-6, max_value=6))
def test_scaling_every_number_scales_the_plan(
    history: list[float], capacity: int, power: int
) -> None:
    factor = 2.0**power
    spec = scaled(SPEC, factor)
    model = replace(MODEL, basis=replace(MODEL.basis, layer_units=10 * factor))
    plan = decide(SPEC, observed(history, capacity=capacity))
    larger = observed([factor * v for v in history], spec=spec, model=model, capacity=capacity)
    scaled_plan = decide(spec, larger)
    assert scaled_plan.rule == plan.rule == "foresight"
    assert sizes(scaled_plan) == sizes(plan)


@few
@given(demand=st.floats(0, 900))
def test_steady_demand_is_served_and_nothing_beyond_it(demand: float) -> None:
    plan = decide(SPEC, observed([demand] * 60))
    assert plan.rule == "foresight"
    burst = max(0.0, demand - plan.baseline_units)
    assert plan.burst_units == pytest.approx(burst)
    assert burst - 10 < plan.wanted_units < burst + 10


@few
@given(history=histories, share=st.floats(0.4, 1))
def test_a_plan_is_the_same_however_its_forecast_was_rolled(
    history: list[float], share: float
) -> None:
    filled = SignalMemory(shares=((share,) * 10,))
    memory = Memory(model=MODEL, signals={"streams": filled})
    snapshot = replace(observed(history), memory=memory)
    before = roll_forecast(SPEC, replace(observed(history[:-1]), memory=memory))
    rolled = roll_forecast(SPEC, snapshot, onward=before)
    assert rolled is not None
    assert decide(SPEC, replace(snapshot, rolled=rolled)) == decide(SPEC, snapshot)


@few
@given(history=histories)
def test_a_signal_that_can_hardly_be_true_is_met_by_the_reactive_rule(history: list[float]) -> None:
    bounded = replace(SPEC, signals=(replace(SPEC.signals[0], plausible_max=1e4),))
    believed = observed([*history, 1e4], spec=bounded)
    assert decide(bounded, believed).rule == "foresight"
    plan = decide(bounded, observed([*history, 2e4], spec=bounded))
    assert plan.signals[0].state is SignalState.IMPLAUSIBLE
    assert plan.rule == "reactive"


@few
@given(history=histories)
def test_a_plan_settles_at_once(history: list[float]) -> None:
    first = decide(SPEC, observed(history))
    again = decide(SPEC, observed(history, capacity=first.pools[0].desired_capacity))
    assert sizes(again) == sizes(first)


@few
@given(peak=st.floats(min_value=0, max_value=1e3), silent_minutes=st.integers(6, 80))
def test_silence_is_met_by_the_reactive_rule_also_where_it_means_zero(
    peak: float, silent_minutes: int
) -> None:
    """A model would go on from the last samples, as if they were from now."""
    when_silent = WhenSilent(rule=SilenceRule.ZERO)
    spec = replace(SPEC, signals=(replace(SPEC.signals[0], when_silent=when_silent),))
    model = replace(MODEL, basis=replace(MODEL.basis, silent_is_zero=True))
    values = [0.0, *[peak] * 20, *[0.0] * 5]
    assert decide(spec, observed(values, spec=spec, model=model)).rule == "foresight"
    plan = decide(spec, observed(values, spec=spec, model=model, age_minutes=silent_minutes))
    assert plan.rule == "reactive"
    assert plan.demand_units == 0


def test_several_pools_are_filled_in_their_order() -> None:
    spec = replace(
        SPEC,
        pools=(
            PoolSpec(name="a", group="a", units_per_capacity=10, max_capacity=3),
            PoolSpec(name="b", group="b", units_per_capacity=10, max_capacity=97),
        ),
    )
    plan = decide(spec, observed([390.0] * 10, spec=spec))
    assert plan.rule == "foresight"
    assert plan.pools[0].desired_capacity == 3
    assert plan.pools[1].desired_capacity > 10


def test_a_smaller_baseline_needs_more() -> None:
    less = replace(SPEC, baseline=FixedBaseline(units=50))
    history = [390.0] * 10
    assert units(decide(less, observed(history, spec=less))) > units(
        decide(SPEC, observed(history))
    )
