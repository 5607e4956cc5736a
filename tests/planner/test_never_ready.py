from __future__ import annotations

from dataclasses import replace

from peakfleet_planner import Memory, Outage, OutageCause, Plan, decide
from tests.planner.capacity import LADDER, NOW, demand, groups


def decided(*, booting: int, asked_seconds_ago: int) -> Plan:
    """Decide for demand of 160, of which Spot serves 100 and boots the rest after three strikes."""
    spot, on_demand = groups((10, 0))
    spot = replace(
        spot,
        desired_capacity=10 + booting,
        booting_capacity=booting,
        booting=frozenset(f"i-{number}" for number in range(booting)),
    )
    outage = Outage(
        cause=OutageCause.NEVER_READY,
        asked_at_epoch_seconds=NOW - asked_seconds_ago,
        pool=spot.name,
    )
    seen = demand(160, (spot, on_demand))
    return decide(LADDER, replace(seen, memory=Memory(outages=(outage,))))


def test_what_boots_where_nothing_becomes_ready_is_let_go_by_name_and_stood_in_for() -> None:
    spot, on_demand = decided(booting=3, asked_seconds_ago=60).pools
    assert spot.desired_capacity == 10
    assert spot.drains == ("i-0", "i-1", "i-2")
    assert on_demand.desired_capacity >= 6


def test_a_pool_whose_machines_never_served_is_tried_with_one_of_them() -> None:
    spot, _ = decided(booting=0, asked_seconds_ago=3600).pools
    assert spot.desired_capacity == 11
    assert spot.drains == ()


def test_no_second_one_is_tried_while_the_first_boots() -> None:
    spot, _ = decided(booting=1, asked_seconds_ago=3600).pools
    assert spot.desired_capacity == 11
