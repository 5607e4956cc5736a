"""Capacity moves back to a cheaper pool once all is settled, and only where prices are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    FleetSpec,
    Memory,
    Outage,
    OutageCause,
    PoolReading,
    Reason,
    SpendLimitSpec,
    decide,
)
from tests.planner.capacity import LADDER, NOW, demand, groups
from tests.planner.fleets import sizes

SPOT, REST = LADDER.pools
ON_DEMAND = st.integers(2, 40)


def told(
    spec: FleetSpec, readings: tuple[PoolReading, ...], units: float, memory: Memory | None = None
) -> list[int]:
    """Return what is decided of demand that has been steady for two hours."""
    seen = replace(demand(units, readings), memory=memory or Memory())
    return sizes(decide(spec, seen))


@given(dear=ON_DEMAND)
def test_what_runs_on_demand_moves_to_spot_while_everything_is_settled(dear: int) -> None:
    plan = decide(LADDER, demand(10 * dear, groups([0, dear])))
    spot, rest = sizes(plan)
    assert (0 < spot <= dear / 4 + 1, rest) == (True, dear)
    assert plan.reason is Reason.MOVING


@given(dear=ON_DEMAND, spare=st.sampled_from([0.0, 0.039, 100.0]))
def test_an_exchange_costs_for_a_while_and_begins_only_where_a_spend_limit_allows_that(
    dear: int, spare: float
) -> None:
    limit = SpendLimitSpec(usd_per_hour=0.1 * dear + spare)
    spec = replace(LADDER, state_table="t", spend_limits=(limit,))
    plan = decide(spec, demand(10 * dear, groups([0, dear])))
    spot, rest = sizes(plan)
    assert ((spot > 0), rest) == (spare > 1, dear)
    assert plan.spend is not None
    assert plan.spend.usd_per_hour == pytest.approx(0.04 * spot + 0.1 * rest)


@given(dear=ON_DEMAND, boots=st.integers(1, 5), unmet=st.booleans())
def test_no_exchange_begins_while_something_still_boots_or_does_not_come(
    dear: int, boots: int, *, unmet: bool
) -> None:
    spot, rest = groups([0, dear])
    new = replace(
        rest,
        desired_capacity=dear + boots,
        booting_capacity=0 if unmet else boots,
    )
    (moved, _) = told(LADDER, (spot, new), 10 * (dear + boots))
    assert moved == 0


@given(dear=ON_DEMAND)
def test_no_exchange_begins_while_a_pool_cannot_be_read_or_keeps_the_size_of_somebody_else(
    dear: int,
) -> None:
    third = replace(REST, name="Third", group="asg-third")
    spec = replace(LADDER, pools=(SPOT, REST, third))
    known = Memory(desired={"Spot": 0, "OnDemand": dear, "Third": 0})
    spot, rest = groups([0, dear])
    empty = replace(spot, name="Third")
    assert told(spec, (spot, rest, empty), 10 * dear, known)[0] > 0
    assert told(spec, (spot, rest), 10 * dear, known)[0] == 0
    foreign = replace(empty, desired_capacity=5, in_service_capacity=5)
    seen = replace(demand(10 * (dear + 5), (spot, rest, foreign)), memory=known)
    plan = decide(spec, seen)
    assert Reason.OTHER_WRITER in (plan.reason, *plan.limits)
    assert sizes(plan) == [0, dear, 5]


@given(dear=ON_DEMAND)
def test_nothing_moves_to_or_from_a_pool_without_a_price(dear: int) -> None:
    for place in (0, 1):
        pools = list(LADDER.pools)
        pools[place] = replace(pools[place], usd_per_capacity_hour=None)
        spec = replace(LADDER, pools=tuple(pools))
        assert told(spec, groups([0, dear]), 10 * dear) == [0, dear]


@given(dear=ON_DEMAND, age=st.integers(60, 1799))
def test_what_one_pool_refused_lately_moves_to_the_next_that_is_cheaper(
    dear: int, age: int
) -> None:
    second = replace(SPOT, name="Second", group="asg-second", usd_per_capacity_hour=0.06)
    spec = replace(LADDER, pools=(SPOT, second, REST))
    spot, rest = groups([0, dear])
    refused = Outage(
        cause=OutageCause.NO_CAPACITY, asked_at_epoch_seconds=NOW - age, attempts=1, pool="Spot"
    )
    memory = Memory(outages=(refused,))
    seen = (spot, replace(spot, name="Second"), rest)
    first, moved, stays = told(spec, seen, 10 * dear, memory)
    assert (first, moved > 0, stays) == (0, True, dear)
