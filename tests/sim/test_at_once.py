"""What is replayed sooner is replayed the same."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import ServiceLevelSpec
from peakfleet_sim import Comparison, Demand, WarmPoolSpec, World
from peakfleet_sim.replay import KINDS, choose, foreseen
from peakfleet_sim.world import Scenario
from tests.learner.patterns import DAY, bursts_every_hour

PEERS = [name for name in KINDS if name not in {"peakfleet", "optimum"}]


def comparison(seed: int, minutes: int, **physics: object) -> Comparison:
    """Return bursts every hour with steps and holes."""
    noise = np.random.default_rng(seed)
    steps = np.repeat(noise.uniform(0, 200, minutes // 700 + 1), 700)[:minutes]
    units = np.array(bursts_every_hour(minutes / DAY + 1, seed=seed))[:minutes] + steps
    units[noise.uniform(size=minutes) < 0.01] = 0
    for outage in noise.integers(minutes, size=2):  # more than a minute of nothing is doubted
        units[outage : outage + 30] = 0
    start = datetime(2026, 3, 1, 0, int(noise.integers(60)), tzinfo=UTC)
    limits = {"units_per_instance": 10, "baseline_units": 100, "max_instances": 60}
    world = World(**{**limits, **physics})  # type: ignore[arg-type]  # drawn by name
    return Comparison(demand=Demand(name="drawn", start=start, units=units), world=world)


@pytest.mark.parametrize(("delay_seconds", "asked"), [(0, None), (60, None), (60, 0.001)])
def test_the_production_decision_for_many_minutes_at_once_is_that_of_every_tick(
    delay_seconds: int, asked: float | None
) -> None:
    drawn = comparison(delay_seconds, 2 * DAY + 250, metric_delay_seconds=delay_seconds)
    level = ServiceLevelSpec(unserved_cost=10, miss_at_most=asked)
    ticks, at_once = drawn.peakfleet(service_level=level), foreseen(drawn, service_level=level)
    for name in ("desired_instances", "ready_instances", "billed_instances", "unserved_units"):
        assert getattr(ticks, name).tolist() == getattr(at_once, name).tolist(), name
    rules = {"foreseen" in words for words in ticks.explanations}
    assert rules == {True, False}


@pytest.mark.parametrize(
    "physics",
    [
        {"warm_pool": WarmPoolSpec(auto=True)},
        {"metric_delay_seconds": 180},
        {"boot_seconds": 3600},
        {"max_instances": 300},
    ],
)
def test_what_is_not_a_plain_group_of_live_work_is_not_replayed_at_once(
    physics: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match="only live work on one group"):
        foreseen(comparison(1, 60, **physics))


@pytest.mark.parametrize("name", PEERS)
@settings(max_examples=2)
@given(
    seed=st.integers(0, 1000),
    least=st.integers(0, 3),
    warm=st.sampled_from([WarmPoolSpec(), WarmPoolSpec(instances=7)])
    | st.just(WarmPoolSpec(instances=20, reuse=True)),
)
def test_a_policy_on_one_group_does_what_it_does_on_pools(
    name: str, seed: int, least: int, warm: WarmPoolSpec
) -> None:
    drawn = comparison(seed, 300, min_instances=least, warm_pool=warm)
    sooner = choose(name).run(drawn)
    usual = choose(name).run(drawn, scenario=Scenario())
    for series in ("desired_instances", "ready_instances", "billed_instances", "unserved_units"):
        assert getattr(sooner, series).tolist() == getattr(usual, series).tolist(), series
    assert sooner.explanations == usual.explanations
    assert sooner.pools[0].desired.tolist() == usual.pools[0].desired.tolist()
    assert sooner.pools[0].requests == usual.pools[0].requests
