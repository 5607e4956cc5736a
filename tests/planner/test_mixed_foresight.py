"""Fleets whose queues have workers of their own, or stand beside live demand, are foreseen too."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet_learner import learn
from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    DemandModel,
    FleetSpec,
    Memory,
    MetricSeries,
    Plan,
    Snapshot,
    decide,
)
from peakfleet_planner.forecast import basis_of, read_seconds
from peakfleet_sim import live_spec
from peakfleet_sim.policies import backlog_spec
from tests.learner.patterns import bursts_every_hour, points
from tests.learner.test_queues import WORLD, learned
from tests.planner.fleets import seen, units

LIVE = live_spec(WORLD)
QUEUES = backlog_spec(WORLD, seconds_per_item=30, deadline_seconds=120)
QUEUE = BacklogSignal(
    name="jobs",
    metrics=QUEUES.signals[0].metrics,
    seconds_per_item=30,
    drain_within_seconds=120,
)
MIXED = replace(LIVE, signals=(*LIVE.signals, QUEUE))
OF_QUEUES: DemandModel = replace(learned(2.1), trusted=True)


@cache
def of_live() -> DemandModel:
    model = learn(LIVE, points(bursts_every_hour(2.1)))
    assert model is not None
    return replace(model, trusted=True)


def counts(spec: FleetSpec, now: int, busy: float, waiting: float) -> dict[str, MetricSeries]:
    times = range(now - read_seconds(spec), now - 60, 60)
    return {
        WAITING: MetricSeries(points=tuple((time, waiting) for time in times)),
        IN_FLIGHT: MetricSeries(points=tuple((time, busy) for time in times)),
    }


def decided(
    spec: FleetSpec,
    minutes: int,
    *,
    waiting: float = 0.0,
    busy: float = 90.0,
    capacity: int = 0,
    memory: Memory = Memory(),  # noqa: B008  frozen
) -> Plan:
    """Return what is decided of steady live demand, and a queue, so many minutes on."""
    now = of_live().learned_at_epoch_seconds + 60 * (minutes + 1)
    times = range(now - read_seconds(spec), now - 60, 60)
    steady = MetricSeries(points=tuple((time, 90.0) for time in times))
    read = {
        one.name: counts(spec, now, busy, waiting)
        if one.kind == "backlog"
        else dict.fromkeys(one.metrics, steady)
        for one in spec.signals
    }
    return decide(
        spec,
        Snapshot(
            now_epoch_seconds=now,
            signals=read,
            pools=seen(spec, [capacity]),
            memory=memory,
        ),
    )


@settings(max_examples=20, deadline=None)
@given(minutes=st.integers(2, 90), waiting=st.floats(0, 20_000))
def test_the_larger_of_what_is_foreseen_and_what_a_queue_needs_is_served(
    minutes: int, waiting: float
) -> None:
    both = decided(MIXED, minutes, waiting=waiting, memory=Memory(model=of_live()))
    foreseen = decided(LIVE, minutes, memory=Memory(model=of_live()))
    queued = decided(replace(LIVE, signals=(QUEUE,)), minutes, waiting=waiting)
    assert both.rule == "foresight"
    assert units(both) == max(units(foreseen), units(queued))


@settings(max_examples=20, deadline=None)
@given(
    waiting=st.sampled_from([0.0, 20_000.0]),
    busy=st.sampled_from([0.0, 90.0]),
    capacity=st.integers(1, 60),
    steps=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_of_a_queue_beside_foreseen_demand_what_takes_no_work_is_said(
    waiting: float, busy: float, capacity: int, steps: tuple[int, int]
) -> None:
    at = of_live().learned_at_epoch_seconds + 60
    grew, shrank = steps
    (pool,) = MIXED.pools
    memory = Memory(
        desired={pool.name: capacity},
        growth={pool.name: ((at, grew),)},
        shrinkage={pool.name: ((at, shrank),)},
    )
    foreseeing = replace(memory, model=of_live())
    both = decided(MIXED, 5, waiting=waiting, busy=busy, capacity=capacity, memory=foreseeing)
    queued = decided(
        replace(LIVE, signals=(QUEUE,)),
        5,
        waiting=waiting,
        busy=busy,
        capacity=capacity,
        memory=memory,
    )
    assert both.rule == "foresight"
    assert both.idle_units == queued.idle_units


def test_a_queue_that_is_silent_stops_neither_foresight_nor_holds_less() -> None:
    now = of_live().learned_at_epoch_seconds + 120
    times = range(now - read_seconds(MIXED), now - 60, 60)
    steady = MetricSeries(points=tuple((time, 90.0) for time in times))
    old = {
        name: MetricSeries(points=one.points[:-30])
        for name, one in counts(MIXED, now, 20.0, 0.0).items()
    }
    (live,) = LIVE.signals
    snapshot = Snapshot(
        now_epoch_seconds=now,
        signals={live.name: dict.fromkeys(live.metrics, steady), QUEUE.name: old},
        pools=seen(MIXED, [30]),
        memory=Memory(model=of_live()),
    )
    plan = decide(MIXED, snapshot)
    assert plan.rule == "foresight"
    assert units(plan) >= 300


def plan_of_own_workers(first: BacklogSignal, small: BacklogSignal) -> Plan:
    """Return what is decided just before the burst of an hour, a tenth of which is in *small*."""
    spec = replace(QUEUES, signals=(first, small), queues_share_workers=False)
    basis = basis_of(spec)
    assert basis is not None
    now = OF_QUEUES.learned_at_epoch_seconds
    now += 60 * (60 - now // 60 % 60 + 16)
    return decide(
        spec,
        Snapshot(
            now_epoch_seconds=now,
            signals={
                first.name: counts(spec, now, 90.0, 0.0),
                small.name: counts(spec, now, 9.0, 0.0),
            },
            pools=seen(spec, [0]),
            memory=Memory(model=replace(OF_QUEUES, basis=basis)),
        ),
    )


def test_of_queues_with_workers_of_their_own_the_one_with_the_most_is_foreseen() -> None:
    small = replace(QUEUE, name="small", drain_within_seconds=60)
    plan = plan_of_own_workers(QUEUE, small)
    assert plan.rule == "foresight"
    assert units(plan) > 200


def test_what_is_foreseen_for_a_queue_that_may_wait_is_not_started_for_another() -> None:
    patient = replace(QUEUE, drain_within_seconds=3600)
    small = replace(QUEUE, name="small", drain_within_seconds=60)
    plan = plan_of_own_workers(patient, small)
    assert (plan.rule, units(plan)) == ("foresight", 0)
