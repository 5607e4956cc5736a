"""Each pool is planned ahead of its own boot: a slow one only once demand may reach it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peakfleet_planner import FleetSpec, Memory, Outage, OutageCause, PoolSpec, decide
from peakfleet_planner.demand import usable_baseline
from peakfleet_planner.pools import pool_health
from peakfleet_planner.requirement import demand_within_lead_time
from tests.planner.fleets import NOW, demands, fleet, histories, snapshot, units

CLIMBING = [200.0 + 5 * minute for minute in range(60)]
NEWEST = CLIMBING[-1]


def ladder(*, quick_points: int) -> FleetSpec:
    """Return a fleet that boots in a minute, and behind that in ten."""
    quick = PoolSpec(
        name="quick",
        group="q",
        units_per_capacity=10,
        max_capacity=quick_points,
        boot_seconds=60,
        instance_types=("c8g.large",),
    )
    slow = replace(quick, name="slow", group="s", max_capacity=500, boot_seconds=600)
    return fleet(pools=(quick, slow))


def test_demand_that_the_quick_pool_can_carry_is_met_ahead_of_its_boot() -> None:
    spec = ladder(quick_points=45)  # beside the baseline
    plan = decide(spec, snapshot(spec, CLIMBING))
    assert plan.ahead_units == pytest.approx(NEWEST + 5 * 2)


def test_demand_that_outgrows_it_is_met_ahead_of_the_slow_one() -> None:
    spec = ladder(quick_points=40)
    plan = decide(spec, snapshot(spec, CLIMBING))
    assert plan.ahead_units == pytest.approx(NEWEST + 5 * 11)


def test_a_quick_pool_that_is_dry_carries_no_more_than_it_has() -> None:
    spec = ladder(quick_points=100)
    dry = Outage(cause=OutageCause.NO_CAPACITY, asked_at_epoch_seconds=NOW - 10, pool="quick")
    plan = decide(spec, snapshot(spec, CLIMBING, memory=Memory(outages=(dry,))))
    assert plan.ahead_units == pytest.approx(NEWEST + 5 * 11)


@given(history=histories, extra=demands, points=st.integers(1, 500))
def test_more_demand_never_means_less_capacity_on_a_ladder_of_unlike_boots(
    history: list[float], extra: float, points: int
) -> None:
    spec = ladder(quick_points=points)
    more = [*history[:-1], history[-1] + extra]
    assert units(decide(spec, snapshot(spec, more))) >= units(decide(spec, snapshot(spec, history)))


@given(history=histories)
@example(history=[400.0, 400.0, 800.0])
def test_with_a_slow_pool_behind_a_quick_one_is_never_asked_for_less(history: list[float]) -> None:
    spec = ladder(quick_points=1)
    found = snapshot(spec, history)
    baseline = usable_baseline(spec.baseline, {}, NOW)
    health = pool_health(spec, found)
    ((both,), (alone,)) = (
        demand_within_lead_time(one, found, baseline, health)
        for one in (spec, replace(spec, pools=spec.pools[:1]))
    )
    assert both.view.ahead_units >= alone.view.ahead_units
    assert both.keep_units >= alone.keep_units
