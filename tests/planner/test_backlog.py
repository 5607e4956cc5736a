"""Queues: work that has time left waits, and all of it is finished in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    PaceSpec,
    Plan,
    PoolSpec,
    ServiceLevelSpec,
    Snapshot,
    decide,
)
from peakfleet_planner.demand import SPARE_SHARE, Queue, read_queue, required_units
from tests.planner.fleets import JOBS, NOW, seen, series, sizes, units

counts = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 200)), min_size=1, max_size=70)
capacity = st.integers(0, 60)


def queue_fleet(
    *,
    deadline_seconds: float = 1200,
    baseline_units: float = 0,
    boot_seconds: float = 180,
    each: float = 1.0,
    seconds_per_item: float = 60.0,
    unserved_cost: float = 10.0,
) -> FleetSpec:
    """Return a fleet whose deadline is this long after what is spared of it."""
    return FleetSpec(
        fleet="Media/Transcode",
        pools=(
            PoolSpec(
                name="p0",
                group="a",
                units_per_capacity=each,
                max_capacity=500,
                boot_seconds=boot_seconds,
            ),
        ),
        signals=(
            BacklogSignal(
                name="jobs",
                metrics={"waiting": JOBS, "in_flight": JOBS},
                seconds_per_item=seconds_per_item,
                drain_within_seconds=deadline_seconds / (1 - SPARE_SHARE),
            ),
        ),
        baseline=FixedBaseline(units=baseline_units),
        service_level=ServiceLevelSpec(unserved_cost=unserved_cost),
        pace=PaceSpec(),
    )


def planned(
    spec: FleetSpec,
    waiting: list[float],
    in_flight: list[float],
    *,
    capacity: int = 0,
    in_service: int | None = None,
    booting_since: tuple[tuple[int, int], ...] = (),
) -> Plan:
    serving = capacity if in_service is None else in_service
    (pool,) = seen(spec, [capacity], in_service=[serving])
    return decide(
        spec,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": {"waiting": series(waiting), "in_flight": series(in_flight)}},
            pools=(replace(pool, booting_since=booting_since),),
        ),
    )


def queue_of(waiting: list[float], in_flight: list[float], *, deadline_seconds: float) -> Queue:
    (signal,) = queue_fleet(deadline_seconds=deadline_seconds).signals
    assert isinstance(signal, BacklogSignal)
    read = {"waiting": series(waiting), "in_flight": series(in_flight)}
    found = read_queue(signal, read, [time for time, _ in read["waiting"].points])
    assert found is not None
    return found


def test_the_oldest_work_falls_due_first_and_what_was_worked_is_the_oldest() -> None:
    # 10 come, then 20 more while 4 are finished, then none while 4 more are
    queue = queue_of([10.0, 24.0, 20.0], [0.0, 4.0, 4.0], deadline_seconds=600)
    assert [round(work / 60) for _, work in queue.outstanding()] == [2, 20]
    assert [due - queue.ends[-1] for due, _ in queue.outstanding()] == pytest.approx([480, 540])


def test_work_that_has_time_left_waits_for_the_baseline() -> None:
    spec = queue_fleet(baseline_units=10)
    assert sizes(planned(spec, [0.0] * 59 + [150.0], [0.0] * 60)) == [0]


def test_a_pile_is_smoothed_over_the_time_that_is_left_after_booting() -> None:
    spec = queue_fleet(deadline_seconds=1200, boot_seconds=180)
    pile = 320.0
    plan = planned(spec, [0.0] * 59 + [pile], [0.0] * 60)
    still_coming = pile / 10  # a minute of it each minute until new capacity serves
    assert units(plan) >= pile * 60 / (1200 - 60 - 180)
    assert units(plan) <= (pile + 4 * still_coming) * 60 / (1200 - 60 - 180) + 1


def test_what_boots_since_a_known_time_is_counted_from_when_it_will_serve() -> None:
    spec = queue_fleet()
    pile, idle = [0.0] * 59 + [320.0], [0.0] * 60
    wanted = sizes(planned(spec, pile, idle))[0]
    later = planned(
        spec, [*pile, 320.0], [*idle, 0.0], capacity=wanted, in_service=0,
        booting_since=((NOW - 60, wanted),),
    )  # fmt: skip
    assert sizes(later) == [wanted]


def test_work_is_let_go_of_as_soon_as_less_capacity_finishes_it_in_time() -> None:
    spec = queue_fleet(boot_seconds=60)
    plan = planned(spec, [0.0] * 50 + [60.0] * 10, [0.0] * 60, capacity=200)
    assert 0 < sizes(plan)[0] < 60


def test_work_that_nobody_could_finish_in_time_does_not_start_a_crowd() -> None:
    lost = [(NOW - 60.0, 6000.0)]
    assert required_units(lost, NOW, deadline_seconds=600, least_seconds=60) == 10
    behind = [*lost, (NOW + 300.0, 3000.0)]
    assert required_units(behind, NOW, deadline_seconds=600, least_seconds=60) == 30


def test_where_a_boot_takes_longer_than_the_deadline_arrivals_are_expected_to_go_on() -> None:
    spec = queue_fleet(deadline_seconds=300, boot_seconds=600)
    steady = planned(spec, [0.0] * 60, [40.0] * 60, capacity=40)
    assert sizes(steady)[0] >= 30


def test_a_dearer_miss_never_plans_less() -> None:
    waiting = [float(i % 7) * 9 for i in range(60)]
    busy = [20.0 + i % 5 for i in range(60)]
    plans = [
        units(planned(queue_fleet(deadline_seconds=300, boot_seconds=600, unserved_cost=cost),
                      waiting, busy))
        for cost in (3.0, 10.0, 50.0)
    ]  # fmt: skip
    assert plans == sorted(plans)


@given(history=counts, extra=st.floats(0, 1e4), running=capacity)
def test_more_waiting_never_means_less_capacity(
    history: list[tuple[float, float]], extra: float, running: int
) -> None:
    for deadline_seconds in (300.0, 3600.0):
        spec = queue_fleet(deadline_seconds=deadline_seconds, baseline_units=20)
        waiting, busy = [list(one) for one in zip(*history, strict=True)]
        less = planned(spec, waiting, busy, capacity=running)
        more = planned(spec, [*waiting[:-1], waiting[-1] + extra], busy, capacity=running)
        assert units(more) >= units(less)


@given(history=counts, running=capacity, power=st.integers(-4, 4))
def test_scaling_every_item_scales_the_plan(
    history: list[tuple[float, float]], running: int, power: int
) -> None:
    factor = 2.0**power
    spec = queue_fleet(each=4.0, baseline_units=16)
    larger = queue_fleet(each=4.0 * factor, baseline_units=16 * factor)
    waiting, busy = [list(one) for one in zip(*history, strict=True)]
    plan = planned(spec, waiting, busy, capacity=running)
    scaled = planned(
        larger, [one * factor for one in waiting], [one * factor for one in busy], capacity=running
    )
    assert sizes(scaled) == sizes(plan)


@given(history=counts)
def test_what_a_queue_is_made_of_is_what_is_left_of_it(
    history: list[tuple[float, float]],
) -> None:
    waiting, busy = [list(one) for one in zip(*history, strict=True)]
    queue = queue_of(waiting, busy, deadline_seconds=600)
    batches = queue.outstanding()
    assert sum(work for _, work in batches) == pytest.approx(queue.left[-1])
    assert [due for due, _ in batches] == sorted(due for due, _ in batches)
