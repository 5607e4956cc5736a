"""What arrives in a queue is learned where its work may not wait for new capacity."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest

from peakfleet_learner import learn
from peakfleet_learner.queue_trial import QueueTrial
from peakfleet_planner import IN_FLIGHT, WAITING, BacklogSignal, DemandModel, MetricSeries
from peakfleet_planner.demand import learned_demand
from peakfleet_planner.forecast import basis_of, why_reactive, work_may_wait
from peakfleet_sim import Comparison, Demand, PeakfleetPolicy, Queue, World
from peakfleet_sim.policies import backlog_spec
from tests.learner.patterns import DAY, bursts_every_hour, points
from tests.planner.fleets import JOBS, NOW, STREAMS, fleet

WORLD = World(units_per_instance=10, baseline_units=100, max_instances=100, boot_seconds=300)
DEADLINE_SECONDS = 120
SPEC = backlog_spec(WORLD, seconds_per_item=30, deadline_seconds=DEADLINE_SECONDS)
START = datetime(2026, 3, 1, tzinfo=UTC)
QUEUE = BacklogSignal(
    name="jobs",
    metrics={WAITING: JOBS, IN_FLIGHT: JOBS},
    seconds_per_item=30,
    drain_within_seconds=DEADLINE_SECONDS,
)
LIVE = fleet().signals[0]


@cache
def learned(days: float = 1.6) -> DemandModel:
    model = learn(SPEC, points(bursts_every_hour(days)))
    assert model is not None
    return model


def comparison(units: list[float]) -> Comparison:
    demand = Demand(name="bursts", start=START, units=np.array(units))
    queue = Queue(seconds_per_item=30, deadline_seconds=DEADLINE_SECONDS)
    return Comparison(demand=demand, world=WORLD, queue=queue)


def test_arrivals_that_repeat_are_foreseen_for_less_than_they_cost_when_they_surprise() -> None:
    grade = learned().grade
    assert grade.minutes > 0
    assert grade.foresight_cost < 0.8 * grade.reactive_cost


def test_a_queue_is_graded_by_what_a_replay_of_it_costs_and_what_is_late() -> None:
    units = bursts_every_hour(0.5)
    run = comparison(units).replay(PeakfleetPolicy(spec=SPEC, foresight=False))
    basis = basis_of(SPEC)
    assert basis is not None
    trial = QueueTrial(SPEC, basis, metric_delay_minutes=1)
    late = paid = 0.0
    for value in units:
        cost = trial.step(value / basis.layer_units, None)
        late += trial.missed
        paid += cost - trial.unserved_cost * trial.missed
    assert late * basis.layer_units == pytest.approx(run.unserved_units.sum(), rel=0.1)
    assert paid == pytest.approx(run.billed_instances.sum(), rel=0.1)


def test_what_arrives_is_what_the_counts_of_the_queue_say() -> None:
    """Ten units are busy and three items of half a minute more wait each minute."""
    times = range(NOW - 1200, NOW - 60, 60)
    waiting = MetricSeries(points=tuple((time, 3.0 * at) for at, time in enumerate(times)))
    busy = MetricSeries(points=tuple((time, 10.0) for time in times))
    spec = replace(SPEC, signals=(QUEUE,))
    found = learned_demand(spec, {"jobs": {WAITING: waiting, IN_FLIGHT: busy}}, NOW)
    assert [time for time, _ in found] == list(times)[1:]
    assert [units for _, units in found] == [pytest.approx(11.5)] * len(found)
    both = replace(spec, signals=(QUEUE, replace(QUEUE, name="more")), queues_share_workers=True)
    read = {WAITING: waiting, IN_FLIGHT: busy}
    twice = learned_demand(both, {"jobs": read, "more": read}, NOW)
    assert [units for _, units in twice] == [pytest.approx(2 * units) for _, units in found]
    apart = replace(both, queues_share_workers=False)
    assert learned_demand(apart, {"jobs": read, "more": read}, NOW) == found


def test_a_queue_beside_live_demand_is_no_part_of_what_is_learned() -> None:
    alone, beside = replace(SPEC, signals=(LIVE,)), replace(SPEC, signals=(QUEUE, LIVE))
    assert basis_of(beside) == basis_of(alone)
    streams = MetricSeries(points=tuple((time, 7.0) for time in range(NOW - 1200, NOW - 60, 60)))
    read = {LIVE.name: dict.fromkeys(LIVE.metrics, streams), "jobs": {}}
    assert learned_demand(beside, read, NOW) == learned_demand(alone, read, NOW) != ()


@pytest.mark.parametrize(
    ("signals", "why"),
    [
        ((LIVE, replace(LIVE, name="second")), None),
        ((QUEUE,), None),
        ((replace(QUEUE, metrics={WAITING: JOBS}),), "nobody knows what arrives"),
        ((QUEUE, LIVE), None),
        ((replace(QUEUE, metrics={WAITING: JOBS}), LIVE), None),
        ((QUEUE, replace(QUEUE, name="more")), None),
        ((replace(QUEUE, seconds_per_item=7200),), "takes more than half of the time"),
        (
            (replace(LIVE, metrics={"m": replace(STREAMS, period_seconds=300)}),),
            "is read in periods of 300 seconds",
        ),
    ],
)
def test_a_fleet_learns_unless_there_is_a_reason_that_can_be_told(
    signals: tuple[BacklogSignal, ...], why: str | None
) -> None:
    spec = replace(SPEC, signals=signals, queues_share_workers=False)
    reason = why_reactive(spec)
    assert (basis_of(spec) is None) == (reason is not None) == (why is not None)
    assert why is None or why in str(reason)


def test_a_queue_that_may_wait_for_new_capacity_has_nothing_to_foresee() -> None:
    spec = replace(SPEC, signals=(replace(QUEUE, drain_within_seconds=900),))
    assert why_reactive(spec) is None
    assert work_may_wait(spec)
    assert basis_of(spec) is None
    assert learn(spec, points([1.0] * DAY)) is None
