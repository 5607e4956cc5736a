"""Policies that know one group, while metrics are lost and the baseline fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from peakfleet_sim import Comparison, Demand, Queue, World
from peakfleet_sim.world import Period, PoolScenario, Scenario
from tests.sim.ladders import LADDER, PEERS, QUEUE, Script, demand, on_ladder, pool


@pytest.mark.parametrize("peer", PEERS)
def test_lost_metrics_never_change_a_peers_size(peer: str) -> None:
    units = np.concatenate([np.full(60, 14.0), np.full(60, 40.0), np.zeros(60)])
    made = Demand(name="blind", start=demand(1).start, units=units)
    comparison = Comparison(demand=made, world=World(max_instances=90))
    blind = Scenario(metrics_lost=(Period(from_minute=60, minutes=100),))
    run = on_ladder(peer, comparison, scenario=blind)

    # minute 60 would be seen at the end of 61, minute 160 is seen at the end of 161
    assert set(run.desired_instances[60:161].tolist()) == {run.desired_instances[60]}
    assert run.desired_instances[60] > 0
    assert run.explanations[100] == "the metric is missing: keeps its size"
    assert run.desired_instances[-1] < run.desired_instances[60]


def test_a_policy_is_shown_no_value_that_was_not_published_and_not_asked_without_one() -> None:
    script = Script({})
    blind = Scenario(
        metrics_lost=(Period(from_minute=0, minutes=5), Period(from_minute=20, minutes=10))
    )
    comparison = Comparison(demand=demand(60), world=World())
    comparison.replay(script, pools=LADDER, scenario=blind)

    asked = [seen.minute for seen in script.seen]
    assert asked == [0, *range(6, 21), *range(31, 60)]
    last = script.seen[-1].metrics["demand"]
    assert np.flatnonzero(np.isnan(last)).tolist() == [*range(5), *range(20, 30)]
    assert all(np.isfinite(seen.metrics["demand"][-1:]).all() for seen in script.seen)


def test_a_baseline_outage_is_work_for_the_cloud_that_a_gauge_does_not_see() -> None:
    comparison = Comparison(demand=demand(300), world=World(baseline_units=10, max_instances=60))
    outage = Scenario(baseline_outage=(Period(from_minute=100, minutes=50, usable_fraction=0.5),))
    fair, foul = (on_ladder("keda", comparison, scenario=scenario) for scenario in (None, outage))

    assert foul.desired_instances.tolist() == fair.desired_instances.tolist()
    more = foul.burst_units - fair.burst_units
    assert more[:100].sum() == more[150:].sum() == 0
    assert more[100:150].max() == 5
    assert foul.unserved_units.sum() > fair.unserved_units.sum()


@pytest.mark.parametrize("queue", [None, QUEUE], ids=["live", "backlog"])
@pytest.mark.parametrize("peer", PEERS)
def test_cutting_the_future_leaves_the_past_as_it_was(peer: str, queue: Queue | None) -> None:
    scenario = Scenario(
        pools={
            "Spot": PoolScenario(
                available=np.repeat([9, 2, 0, 30], 40), boot_seconds=(60.0, 300.0, 900.0)
            )
        },
        metrics_lost=(Period(from_minute=150, minutes=20),),
        baseline_outage=(Period(from_minute=220, minutes=50),),
    )
    whole = demand(400)
    cut = replace(whole, units=whole.units[:300])
    pools = (pool("Spot", units=2), pool("Sure", units=3))
    world = World(baseline_units=10, max_instances=60, units_per_instance=2)
    long, short = (
        on_ladder(peer, Comparison(demand=made, world=world, queue=queue), pools, scenario)
        for made in (whole, cut)
    )
    for before, after in zip(long.pools, short.pools, strict=True):
        for of in ("desired", "ready", "billed"):
            assert getattr(before, of)[:300].tolist() == getattr(after, of).tolist()
    assert long.desired_instances[:300].tolist() == short.desired_instances.tolist()
    assert long.explanations[:300] == short.explanations
