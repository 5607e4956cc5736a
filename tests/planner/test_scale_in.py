"""Scale-in of a ladder of unequal sizes and prices: what stays suffices, and costs least."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from peakfleet_planner import FixedBaseline, FleetSpec, PaceSpec, PoolSpec, decide
from tests.planner.fleets import fleet, seen, sizes, snapshot, units

SIZES = (1.0, 2.0, 3.0, 8.0, 12.0, 20.0)
shares = st.floats(0, 1)


@st.composite
def full_ladders(draw: st.DrawFn) -> FleetSpec:
    """Two or three pools without room to grow, the cheapest by the unit first, none much dearer."""
    cheap = draw(st.sampled_from([0.001, 1.0]))
    by_unit = sorted(draw(st.lists(st.floats(cheap, 2 * cheap), min_size=2, max_size=3)))
    return fleet(
        baseline=FixedBaseline(units=0),
        pools=tuple(
            PoolSpec(
                name=f"p{place}",
                group=f"g{place}",
                units_per_capacity=(each := draw(st.sampled_from(SIZES))),
                usd_per_capacity_hour=usd * each,
                min_capacity=draw(st.sampled_from([0, 2])),
                max_capacity=draw(st.integers(2, 7)),
            )
            for place, usd in enumerate(by_unit)
        ),
    )


def all_of(spec: FleetSpec) -> list[int]:
    return [pool.max_capacity for pool in spec.pools]


def supply(spec: FleetSpec, counts: tuple[int, ...] | list[int]) -> float:
    return sum(one * pool.units_per_capacity for one, pool in zip(counts, spec.pools, strict=True))


def usd(spec: FleetSpec, counts: tuple[int, ...] | list[int]) -> float:
    prices = [pool.usd_per_capacity_hour or 0 for pool in spec.pools]
    return sum(one * each for one, each in zip(counts, prices, strict=True))


@given(spec=full_ladders(), share=shares)
def test_of_what_runs_the_cheapest_part_that_suffices_stays(spec: FleetSpec, share: float) -> None:
    demand = share * supply(spec, all_of(spec))
    kept = sizes(decide(spec, snapshot(spec, [demand] * 90, all_of(spec))))
    choices = product(*(range(pool.min_capacity, pool.max_capacity + 1) for pool in spec.pools))
    least = min(usd(spec, one) for one in choices if supply(spec, one) >= demand - 1e-9)
    assert supply(spec, kept) >= demand - 1e-9
    assert usd(spec, kept) == pytest.approx(least)


@given(spec=full_ladders(), share=shares)
def test_without_prices_the_pools_are_emptied_last_to_first(spec: FleetSpec, share: float) -> None:
    unpriced = replace(
        spec, pools=tuple(replace(pool, usd_per_capacity_hour=None) for pool in spec.pools)
    )
    demand = share * supply(spec, all_of(spec))
    kept = sizes(decide(unpriced, snapshot(unpriced, [demand] * 90, all_of(spec))))
    excess = supply(spec, all_of(spec)) - demand
    for pool, stays in reversed(list(zip(spec.pools, kept, strict=True))):
        each = pool.units_per_capacity
        gone = min(pool.max_capacity - pool.min_capacity, int(excess / each + 1e-9))
        assert stays == pool.max_capacity - gone
        excess -= gone * each


@given(spec=full_ladders(), share=shares, boots=st.lists(st.integers(0, 7), min_size=3, max_size=3))
def test_of_unequal_pools_no_more_of_what_serves_is_let_go_than_is_not_needed(
    spec: FleetSpec, share: float, boots: list[int]
) -> None:
    has = all_of(spec)
    serves = [max(0, one - new) for one, new in zip(has, boots, strict=False)]
    demand = share * supply(spec, has)
    assume(demand > 0)
    groups = seen(spec, has, in_service=serves)
    plan = decide(spec, replace(snapshot(spec, [demand] * 90), pools=groups))
    lost = supply(spec, has) - units(plan)
    assert lost <= max(0.0, supply(spec, serves) - demand) + 1e-6


@given(spec=full_ladders(), share=shares, pace=st.sampled_from([20.0, 40.0]))
def test_in_steps_of_the_pace_no_more_stays_than_the_pace_keeps(
    spec: FleetSpec, share: float, pace: float
) -> None:
    paced = replace(spec, pace=PaceSpec(in_units=pace))
    demand = share * supply(spec, all_of(spec))
    has = all_of(spec)
    for _ in range(40):
        told = sizes(decide(paced, snapshot(spec, [demand] * 90, has)))
        assert supply(spec, has) - supply(spec, told) <= pace + 1e-6
        assert supply(spec, told) >= demand - 1e-6
        if told == has:
            break
        has = told
    smallest = min(
        (
            pool.units_per_capacity
            for pool, one in zip(spec.pools, has, strict=True)
            if one > pool.min_capacity
        ),
        default=None,
    )
    if smallest is not None:
        assert supply(spec, has) - demand < smallest + 1e-6
