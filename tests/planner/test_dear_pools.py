"""Pools that are many times as dear as the first serve what is there, not what may come."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Memory,
    Outage,
    OutageCause,
    PaceSpec,
    PoolReading,
    PoolSpec,
    Reason,
    ServiceLevelSpec,
    Snapshot,
    decide,
)
from tests.planner.fleets import NOW, fleet, histories, snapshot, units

RISING = [100.0] * 60 + [100.0 + 20 * step for step in range(30)]
"""The newest demand is 680; a lead time later it may be much more."""


def ladder(dear_usd: float | None = 8.0, *, cheap_most: int = 60) -> FleetSpec:
    return fleet(
        baseline=FixedBaseline(units=0),
        pools=(
            PoolSpec(
                name="cheap",
                group="c",
                units_per_capacity=10,
                max_capacity=cheap_most,
                usd_per_capacity_hour=1.0,
            ),
            PoolSpec(
                name="dear",
                group="d",
                units_per_capacity=10,
                max_capacity=500,
                usd_per_capacity_hour=dear_usd,
            ),
        ),
    )


def seen(spec: FleetSpec, history: list[float], *, cheap: int = 0, dear: int = 0) -> Snapshot:
    """Return groups in which everything serves."""
    readings = tuple(
        PoolReading(
            name=pool.name,
            desired_capacity=size,
            in_service_capacity=size,
            min_capacity=0,
            max_capacity=pool.max_capacity,
        )
        for pool, size in zip(spec.pools, (cheap, dear), strict=True)
    )
    return replace(snapshot(spec, history), pools=readings)


def sizes(spec: FleetSpec, found: Snapshot) -> list[int]:
    return [pool.desired_capacity for pool in decide(spec, found).pools]


def test_a_dear_pool_serves_what_is_there_and_a_cheap_one_what_may_come() -> None:
    spec = ladder()
    plan = decide(spec, seen(spec, RISING, cheap=60))
    assert plan.pools[1].desired_capacity == 8
    assert plan.wanted_units > 680
    assert Reason.TOO_DEAR in (plan.reason, *plan.limits)


def test_what_may_come_is_served_by_a_cheap_pool_that_has_room_although_a_dear_one_follows() -> (
    None
):
    spec = ladder(cheap_most=200)
    plan = decide(spec, seen(spec, RISING, cheap=60))
    assert plan.granted_units >= plan.wanted_units > 680
    assert plan.pools[1].desired_capacity == 0


def test_cheap_and_dear_pools_grow_by_one_pace() -> None:
    spec = replace(ladder(), pace=PaceSpec(out_units=100))
    assert sizes(spec, seen(spec, [800.0] * 60, cheap=55)) == [60, 5]


def test_a_pool_a_little_dearer_or_of_unknown_price_serves_what_may_come_too() -> None:
    for usd in (4.0, None):
        spec = ladder(usd)
        plan = decide(spec, seen(spec, RISING, cheap=60))
        assert plan.granted_units >= plan.wanted_units > 680


def test_the_dearer_a_miss_the_more_a_dear_pool_is_worth() -> None:
    spec = replace(ladder(), service_level=ServiceLevelSpec(unserved_cost=50))
    plan = decide(spec, seen(spec, RISING, cheap=60))
    assert plan.granted_units >= plan.wanted_units > 680


def test_where_the_cheap_pool_cannot_be_had_the_dear_one_is_the_cheapest() -> None:
    spec = ladder()
    dry = Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW, pool="cheap")
    plan = decide(spec, replace(seen(spec, RISING), memory=Memory(outages=(dry,))))
    assert plan.granted_units >= plan.wanted_units > 680


@given(
    history=histories,
    extra=st.floats(0, 1e5),
    running=st.integers(0, 60),
    dear=st.integers(0, 100),
)
def test_with_dear_pools_too_more_demand_never_means_less_capacity(
    history: list[float], extra: float, running: int, dear: int
) -> None:
    spec = ladder()
    more = [*history[:-1], history[-1] + extra]
    less_plan = decide(spec, seen(spec, history, cheap=running, dear=dear))
    assert units(decide(spec, seen(spec, more, cheap=running, dear=dear))) >= units(less_plan)


def test_a_dear_pool_goes_as_soon_as_others_serve_what_is_there() -> None:
    spec = ladder(cheap_most=100)
    falling = [100.0] * 60 + [900.0] * 10 + [500.0] * 4
    plan = decide(spec, seen(spec, falling, cheap=60, dear=30))
    assert [pool.desired_capacity for pool in plan.pools] == [60, 0]
    assert Reason.TOO_DEAR in (plan.reason, *plan.limits)
    assert sizes(spec, seen(spec, falling, cheap=30, dear=30))[1] >= 20


def test_a_dear_pool_stays_while_the_cheap_one_has_refused_lately_and_may_again() -> None:
    spec = ladder(cheap_most=100)
    falling = [100.0] * 60 + [900.0] * 10 + [500.0] * 4
    found = seen(spec, falling, cheap=60, dear=30)
    for minutes, kept in ((20, 30), (31, 0)):
        refused = Outage(
            cause=OutageCause.NO_CAPACITY, asked_at_epoch_seconds=NOW - 60 * minutes, pool="cheap"
        )
        after = replace(found, memory=Memory(outages=(refused,)))
        assert refused.retry_at_epoch_seconds < NOW
        assert sizes(spec, after)[1] == kept


@given(history=histories, age=st.integers(5, 100), dear=st.integers(0, 100))
def test_silence_keeps_dear_pools_too(history: list[float], age: int, dear: int) -> None:
    spec = ladder()
    readings = seen(spec, history, cheap=10, dear=dear).pools
    silent = replace(snapshot(spec, history, age_minutes=age), pools=readings)
    assert sizes(spec, silent)[1] >= dear


@given(
    high=st.integers(20, 120),
    low=st.integers(10, 120),
    serving=st.lists(st.integers(0, 60), min_size=2, max_size=2),
    boots=st.integers(0, 60),
    in_units=st.sampled_from([10.0, 100.0, inf]),
)
def test_dear_pools_too_are_let_go_by_the_pace_and_only_where_others_serve_what_is_there(
    high: int, low: int, serving: list[int], boots: int, in_units: float
) -> None:
    spec = replace(ladder(cheap_most=120), pace=PaceSpec(in_units=in_units))
    falling = [100.0] * 60 + [10.0 * high] * 10 + [10.0 * low] * 4
    cheap, dear = seen(spec, falling, cheap=serving[0], dear=serving[1]).pools
    booting = replace(cheap, desired_capacity=serving[0] + boots)
    plan = decide(spec, replace(snapshot(spec, falling), pools=(booting, dear)))
    lost_units = 10 * (serving[1] - plan.pools[1].desired_capacity)
    assert lost_units <= in_units
    assert lost_units <= max(0, plan.serving_units - plan.burst_units)


@given(history=histories, running=st.integers(0, 60))
def test_what_is_there_is_always_served(history: list[float], running: int) -> None:
    spec = ladder()
    plan = decide(spec, seen(spec, history, cheap=running))
    assert plan.granted_units >= min(plan.burst_units, 5600.0) - 1e-6


@given(usd=st.sampled_from([1.0, 3.0, 8.0, 20.0]), points=st.sampled_from([2, 4, 8]))
def test_how_dear_a_pool_is_goes_by_the_unit(usd: float, points: int) -> None:
    spec = ladder(usd)
    cheap, dear = spec.pools
    larger = replace(dear, units_per_capacity=10 * points, usd_per_capacity_hour=usd * points)
    coarse = replace(spec, pools=(cheap, larger))
    said = [
        Reason.TOO_DEAR in (plan.reason, *plan.limits)
        for plan in (decide(one, seen(one, RISING, cheap=60)) for one in (spec, coarse))
    ]
    assert said[0] is said[1] is (usd >= 8)
