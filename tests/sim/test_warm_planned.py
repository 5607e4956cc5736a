"""A warm pool whose size is planned: it fills when the model is trusted, and pays for itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from peakfleet_sim import Comparison, Demand, DemandError, Run, WarmPoolSpec, World, score
from peakfleet_sim.replay import choose

DAY = 1440
UNITS = np.full(4 * DAY, 90.0)
for start in range(17, len(UNITS) - 30, 211):
    UNITS[start : start + 12] = 250.0
PLANNED = WarmPoolSpec(auto=True, cost_fraction=0.01)


def comparison(pool: WarmPoolSpec, minutes: int = len(UNITS)) -> Comparison:
    """Return bursts of 15 instances that come at no fixed minute."""
    demand = Demand(
        name="bursts",
        start=datetime(2026, 3, 1, tzinfo=UTC),
        units=UNITS[:minutes],
        history_minutes=3 * DAY,
    )
    world = World(units_per_instance=10, baseline_units=100, max_instances=60, warm_pool=pool)
    return Comparison(demand=demand, world=world)


@cache
def planned() -> Run:
    return comparison(PLANNED).peakfleet()


def test_a_planned_pool_costs_less_than_none() -> None:
    cold = comparison(WarmPoolSpec())
    optimum = cold.optimum()
    with_pool = score(planned(), optimum=optimum).score
    without = score(cold.peakfleet(), optimum=optimum).score
    assert with_pool is not None
    assert without is not None
    assert with_pool < 0.95 * without


def test_nothing_waits_before_the_model_is_trusted() -> None:
    idle = planned().billed_instances - planned().ready_instances
    assert not idle[:17].any()
    foreseen = ["foreseen" in words for words in planned().explanations]
    assert not any(foreseen[: 2 * DAY])
    assert all(foreseen[3 * DAY :])
    assert idle[3 * DAY :].min() > 0


def test_what_comes_later_changes_no_planned_pool_before_it() -> None:
    cut = 3 * DAY + 333
    part = comparison(PLANNED, cut).peakfleet()
    assert part.billed_instances.tolist() == planned().billed_instances[:cut].tolist()


def test_policies_that_plan_no_pool_have_none() -> None:
    keda = choose("keda:0.9")
    with_none = keda.run(comparison(WarmPoolSpec()))
    assert (
        keda.run(comparison(PLANNED)).billed_instances.tolist()
        == with_none.billed_instances.tolist()
    )


def test_a_pool_is_planned_or_of_a_given_size() -> None:
    with pytest.raises(DemandError, match="instances must be 0 where the size is planned, got 3"):
        replace(PLANNED, instances=3)
