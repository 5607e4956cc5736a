"""Perfect foresight: exact, and never beaten."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_planner import ServiceLevelSpec
from peakfleet_sim import Comparison, Demand, Outcome, Queue, Run, World, score
from peakfleet_sim.replay import optimum
from peakfleet_sim.replay.optimum import live_optimum

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def demand(units: list[float], *, history_minutes: int = 0) -> Demand:
    array = np.array(units, dtype=np.float64)
    return Demand(name="test", start=START, units=array, history_minutes=history_minutes)


def cost(run: Run) -> float:
    missed = run.unserved_units.sum() / run.world.units_per_instance
    return float(run.billed_instances.sum() + run.world.unserved_cost * missed)


def cheapest_of_all(units: list[float], world: World) -> float:
    """Return the least cost over every schedule there is."""
    sizes = range(world.min_instances, world.max_instances + 1)
    best = np.inf
    for schedule in product(sizes, repeat=len(units)):
        ready = np.array(schedule)
        launches = np.maximum(0, np.diff(ready, prepend=world.min_instances)).sum()
        burst = np.maximum(0, np.array(units) - world.baseline_units)
        missed = np.maximum(0, burst / world.units_per_instance - ready).sum()
        best = min(best, ready.sum() + world.boot_minutes * launches + world.unserved_cost * missed)
    return float(best)


@settings(max_examples=60, deadline=None)
@given(
    units=st.lists(st.integers(0, 14).map(lambda half: half / 2), min_size=1, max_size=5),
    boot_seconds=st.sampled_from([0.0, 60.0, 180.0]),
    unserved_cost=st.sampled_from([0.5, 2.0, 10.0]),
    least=st.integers(0, 1),
    each=st.sampled_from([1.0, 2.0]),
)
def test_the_live_optimum_is_the_cheapest_of_all_schedules(
    units: list[float], boot_seconds: float, unserved_cost: float, least: int, each: float
) -> None:
    world = World(
        units_per_instance=each,
        baseline_units=1,
        min_instances=least,
        max_instances=3,
        boot_seconds=boot_seconds,
        unserved_cost=unserved_cost,
    )

    run = Comparison(demand=demand(units), world=world).optimum()

    assert cost(run) == pytest.approx(cheapest_of_all(units, world))
    assert run.ready_instances.min() >= least
    assert run.ready_instances.max() <= 3


@settings(max_examples=40, deadline=None)
@given(units=st.lists(st.integers(0, 9), min_size=1, max_size=40), boot=st.integers(0, 4))
def test_work_with_no_time_to_wait_has_the_optimum_of_live_work(
    units: list[int], boot: int
) -> None:
    world = World(baseline_units=2, max_instances=6, boot_seconds=60.0 * boot)
    numbers = [float(n) for n in units]  # whole instances: the linear program has no fractions
    live = Comparison(demand=demand(numbers), world=world)

    queue = replace(live, queue=Queue(seconds_per_item=60, deadline_seconds=0))

    assert cost(queue.optimum()) == pytest.approx(cost(live.optimum()), abs=1e-6)


def test_a_queue_that_may_wait_needs_less_than_live_work() -> None:
    units = [2.0] * 10 + [8.0] * 3 + [2.0] * 30
    world = World(baseline_units=4, max_instances=20)

    costs = [
        cost(
            Comparison(
                demand=demand(units),
                world=world,
                queue=Queue(seconds_per_item=60, deadline_seconds=60 * minutes),
            ).optimum()
        )
        for minutes in (0, 2, 30)
    ]

    assert costs[0] > costs[1] > costs[2] == pytest.approx(0)


@settings(max_examples=40, deadline=None)
@given(
    units=st.lists(st.floats(0, 40), min_size=1, max_size=80),
    boot_seconds=st.sampled_from([0.0, 120.0, 300.0]),
    unserved_cost=st.sampled_from([1.0, 10.0]),
    each=st.sampled_from([1.0, 3.0]),
    queue=st.sampled_from([None, Queue(seconds_per_item=90, deadline_seconds=300)]),
)
def test_no_policy_beats_perfect_foresight(
    units: list[float], boot_seconds: float, unserved_cost: float, each: float, queue: Queue | None
) -> None:
    world = World(
        units_per_instance=each,
        baseline_units=10,
        max_instances=15,
        boot_seconds=boot_seconds,
        unserved_cost=unserved_cost,
    )
    comparison = Comparison(demand=demand(units), world=world, queue=queue)

    for run in (
        comparison.peakfleet(),
        comparison.peakfleet(service_level=ServiceLevelSpec(unserved_cost=50, hold_seconds=0)),
        comparison.target_tracking(),
        comparison.target_tracking(target=1.0),
    ):
        in_its_world = replace(comparison, world=run.world)  # some always keep an instance
        assert cost(run) >= cost(in_its_world.optimum()) - 1e-6


def test_a_score_counts_the_minutes_after_the_history_only() -> None:
    comparison = Comparison(
        demand=demand([9.0] * 5 + [3.0] * 5, history_minutes=5),
        world=World(baseline_units=2, max_instances=9, boot_seconds=0, unserved_cost=10),
    )

    outcome = score(comparison.optimum(), optimum=comparison.optimum(), usd_per_instance_hour=6)

    assert outcome == Outcome(
        policy="optimum",
        instance_minutes=5,
        burst_units=5,
        unserved_units=0,
        violation_minutes=0,
        cost_ratio=1,
        score=1,
        usd=0.5,
    )


def test_a_score_prices_missed_work_in_instances() -> None:
    comparison = Comparison(
        demand=demand([8.0] * 10),
        world=World(units_per_instance=4, max_instances=9, boot_seconds=0, unserved_cost=10),
    )
    best = comparison.optimum()
    idle = replace(
        best,
        ready_instances=np.zeros(10),
        billed_instances=np.zeros(10),
        unserved_units=8.0 + np.zeros(10),
    )

    outcome = score(idle, optimum=best)

    assert outcome.score == pytest.approx(10 * 20 / 20)  # 80 units are 20 instance-minutes
    assert outcome.violation_minutes == 10
    assert outcome.unserved_percent == 100


def test_a_score_without_any_burst_is_not_defined() -> None:
    comparison = Comparison(demand=demand([1.0] * 5), world=World(baseline_units=2))

    outcome = score(comparison.peakfleet(), optimum=comparison.optimum())

    assert (outcome.score, outcome.cost_ratio, outcome.unserved_percent) == (None, None, 0.0)


def test_the_optimum_of_a_large_fleet_is_worked_out_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(
        units_per_instance=1,
        baseline_units=2,
        min_instances=3,
        max_instances=40,
        boot_seconds=120,
        unserved_cost=4,
    )
    units = demand([float(minute * 7 % 31) for minute in range(120)])
    whole = live_optimum(units, world)
    monkeypatch.setattr(optimum, "_LAYERS_AT_ONCE", 7)
    pieces = live_optimum(units, world)
    assert (pieces.ready_instances == whole.ready_instances).all()
    assert (pieces.billed_instances == whole.billed_instances).all()
