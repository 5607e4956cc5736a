"""Policies that know one group, above several pools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from peakfleet_sim import Comparison, Queue, WarmPoolSpec, World
from peakfleet_sim.replay import choose
from peakfleet_sim.world import Period, PoolScenario, Scenario
from tests.sim.ladders import (
    LADDER,
    NO_SPOT,
    PEERS,
    QUEUE,
    WORLD,
    Script,
    demand,
    on_ladder,
    pool,
    steady,
)


@pytest.mark.parametrize("least", [0, 2])
@pytest.mark.parametrize("queue", [None, QUEUE], ids=["live", "backlog"])
@pytest.mark.parametrize("peer", PEERS)
def test_on_one_pool_without_failures_a_peer_does_what_it_does_with_one_group(
    peer: str, queue: Queue | None, least: int
) -> None:
    warm = WarmPoolSpec(instances=2 * least, reuse=True)
    world = replace(WORLD, warm_pool=warm, boot_seconds=900, min_instances=least)
    comparison = Comparison(demand=demand(600), world=world, queue=queue)
    one = choose(peer).run(comparison)
    only = replace(pool("Only", units=0.7, least=least), boot_seconds=900)
    whole = on_ladder(peer, comparison, (only,))

    for of in ("desired_instances", "ready_instances", "billed_instances", "unserved_units"):
        assert getattr(whole, of).tolist() == getattr(one, of).tolist(), of
    assert whole.explanations == one.explanations


@pytest.mark.parametrize("peer", PEERS)
def test_with_no_spot_to_be_had_everything_runs_on_the_sure_pool(peer: str) -> None:
    comparison = Comparison(demand=demand(400), world=World(baseline_units=10, max_instances=60))
    alone = on_ladder(peer, comparison, (pool("Sure"),))
    spot, sure = (found := on_ladder(peer, comparison, LADDER, NO_SPOT)).pools

    assert spot.billed.sum() == 0
    assert sure.billed.tolist() == alone.pools[0].billed.tolist()
    assert found.unserved_units.tolist() == alone.unserved_units.tolist()
    assert found.usd == pytest.approx(sure.billed.sum() / 60)


def test_a_reclaimed_instance_is_replaced_in_the_minute_of_its_loss() -> None:
    drought = Scenario(pools={"Spot": PoolScenario(available=np.array([9] * 30 + [2] * 90))})
    script = Script({0: 8})
    replayed = steady(8, 8).replay(script, pools=LADDER, scenario=drought)
    spot, sure = replayed.pools

    assert (spot.billed[30], sure.billed[30]) == (8, 0)
    assert (script.seen[30].ready_instances, script.seen[30].booting_instances) == (2, 6)
    assert (spot.billed[31], sure.billed[31]) == (2, 6)  # lost at the end of 30, booting in 31
    assert replayed.desired_instances[1:].tolist() == [8] * 119
    assert (spot.reclaimed, replayed.unserved_units[40:].sum()) == (6, 0)


def test_a_reclaimed_instance_is_replaced_while_metrics_are_lost() -> None:
    drought = Scenario(
        pools={"Spot": PoolScenario(available=np.array([9] * 30 + [2] * 90))},
        metrics_lost=(Period(from_minute=10, minutes=60),),
    )
    found = steady(8, 8).replay(Script({0: 8}), pools=LADDER, scenario=drought).pools

    assert [series.billed[31] for series in found] == [2, 6]


def test_what_can_be_had_nowhere_is_still_wanted() -> None:
    available = np.array([9] * 30 + [0] * 30 + [9] * 60)
    gone = Scenario(pools={"Spot": PoolScenario(available=available)})
    replayed = steady(8, 8).replay(Script({0: 8}), pools=LADDER[:1], scenario=gone)

    assert replayed.pools[0].desired[[29, 45, 60]].tolist() == [8, 0, 8]


def test_instances_are_let_go_from_the_last_pool_backwards_and_stay_where_they_run() -> None:
    back = Scenario(pools={"Spot": PoolScenario(available=np.array([5] * 30 + [50] * 90))})
    script = Script({0: 8, 60: 6, 90: 3})
    spot, sure = steady(8, 8).replay(script, pools=LADDER, scenario=back).pools

    assert (spot.desired[59], sure.desired[59]) == (5, 3)
    assert (spot.desired[60], sure.desired[60]) == (5, 1)
    assert (spot.desired[90], sure.desired[90]) == (3, 0)


def test_a_peer_thinks_in_instances_of_the_first_pool_and_others_are_rounded_up() -> None:
    script = Script({0: 5, 60: 3})
    replayed = steady(5, 3).replay(
        script, pools=(pool("Spot"), pool("Big", units=3)), scenario=NO_SPOT
    )
    spot, big = replayed.pools

    assert spot.desired.sum() == 0
    assert (big.desired[0], big.desired[59], big.desired[60]) == (2, 2, 1)
    assert replayed.ready_instances[50] == 6
    assert script.seen[50].instances == 6
    assert replayed.unserved_units[10:60].sum() == 0


def test_keeping_what_it_sees_never_moves_a_ladder_of_unequal_pools() -> None:
    pools = (pool("Spot", units=2, most=1), pool("Odd", units=5), pool("Small", units=0.3))
    comparison = steady(5, 3)
    comparison = replace(comparison, world=replace(comparison.world, units_per_instance=2))
    found = comparison.replay(Script({0: 3}), pools=pools).pools

    assert [series.desired[0] for series in found] == [1, 1, 0]
    assert all(len(set(series.desired.tolist())) == 1 for series in found)


def test_each_pool_boots_in_its_own_time_and_a_scenario_draws_by_the_seed() -> None:
    slow = replace(pool("Sure"), boot_seconds=600)
    pools = (replace(pool("Spot", most=3), boot_seconds=60), slow)
    ready = steady(8).replay(Script({0: 8}), pools=pools).ready_instances
    assert [int(np.argmax(ready >= size)) for size in (3, 8)] == [2, 11]

    drawn = Scenario(pools={"Spot": PoolScenario(boot_seconds=(60.0, 300.0, 900.0))})
    comparison = Comparison(demand=demand(400), world=World(baseline_units=10, max_instances=60))
    first, again, other = (
        on_ladder("hpa", comparison, scenario=drawn, seed=seed).ready_instances.tolist()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_least_that_a_peer_needs_begins_on_the_sure_pool_beside_the_minima() -> None:
    first = [
        [series.ready[0] for series in on_ladder("hpa", steady(3), pools).pools]
        for pools in (LADDER, (pool("Spot"), pool("Sure", least=2)))
    ]
    assert first == [[0, 1], [0, 2]]
    script = Script({9: 5, 30: 3}, least_instances=1)
    found = steady(3).replay(script, pools=LADDER).pools
    assert [series.desired[[8, 9, 30]].tolist() for series in found] == [[0, 4, 3], [1, 1, 0]]
    kept = on_ladder("keda", steady(3, 0), (pool("Spot"), pool("Sure", least=2)), NO_SPOT)
    assert kept.pools[1].ready.min() == 2
