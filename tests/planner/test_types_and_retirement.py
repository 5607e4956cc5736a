"""Types of different size in one pool, and pools that leave a fleet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import FleetSpec, PoolReading, PoolSpec, SpecError, decide
from tests.planner.fleets import fleet, seen, sizes, snapshot

TYPES = {"large": 16.0, "small": 8.0}
MIXED = PoolSpec(
    name="p0",
    group="asg",
    units_per_capacity=16,
    max_capacity=500,
    units_by_type=TYPES,
    usd_per_capacity_hour=1.6,
)
counts = st.integers(min_value=0, max_value=20)


def running(large: int, small: int, **more: int) -> PoolReading:
    return PoolReading(
        name="p0",
        desired_capacity=large + small,
        in_service_capacity=large + small,
        min_capacity=0,
        max_capacity=500,
        types={"large": large, "small": small, **more},
    )


def steady(spec: FleetSpec, demand: float, *readings: PoolReading) -> list[int]:
    """Return what is asked for after an hour of one demand; the baseline carries 100 units."""
    return sizes(decide(spec, replace(snapshot(spec, [demand] * 60), pools=readings)))


@given(large=counts, small=counts)
def test_what_runs_serves_what_its_types_serve(large: int, small: int) -> None:
    spec = fleet(pools=(MIXED,))
    burst = 16 * large + 8 * small
    plan = decide(
        spec, replace(snapshot(spec, [100.0 + burst] * 60), pools=(running(large, small),))
    )
    assert plan.serving_units == pytest.approx(burst)
    assert sizes(plan) == [large + small]


def test_what_is_smaller_than_planned_is_made_up_for() -> None:
    assert steady(fleet(pools=(MIXED,)), 260, running(0, 10)) == [20]
    assert steady(fleet(pools=(MIXED,)), 260, running(10, 0)) == [10]


def test_a_type_that_the_pool_no_longer_has_counts_as_a_new_instance() -> None:
    pool = replace(MIXED, units_by_type={"large": 16, "medium": 12})
    assert steady(fleet(pools=(pool,)), 260, running(5, 5)) == [10]


@given(units=st.floats(min_value=0.1, max_value=1000), count=st.integers(1, 20))
def test_more_units_per_instance_never_end_one_that_demand_needs(units: float, count: int) -> None:
    spec = fleet(pools=(replace(MIXED, units_per_capacity=units, units_by_type={}),))
    (asked,) = steady(spec, 100 + 16 * count, running(count, 0))
    assert asked * units >= 16 * count - 1e-6 or asked >= count


def test_units_of_a_type_are_above_zero() -> None:
    with pytest.raises(SpecError, match="units_by_type of small must be above 0, got 0"):
        replace(MIXED, units_by_type={"small": 0})


OLD = PoolSpec(name="p0", group="a", units_per_capacity=10, max_capacity=50, retired=True)
NEW = PoolSpec(name="p1", group="b", units_per_capacity=10, max_capacity=50)
RETIRING = fleet(pools=(OLD, NEW))


@given(demand=st.floats(min_value=0, max_value=2000), old=counts, new=counts, serving=counts)
def test_a_retired_pool_never_grows_and_keeps_what_others_do_not_serve(
    demand: float, old: int, new: int, serving: int
) -> None:
    serving = min(serving, new)
    shot = replace(
        snapshot(RETIRING, [demand] * 60),
        pools=seen(RETIRING, [old, new], in_service=[old, serving]),
    )
    asked, _ = sizes(decide(RETIRING, shot))
    assert asked <= old
    assert 10 * asked >= min(10 * old, demand - 100 - 10 * serving) - 1e-6


@given(busy=counts, idle=counts)
def test_a_retired_pool_keeps_what_works(busy: int, idle: int) -> None:
    reading, other = seen(RETIRING, [busy + idle, 50])
    shot = replace(
        snapshot(RETIRING, [100] * 60), pools=(replace(reading, busy_capacity=busy), other)
    )
    assert sizes(decide(RETIRING, shot))[0] == busy


def test_others_grow_in_the_place_of_a_retired_pool_and_it_drains_once_they_serve() -> None:
    before = seen(RETIRING, [10, 0])
    assert steady(RETIRING, 200, *before) == [10, 10]
    assert steady(RETIRING, 200, *seen(RETIRING, [10, 10], in_service=[10, 4])) == [6, 10]
    assert steady(RETIRING, 200, *seen(RETIRING, [6, 10])) == [0, 10]


def test_a_retired_pool_drains_at_the_pace_of_the_fleet() -> None:
    slow = replace(RETIRING, pace=replace(RETIRING.pace, in_units=20))
    assert steady(slow, 200, *seen(slow, [10, 10])) == [8, 10]


def test_nothing_of_a_retired_pool_goes_while_a_pool_is_unreadable() -> None:
    assert steady(RETIRING, 100, seen(RETIRING, [10, 0])[0]) == [10]
