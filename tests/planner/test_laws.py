"""The laws of the design, each a property of the one decision function."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan

from hypothesis import assume, example, given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Hold,
    Memory,
    MetricSeries,
    PaceSpec,
    Reason,
    SilenceRule,
    WhenSilent,
    decide,
)
from tests.planner.fleets import (
    NOW,
    capacities,
    demands,
    fleet,
    fleets,
    histories,
    scaled,
    seen,
    sizes,
    snapshot,
    units,
)

running = st.lists(capacities, min_size=3, max_size=3)
nonsense = st.sampled_from([nan, inf, -inf, -1.0, 1e308])


@given(spec=fleets(), history=histories, extra=demands, capacity=running)
def test_more_demand_never_means_less_capacity(
    spec: FleetSpec, history: list[float], extra: float, capacity: list[int]
) -> None:
    more = [*history[:-1], history[-1] + extra]
    less_plan = decide(spec, snapshot(spec, history, capacity))
    more_plan = decide(spec, snapshot(spec, more, capacity))
    assert units(more_plan) >= units(less_plan)


@given(spec=fleets(), history=histories)
def test_at_or_below_the_baseline_nothing_bursts(spec: FleetSpec, history: list[float]) -> None:
    above = replace(spec, baseline=FixedBaseline(units=max(history)))
    plan = decide(above, snapshot(above, history))
    assert sizes(plan) == [0] * len(spec.pools)
    # Demand that drops to nothing at once is doubted, which is said first.
    assert plan.reason in (Reason.BASELINE_SUFFICES, Reason.SIGNAL_IMPLAUSIBLE)


@given(spec=fleets(), history=histories, capacity=running)
def test_never_above_a_maximum(spec: FleetSpec, history: list[float], capacity: list[int]) -> None:
    plan = decide(spec, snapshot(spec, history, capacity))
    for pool, planned in zip(spec.pools, plan.pools, strict=True):
        assert pool.min_capacity <= planned.desired_capacity <= pool.max_capacity


@given(spec=fleets(), history=histories, capacity=running)
def test_never_above_a_maximum_that_was_lowered_by_hand(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    lowered = replace(spec.pools[0], max_capacity=1)
    groups = seen(replace(spec, pools=(lowered, *spec.pools[1:])), capacity)
    plan = decide(spec, replace(snapshot(spec, history), pools=groups))
    assert plan.pools[0].desired_capacity <= 1


@given(spec=fleets(), history=histories, capacity=running)
def test_never_beyond_a_step_bound(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    before = sum(
        reading.desired_capacity * pool.units_per_capacity
        for reading, pool in zip(seen(spec, capacity), spec.pools, strict=True)
    )
    moved = units(decide(spec, snapshot(spec, history, capacity))) - before
    slack = 1e-6 * max(1.0, before)
    assert -spec.pace.in_units - slack <= moved <= spec.pace.out_units + slack


@given(spec=fleets(), history=histories, capacity=running, age=st.integers(5, 600))
def test_silence_never_shrinks_a_fleet(
    spec: FleetSpec, history: list[float], capacity: list[int], age: int
) -> None:
    plan = decide(spec, snapshot(spec, history, capacity, age_minutes=age))
    for planned in plan.pools:
        assert planned.seen_capacity is not None
        assert planned.desired_capacity >= planned.seen_capacity


@given(spec=fleets(), history=histories, capacity=running, bad=st.lists(nonsense, min_size=1))
@example(spec=fleet(plausible_max=1e6), history=[0.0], capacity=[9, 9, 9], bad=[1e308])
def test_nonsense_never_shrinks_a_fleet(
    spec: FleetSpec, history: list[float], capacity: list[int], bad: list[float]
) -> None:
    bounded = fleet(pools=spec.pools, pace=spec.pace, plausible_max=1e6)
    plan = decide(bounded, snapshot(bounded, [*history, *bad], capacity))
    for planned in plan.pools:
        assert planned.seen_capacity is not None
        assert planned.desired_capacity >= planned.seen_capacity
    assert plan.signals[0].rejected_samples == len(bad)


@given(spec=fleets(), capacity=running, rule=st.sampled_from(SilenceRule))
def test_a_read_that_failed_is_never_zero_demand(
    spec: FleetSpec, capacity: list[int], rule: SilenceRule
) -> None:
    blind = fleet(pools=spec.pools, when_silent=WhenSilent(rule=rule))
    failed = {"streams": {"m": MetricSeries(readable=False)}}
    plan = decide(blind, replace(snapshot(blind, [1.0], capacity), signals=failed))
    assert plan.reason is Reason.BLIND
    assert not any(pool.changes for pool in plan.pools)


@given(spec=fleets(), history=histories, capacity=running)
def test_the_same_snapshot_gives_the_same_plan(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    once = decide(spec, snapshot(spec, history, capacity))
    assert decide(spec, snapshot(spec, history, capacity)) == once


@given(spec=fleets(), history=histories, capacity=running)
def test_a_plan_that_was_carried_out_settles_at_once(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    """A larger instance may have to be added before a smaller one can go; then all is still."""
    unpaced = replace(spec, pace=PaceSpec())
    once = decide(unpaced, snapshot(unpaced, history, capacity))
    settled = decide(unpaced, snapshot(unpaced, history, sizes(once)))
    assert units(settled) <= units(once)
    assert sizes(decide(unpaced, snapshot(unpaced, history, sizes(settled)))) == sizes(settled)


@given(spec=fleets(), history=histories, capacity=running, power=st.integers(-6, 6))
def test_scaling_every_number_scales_the_plan(
    spec: FleetSpec, history: list[float], capacity: list[int], power: int
) -> None:
    factor = 2.0**power  # exact in floating point, so that a ceiling cannot tip
    plan = decide(spec, snapshot(spec, history, capacity))
    larger = scaled(spec, factor)
    larger_plan = decide(larger, snapshot(larger, [v * factor for v in history], capacity))
    assert sizes(larger_plan) == sizes(plan)


@given(spec=fleets(), history=histories, capacity=running)
def test_losing_the_state_table_forbids_scale_in_and_allows_bounded_scale_out(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    remembered = decide(spec, snapshot(spec, history, capacity))
    lost = decide(spec, snapshot(spec, history, capacity, memory=None))
    for planned in lost.pools:
        assert planned.seen_capacity is not None
        assert planned.desired_capacity >= planned.seen_capacity
    if units(remembered) >= units(lost):
        assert sizes(lost) == sizes(remembered)


@given(spec=fleets(), history=histories, capacity=running, minutes=st.integers(1, 10_000))
def test_a_hold_is_obeyed(
    spec: FleetSpec, history: list[float], capacity: list[int], minutes: int
) -> None:
    hold = Hold(owner="ana", reason="migration", until_epoch_seconds=NOW + 60 * minutes)
    held = decide(spec, snapshot(spec, history, capacity, memory=Memory(hold=hold)))
    assert held.reason is Reason.HELD
    assert not any(pool.changes for pool in held.pools)
    ended = Memory(hold=replace(hold, until_epoch_seconds=NOW))
    free = decide(spec, snapshot(spec, history, capacity, memory=ended))
    assert Reason.HOLD_ENDED in (free.reason, *free.limits)
    never = decide(spec, snapshot(spec, history, capacity))
    limits = tuple(one for one in free.limits if one is not Reason.HOLD_ENDED)
    assert replace(free, limits=limits) == never


@given(spec=fleets(), history=histories)
def test_pools_fill_in_order(spec: FleetSpec, history: list[float]) -> None:
    unpaced = replace(spec, pace=PaceSpec())
    plan = decide(unpaced, snapshot(unpaced, history))
    for earlier, later, pool in zip(plan.pools, plan.pools[1:], spec.pools, strict=False):
        assert not later.desired_capacity or earlier.desired_capacity == pool.max_capacity


@given(spec=fleets(), high=demands, low=demands, minutes=st.integers(1, 4), capacity=running)
def test_a_later_lower_reading_inside_the_hold_window_never_shrinks_the_fleet(
    spec: FleetSpec, high: float, low: float, minutes: int, capacity: list[int]
) -> None:
    assume(low <= high)
    running_now = sum(
        reading.desired_capacity * pool.units_per_capacity
        for reading, pool in zip(seen(spec, capacity), spec.pools, strict=True)
    )
    plan = decide(spec, snapshot(spec, [high] * 60 + [low] * minutes, capacity))
    needed_at_the_peak = max(0.0, high - plan.baseline_units)
    assert units(plan) >= min(running_now, needed_at_the_peak) - 1e-6


@given(spec=fleets(), history=histories, capacity=running)
def test_a_fleet_that_could_not_be_read_is_not_let_go(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    desired = {p.name: p.desired_capacity for p in seen(spec, capacity)}
    observed = snapshot(spec, history, memory=Memory(desired=desired))
    plan = decide(spec, replace(observed, pools=()))
    for planned in plan.pools:
        assert planned.seen_capacity is None
        assert planned.desired_capacity >= desired[planned.name]
    forgotten = decide(spec, replace(observed, pools=(), memory=Memory()))
    assert forgotten.pools == ()


@given(
    spec=fleets(), readings=st.lists(st.tuples(st.integers(-9000, 9000), st.floats()), max_size=40)
)
def test_no_reading_whatever_breaks_a_decision(
    spec: FleetSpec, readings: list[tuple[int, float]]
) -> None:
    points = tuple((NOW + offset, value) for offset, value in sorted(readings, key=lambda r: r[0]))
    odd = {"streams": {"m": MetricSeries(points=points)}}
    plan = decide(spec, replace(snapshot(spec, [1.0]), signals=odd))
    assert plan.explain()
