"""A share that is kept on a pool to compare the others with."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    PaceSpec,
    PoolSpec,
    Reason,
    SpecError,
    decide,
)
from tests.planner.fleets import (
    capacities,
    demands,
    fleet,
    fleets,
    histories,
    scaled,
    sizes,
    snapshot,
    units,
)

running = st.lists(capacities, min_size=3, max_size=3)
GRAVITON = PoolSpec(name="Graviton", group="g", units_per_capacity=16, max_capacity=50)
X86 = PoolSpec(name="X86", group="x", units_per_capacity=12, max_capacity=20, canary_share=0.05)
COMPARED = fleet(pools=(GRAVITON, X86))


@st.composite
def with_canary(draw: st.DrawFn) -> FleetSpec:
    """A fleet some of whose pools are canaries."""
    spec = draw(fleets())
    shares = st.just(0.0) | st.floats(min_value=0.001, max_value=0.5 / len(spec.pools))
    return replace(
        spec, pools=tuple(replace(pool, canary_share=draw(shares)) for pool in spec.pools)
    )


def test_while_demand_bursts_the_share_is_kept_in_whole_instances() -> None:
    assert sizes(decide(COMPARED, snapshot(COMPARED, [101.0] * 60))) == [1, 1]
    plan = decide(COMPARED, snapshot(COMPARED, [580.0] * 60))
    assert sizes(plan) == [ceil(480 * 0.95 / 16), 2]
    assert Reason.CANARY in (plan.reason, *plan.limits)


def test_a_canary_adds_less_than_one_instance_of_each_kind() -> None:
    plain = fleet(pools=(GRAVITON, replace(X86, canary_share=0)))
    for demand in range(101, 800, 7):
        history = [float(demand)] * 60
        more = units(decide(COMPARED, snapshot(COMPARED, history)))
        least = units(decide(plain, snapshot(plain, history)))
        assert -16 < more - least <= 12 + 16


@given(spec=with_canary(), history=histories)
def test_the_canary_has_its_share_unless_it_is_at_its_maximum(
    spec: FleetSpec, history: list[float]
) -> None:
    unpaced = replace(spec, pace=PaceSpec())
    plan = decide(unpaced, snapshot(unpaced, history))
    for pool, planned in zip(spec.pools, plan.pools, strict=True):
        share = pool.canary_share * plan.wanted_units
        assert planned.desired_capacity <= pool.max_capacity
        rounding = 1e-8 * pool.units_per_capacity
        assert planned.units >= min(share, pool.max_units) * (1 - 1e-9) - rounding


@given(spec=with_canary(), history=histories)
def test_at_or_below_the_baseline_there_is_no_canary(spec: FleetSpec, history: list[float]) -> None:
    above = replace(spec, baseline=FixedBaseline(units=max(history)))
    assert sizes(decide(above, snapshot(above, history))) == [0] * len(spec.pools)


@given(spec=with_canary(), history=histories, extra=demands, capacity=running)
def test_with_a_canary_too_more_demand_never_means_less_capacity(
    spec: FleetSpec, history: list[float], extra: float, capacity: list[int]
) -> None:
    more = [*history[:-1], history[-1] + extra]
    less_plan = decide(spec, snapshot(spec, history, capacity))
    more_plan = decide(spec, snapshot(spec, more, capacity))
    assert units(more_plan) >= units(less_plan) - 1e-9 * units(less_plan)


@given(spec=with_canary(), history=histories, capacity=running)
def test_with_a_canary_too_demand_is_served_as_far_as_there_are_instances(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    unpaced = replace(spec, pace=PaceSpec())
    plan = decide(unpaced, snapshot(unpaced, history, capacity))
    could = sum(pool.max_units for pool in spec.pools)
    rounding = 1e-8 * max(pool.units_per_capacity for pool in spec.pools)
    assert units(plan) >= min(plan.wanted_units, could) * (1 - 1e-9) - rounding


@given(spec=with_canary(), history=histories, capacity=running)
def test_with_a_canary_too_no_tick_moves_further_than_it_may(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    plan = decide(spec, snapshot(spec, history, capacity))
    before = sum(
        (planned.seen_capacity or 0) * pool.units_per_capacity
        for planned, pool in zip(plan.pools, spec.pools, strict=True)
    )
    slack = 1e-6 * max(1.0, before)
    assert -spec.pace.in_units - slack <= units(plan) - before <= spec.pace.out_units + slack


@given(spec=with_canary(), history=histories, capacity=running, power=st.integers(-6, 6))
def test_with_a_canary_too_scaling_every_number_scales_the_plan(
    spec: FleetSpec, history: list[float], capacity: list[int], power: int
) -> None:
    factor = 2.0**power
    plan = decide(spec, snapshot(spec, history, capacity))
    larger = scaled(spec, factor)
    assert sizes(decide(larger, snapshot(larger, [v * factor for v in history], capacity))) == (
        sizes(plan)
    )


@given(spec=with_canary(), history=histories, capacity=running)
def test_with_a_canary_too_a_fleet_comes_to_rest(
    spec: FleetSpec, history: list[float], capacity: list[int]
) -> None:
    unpaced = replace(spec, pace=PaceSpec())
    once = decide(unpaced, snapshot(unpaced, history, capacity))
    settled = decide(unpaced, snapshot(unpaced, history, sizes(once)))
    assert sizes(decide(unpaced, snapshot(unpaced, history, sizes(settled)))) == sizes(settled)


@given(count=st.integers(1, 3), pace=st.sampled_from([16.0, 24.0, 36.0, 60.0]))
def test_several_canaries_start_no_faster_than_the_pace_together(count: int, pace: float) -> None:
    canaries = tuple(replace(X86, name=f"X{place}", group=f"x{place}") for place in range(count))
    spec = fleet(pools=(GRAVITON, *canaries), pace=PaceSpec(out_units=pace))
    plan = decide(spec, snapshot(spec, [580.0] * 60, [30, 0, 0, 0]))
    assert sum(sizes(plan)[1:]) == min(2 * count, pace // 12)


@given(floor=st.integers(0, 6), has=st.integers(6, 20))
def test_a_canary_that_has_a_floor_is_let_go_down_to_the_larger_of_share_and_floor(
    floor: int, has: int
) -> None:
    spec = fleet(pools=(GRAVITON, replace(X86, min_capacity=floor)))
    plan = decide(spec, snapshot(spec, [580.0] * 90, [30, has]))
    assert sizes(plan)[1] == max(floor, 2)


def test_a_canary_is_not_moved_to_the_cheaper_pool_that_it_is_there_for() -> None:
    priced = replace(
        COMPARED,
        pools=(
            replace(GRAVITON, usd_per_capacity_hour=0.6),
            replace(X86, usd_per_capacity_hour=0.9),
        ),
    )
    history = [580.0] * 200
    now = sizes(decide(priced, snapshot(priced, history)))
    for _ in range(3):
        plan = decide(priced, snapshot(priced, history, now))
        assert sizes(plan) == now
        assert plan.reason is not Reason.MOVING


def test_a_share_that_makes_a_pool_the_main_one_is_refused() -> None:
    with pytest.raises(SpecError, match=r"pool 'X86': canary_share must be between 0 and 0\.5"):
        replace(X86, canary_share=0.6)
    halves = (replace(GRAVITON, canary_share=0.3), replace(X86, canary_share=0.3))
    with pytest.raises(SpecError, match=r"canary shares of all pools must be at most 0\.5"):
        fleet(pools=halves)
