"""Policies that know one group, while metrics are lost and the baseline fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from peakfleet_sim import Contest, Demand, Queue, World
from peakfleet_sim.replay import replay_ladder
from peakfleet_sim.world import Period, PoolWeather, Weather
from tests.sim.ladders import LADDER, PEERS, QUEUE, Script, demand, on_ladder, pool


@pytest.mark.parametrize("peer", PEERS)
def test_lost_metrics_never_change_a_peers_size(peer: str) -> None:
    units = np.concatenate([np.full(60, 14.0), np.full(60, 40.0), np.zeros(60)])
    made = Demand(name="blind", start=demand(1).start, units=units)
    contest = Contest(demand=made, world=World(max_instances=90))
    blind = Weather(lost=(Period(from_minute=60, minutes=100),))
    run = on_ladder(peer, contest, weather=blind).run

    # minute 60 would be seen at the end of 61, minute 160 is seen at the end of 161
    assert set(run.desired_instances[60:161].tolist()) == {run.desired_instances[60]}
    assert run.desired_instances[60] > 0
    assert run.explanations[100] == "the metric is missing: keeps its size"
    assert run.desired_instances[-1] < run.desired_instances[60]


def test_a_policy_is_never_shown_a_value_that_was_not_published() -> None:
    script = Script({})
    blind = Weather(lost=(Period(from_minute=0, minutes=5), Period(from_minute=20, minutes=10)))
    contest = Contest(demand=demand(60), world=World())
    replay_ladder(contest, script, pools=LADDER, weather=blind)

    asked = [seen.minute for seen in script.seen]
    assert asked == [0, *range(6, 21), *range(31, 60)]
    last = script.seen[-1].metrics["demand"]
    assert np.isfinite(last).all()
    assert last[20:30].tolist() == [contest.demand.units[19]] * 10


def test_a_baseline_outage_is_work_for_the_cloud_that_a_gauge_does_not_see() -> None:
    contest = Contest(demand=demand(300), world=World(baseline_units=10, max_instances=60))
    outage = Weather(outages=(Period(from_minute=100, minutes=50, usable_fraction=0.5),))
    fair, foul = (on_ladder("keda", contest, weather=weather).run for weather in (None, outage))

    assert foul.desired_instances.tolist() == fair.desired_instances.tolist()
    more = foul.burst_units - fair.burst_units
    assert more[:100].sum() == more[150:].sum() == 0
    assert more[100:150].max() == 5
    assert foul.unserved_units.sum() > fair.unserved_units.sum()


@pytest.mark.parametrize("queue", [None, QUEUE], ids=["live", "backlog"])
@pytest.mark.parametrize("peer", PEERS)
def test_cutting_the_future_leaves_the_past_as_it_was(peer: str, queue: Queue | None) -> None:
    weather = Weather(
        pools={
            "Spot": PoolWeather(
                available=np.repeat([9, 2, 0, 30], 40), boot_seconds=(60.0, 300.0, 900.0)
            )
        },
        lost=(Period(from_minute=150, minutes=20),),
        outages=(Period(from_minute=220, minutes=50),),
    )
    whole = demand(400)
    cut = replace(whole, units=whole.units[:300])
    pools = (pool("Spot", units=2), pool("Sure", units=3))
    world = World(baseline_units=10, max_instances=60, units_per_instance=2)
    long, short = (
        on_ladder(peer, Contest(demand=made, world=world, queue=queue), pools, weather)
        for made in (whole, cut)
    )
    for before, after in zip(long.pools, short.pools, strict=True):
        for of in ("desired", "ready", "billed"):
            assert getattr(before, of)[:300].tolist() == getattr(after, of).tolist()
    assert long.run.desired_instances[:300].tolist() == short.run.desired_instances.tolist()
    assert long.run.explanations[:300] == short.run.explanations
