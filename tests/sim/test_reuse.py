"""What is let go waits: it serves again sooner than what boots, and costs little meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from peakfleet_planner import PoolSpec, WarmSpec
from peakfleet_sim import (
    Comparison,
    Demand,
    Instances,
    Run,
    WarmPoolSpec,
    World,
    live_spec,
    score,
)
from peakfleet_sim.replay import choose, replay_fleet

DAY = 1440
UNITS = np.full(4 * DAY, 90.0)
for start in range(17, len(UNITS) - 30, 71):
    UNITS[start : start + 12] = 250.0
REUSED = WarmPoolSpec(auto=True, reuse=True)


def group(prepared: int = 0) -> Instances:
    return Instances(
        boot_minutes=3,
        min_instances=0,
        max_instances=9,
        warm_instances=prepared,
        warm_cost_fraction=0.25,
        reuse=True,
    )


def test_what_is_let_go_waits_and_is_started_before_anything_boots() -> None:
    some = group(prepared=4)
    some.begin(0)
    assert (some.waiting, some.billed) == (4, 1)
    some.resize(0, 6)
    for minute in (1, 2):
        some.begin(minute)
    assert (some.ready, some.booting, some.waiting) == (4, 2, 0)
    some.resize(2, 3)
    assert (some.ready, some.waiting) == (1, 1)
    some.resize(2, 4)
    some.begin(4)
    assert (some.ready, some.waiting) == (4, 0)


def test_beyond_what_may_serve_or_wait_together_it_ends() -> None:
    some = group(prepared=2)
    some.begin(0)
    some.resize(0, 5)
    some.begin(4)
    some.resize(4, 0)
    assert (some.ready, some.waiting) == (0, 2)
    some.keep_warm(4, 0)
    assert some.billed == 0


def test_the_fewest_that_wait_are_booted_anew() -> None:
    some = replace(group(), least_waiting=2)
    some.begin(0)
    some.resize(0, 2)
    some.begin(2)
    assert (some.ready, some.waiting) == (2, 0)
    some.begin(4)
    assert (some.ready, some.waiting) == (2, 2)


def comparison(pool: WarmPoolSpec, minutes: int = len(UNITS)) -> Comparison:
    """Return bursts of 15 instances every 71 minutes."""
    demand = Demand(
        name="bursts",
        start=datetime(2026, 3, 1, tzinfo=UTC),
        units=UNITS[:minutes],
        history_minutes=3 * DAY,
    )
    world = World(units_per_instance=10, baseline_units=100, max_instances=60, warm_pool=pool)
    return Comparison(demand=demand, world=world)


@cache
def planned(pool: WarmPoolSpec = REUSED) -> Run:
    return comparison(pool).peakfleet()


def test_what_waits_costs_less_than_what_is_booted_anew_to_wait() -> None:
    optimum = comparison(WarmPoolSpec()).optimum()
    reused, refilled = (
        score(planned(pool), optimum=optimum).score for pool in (REUSED, WarmPoolSpec(auto=True))
    )
    assert reused is not None
    assert refilled is not None
    assert reused < 0.96 * refilled


def test_a_fleet_without_a_model_reuses_as_well() -> None:
    first = planned().billed_instances[: 2 * DAY] - planned().ready_instances[: 2 * DAY]
    assert not first[:17].any()
    assert first[200:].min() >= 0
    assert 0 < np.median(first[200:]) < 1


def test_what_comes_later_changes_nothing_before_it() -> None:
    cut = 3 * DAY + 333
    part = comparison(REUSED, cut).peakfleet()
    assert part.billed_instances.tolist() == planned().billed_instances[:cut].tolist()


def test_policies_that_plan_no_pool_reuse_one_of_a_given_size() -> None:
    keda = choose("keda:0.9")
    refilled, reused = (
        keda.run(comparison(WarmPoolSpec(instances=20, reuse=reuse))) for reuse in (False, True)
    )
    assert reused.billed_instances.sum() < refilled.billed_instances.sum()


def test_a_fleet_of_one_pool_reuses_as_its_specification_says() -> None:
    bursts = np.array(([100.0] * 40 + [108.0] * 20) * 3)
    demand = Demand(name="bursts", start=datetime(2026, 3, 1, tzinfo=UTC), units=bursts)
    warm = WarmSpec(max_capacity=9, cost_fraction=0.1, reuse=True)
    pool = PoolSpec(name="p", group="p", units_per_capacity=1, max_capacity=9, warm=warm)
    replayed = replay_fleet(demand, replace(live_spec(World(baseline_units=100)), pools=(pool,)))
    waits = replayed.pools[0].billed - replayed.pools[0].ready

    assert waits[:40] == pytest.approx(0)
    half_an_hour = waits[65:95]  # a tenth of the price of three minutes' boot
    assert half_an_hour == pytest.approx(0.8)
    assert waits[95] == 0
