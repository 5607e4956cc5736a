"""Queues: work that has time left waits, and all of it is finished in time."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BacklogSignal,
    ForeignSize,
    Growth,
    Memory,
    MetricSeries,
    Plan,
    Reason,
    SignalMemory,
    Snapshot,
    decide,
)
from peakfleet_planner.demand import Queue, read_queue, required_units
from tests.planner.fleets import NOW, seen, series, sizes, units
from tests.planner.one_queue import planned, queue_fleet

counts = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 200)), min_size=1, max_size=70)
capacity = st.integers(0, 60)


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


@given(history=counts, running=capacity)
def test_what_a_queue_asks_for_above_the_baseline_is_its_burst_and_what_must_grow_is_expected(
    history: list[tuple[float, float]], running: int
) -> None:
    waiting, busy = [list(one) for one in zip(*history, strict=True)]
    plan = planned(queue_fleet(baseline_units=20), waiting, busy, capacity=running)
    assert plan.burst_units == max(0.0, plan.demand_units - 20)
    grown_units = 20 + plan.wanted_units if plan.wanted_units else 0.0
    assert plan.ahead_units == max(plan.demand_units, grown_units)


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


lengths = st.sampled_from([30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0])


@given(history=counts, seconds=lengths, deadline=lengths, running=capacity)
def test_growth_never_goes_beyond_the_items_there_are(
    history: list[tuple[float, float]], seconds: float, deadline: float, running: int
) -> None:
    spec = queue_fleet(deadline_seconds=deadline, seconds_per_item=seconds)
    waiting, busy = [list(one) for one in zip(*history, strict=True)]
    (desired,) = sizes(planned(spec, waiting, busy, capacity=running))
    believed = max(w + b for w, b in history[-5:])
    assert desired <= max(running, ceil(believed))


@given(busy=st.integers(1, 60), idle=st.integers(0, 20), seconds=lengths, deadline=lengths)
def test_busy_workers_with_nothing_waiting_are_what_is_asked_for(
    busy: int, idle: int, seconds: float, deadline: float
) -> None:
    spec = queue_fleet(deadline_seconds=deadline, seconds_per_item=seconds)
    plan = planned(spec, [0.0] * 60, [float(busy)] * 60, capacity=busy + idle)
    assert sizes(plan) == [busy]


@given(waiting=st.lists(st.floats(0, 1e4), min_size=2, max_size=60), zeros=st.integers(1, 60))
def test_a_count_in_flight_that_is_not_published_is_zero(waiting: list[float], zeros: int) -> None:
    """SQS publishes it only while something is in flight."""
    spec = queue_fleet()
    zeros = min(zeros, len(waiting) - 1)
    published = series([0.0] * (len(waiting) - zeros), age_minutes=1 + zeros)
    (pool,) = seen(spec, [0])
    signals = {"jobs": {"waiting": series(waiting), "in_flight": published}}
    plan = decide(spec, Snapshot(now_epoch_seconds=NOW, signals=signals, pools=(pool,)))
    assert plan == planned(spec, waiting, [0.0] * len(waiting))


def test_a_count_in_flight_that_is_late_is_the_one_before() -> None:
    spec = queue_fleet(seconds_per_item=3600)
    published = series([30.0] * 58, age_minutes=3)
    (pool,) = seen(spec, [30])
    signals = {"jobs": {"waiting": series([0.0] * 60), "in_flight": published}}
    plan = decide(spec, Snapshot(now_epoch_seconds=NOW, signals=signals, pools=(pool,)))
    assert sizes(plan) == [30]


def test_a_count_in_flight_that_stays_away_is_zero_whatever_it_was() -> None:
    spec = queue_fleet(seconds_per_item=3600)
    published = series([30.0] * 50, age_minutes=11)
    (pool,) = seen(spec, [30])
    signals = {"jobs": {"waiting": series([0.0] * 60), "in_flight": published}}
    plan = decide(spec, Snapshot(now_epoch_seconds=NOW, signals=signals, pools=(pool,)))
    assert plan.demand_units == 0
    assert sizes(plan) == [0]


@given(items=st.integers(1, 60), wait=st.floats(120, 3600), times=st.floats(0.6, 20))
def test_each_item_longer_than_it_may_wait_gets_one_unit(
    items: int, wait: float, times: float
) -> None:
    spec = queue_fleet(deadline_seconds=wait, seconds_per_item=times * wait, boot_seconds=wait / 2)
    waiting = [0.0] * 50 + [float(items)] * 10
    assert sizes(planned(spec, waiting, [0.0] * 60)) == [items]


def test_items_that_vanish_and_come_back_keep_their_age() -> None:
    spec = queue_fleet(deadline_seconds=600)
    pile, idle = [0.0] * 50 + [1000.0] * 10, [0.0] * 60
    glitch = [*pile[:-3], 0.0, *pile[-2:]]
    assert planned(spec, glitch, idle) == planned(spec, pile, idle)


def test_an_empty_queue_is_believed_after_five_counts() -> None:
    spec = queue_fleet(deadline_seconds=600)
    pile = [0.0] * 50 + [1000.0] * 10
    for zeros, believed in ((1, False), (4, False), (5, True)):
        plan = planned(spec, [*pile, *[0.0] * zeros], [0.0] * (60 + zeros), capacity=50)
        assert (plan.demand_units == 0) is believed


@given(history=counts, running=capacity, share_workers=st.booleans())
def test_queues_that_share_workers_add_up(
    history: list[tuple[float, float]],
    running: int,
    share_workers: bool,  # noqa: FBT001  what is declared
) -> None:
    one = queue_fleet()
    (signal,) = one.signals
    two = replace(
        one,
        signals=(signal, replace(signal, name="other")),
        queues_share_workers=share_workers,
    )
    waiting, busy = [list(some) for some in zip(*history, strict=True)]
    read = {"waiting": series(waiting), "in_flight": series(busy)}
    both = decide(
        two,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": read, "other": read},
            pools=seen(two, [2 * running if share_workers else running]),
        ),
    )
    alone = planned(one, waiting, busy, capacity=running)
    factor = 2 if share_workers else 1
    assert both.demand_units == pytest.approx(factor * alone.demand_units)
    assert both.wanted_units == pytest.approx(factor * alone.wanted_units)


@given(
    history=st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), min_size=1, max_size=60),
    running=capacity,
    share=st.sampled_from([0.0, 0.125, 0.75]),
)
def test_work_in_two_queues_that_share_workers_needs_what_it_needs_in_one(
    history: list[tuple[float, float]], running: int, share: float
) -> None:
    one = queue_fleet(deadline_seconds=300, boot_seconds=600)
    (signal,) = one.signals
    two = replace(one, signals=(signal, replace(signal, name="other")))
    waiting, busy = [list(some) for some in zip(*history, strict=True)]
    read = {
        name: {
            "waiting": series([part * count for count in waiting]),
            "in_flight": series([part * count for count in busy]),
        }
        for name, part in (("jobs", share), ("other", 1 - share))
    }
    both = decide(two, Snapshot(now_epoch_seconds=NOW, signals=read, pools=seen(two, [running])))
    alone = planned(one, waiting, busy, capacity=running)
    assert both.demand_units == pytest.approx(alone.demand_units)
    assert both.wanted_units == pytest.approx(alone.wanted_units)


@given(
    waits=st.integers(0, 300),
    silent_units=st.floats(0, 300),
    share_workers=st.booleans(),
    unread=st.booleans(),
)
def test_a_queue_that_falls_silent_adds_its_last_units_to_those_of_the_others(
    waits: int, silent_units: float, *, share_workers: bool, unread: bool
) -> None:
    one = queue_fleet()
    (signal,) = one.signals
    two = replace(
        one,
        signals=(signal, replace(signal, name="other")),
        queues_share_workers=share_workers,
    )
    read = {"waiting": series([waits] * 60), "in_flight": series([0] * 60)}
    none = MetricSeries(readable=not unread)
    seen_now = Snapshot(
        now_epoch_seconds=NOW,
        signals={"jobs": read, "other": {"waiting": none, "in_flight": none}},
        pools=seen(two, [0]),
        memory=Memory(signals={"other": SignalMemory(units=silent_units)}),
    )
    plan = decide(two, seen_now)
    known = plan.signals[0].units or 0.0
    both = known + silent_units if share_workers else max(known, silent_units)
    assert plan.demand_units == pytest.approx(both)
    if share_workers:
        assert plan.wanted_units >= silent_units * (1 - 1e-9)


def poisoned(minutes: int, *, in_flight: float = 0.0, capacity: int = 100) -> Plan:
    waiting = [*[0.0] * 30, *[2000.0] * minutes]
    return planned(queue_fleet(), waiting, [in_flight] * len(waiting), capacity=capacity)


def test_capacity_that_takes_no_work_stops_growth_after_ten_minutes() -> None:
    assert sizes(poisoned(5))[0] > 100
    late = poisoned(12)
    assert sizes(late)[0] <= 100
    assert late.idle_units == 100
    assert Reason.NO_WORK_TAKEN in (late.reason, *late.limits)
    assert poisoned(12, in_flight=60.0).idle_units == 0
    assert sizes(poisoned(12, in_flight=60.0))[0] > 100


@given(capacity=st.integers(0, 100), each=st.sampled_from([1 / 64, 0.5, 1.0, 4.0]))
def test_capacity_that_takes_no_work_is_said_however_little_it_is(
    capacity: int, each: float
) -> None:
    waiting = [*[0.0] * 30, *[2000.0] * 12]
    plan = planned(queue_fleet(each=each), waiting, [0.0] * 42, capacity=capacity)
    assert plan.idle_units == capacity * each
    assert (Reason.NO_WORK_TAKEN in (plan.reason, *plan.limits)) is (capacity > 0)


def test_instances_that_say_that_they_work_are_not_idle_where_the_queue_does_not_count() -> None:
    spec = queue_fleet()
    waiting = series([*[0.0] * 30, *[2000.0] * 12])
    (pool,) = seen(spec, [100])
    told = [
        decide(
            spec,
            Snapshot(
                now_epoch_seconds=NOW,
                signals={"jobs": {"waiting": waiting, "in_flight": in_flight}},
                pools=(replace(pool, busy_capacity=100),),
            ),
        ).idle_units
        for in_flight in (MetricSeries(), series([0.0] * 42))
    ]
    assert told == [0, 100]


def test_nothing_that_serves_is_no_idle_capacity() -> None:
    plan = poisoned(30, capacity=0)
    assert plan.idle_units == 0
    assert sizes(plan)[0] > 0


def test_one_message_group_needs_no_more_than_it_takes() -> None:
    plan = poisoned(12, in_flight=1.0)
    assert plan.idle_units == 99
    assert 1 <= sizes(plan)[0] <= 10


def test_what_takes_no_work_is_said_of_queues_that_share_workers_too() -> None:
    one = queue_fleet()
    (signal,) = one.signals
    signals = (signal, replace(signal, name="other"))
    two = replace(one, signals=signals, queues_share_workers=True)
    read = {"waiting": series([2000.0] * 42), "in_flight": series([0.0] * 42)}
    found = Snapshot(
        now_epoch_seconds=NOW,
        signals={"jobs": read, "other": read},
        pools=seen(two, [100]),
        memory=Memory(),
    )
    assert decide(two, found).idle_units == 100


@pytest.mark.parametrize(("groups", "jobs_per_minute"), [(1, 3), (5, 20), (40, 90)])
def test_a_fleet_whose_queue_gives_out_few_items_settles_and_grows_again_once_it_gives_more(
    groups: int, jobs_per_minute: int
) -> None:
    """As a FIFO queue with few message groups does: a size that swings costs for nothing."""
    spec, backlog, capacity, memory = queue_fleet(), 0.0, 0, Memory()
    waiting, busy, found = [0.0] * 30, [0.0] * 30, []
    for minute in range(150):
        given_out = groups if minute < 120 else 1000
        backlog = max(0.0, backlog + jobs_per_minute - (busy[-1] if minute else 0))
        working = float(min(capacity, given_out, backlog))
        waiting, busy = [*waiting[1:], backlog - working], [*busy[1:], working]
        plan = planned(spec, waiting, busy, capacity=capacity, memory=memory)
        (told,) = sizes(plan)
        step = ((NOW, told - capacity),) if told > capacity else ()
        gone = ((NOW, capacity - told),) if told < capacity else ()
        memory = Memory(
            growth={"p0": (*aged(memory.growth.get("p0", ())), *step)},
            shrinkage={"p0": (*aged((memory.shrinkage or {}).get("p0", ())), *gone)},
        )
        capacity = told
        found.append((capacity, plan.idle_units))
    assert {size for size, _ in found[60:120]} == {2 * groups}
    assert all(idle > 0 for _, idle in found[60:120])
    assert max(size for size, _ in found[120:]) > 2 * groups


def aged(steps: Growth) -> Growth:
    """Return the steps as they are a minute later, seen from the same now."""
    return tuple((at - 60, points) for at, points in steps)


@pytest.mark.parametrize(
    "memory",
    [
        Memory(growth={"p0": ((NOW - 300, 100),)}),
        Memory(desired={"p0": 0}),
        Memory(
            desired={"p0": 0},
            foreign=(ForeignSize(pool="p0", capacity=100, since_epoch_seconds=NOW - 300),),
        ),
    ],
    ids=["asked for by the fleet", "found just now", "set by the safety net"],
)
def test_capacity_that_only_just_serves_is_not_called_idle(memory: Memory) -> None:
    spec = queue_fleet()
    waiting = [*[0.0] * 30, *[2000.0] * 12]
    idle = planned(spec, waiting, [0.0] * 42, capacity=100)
    (pool,) = seen(spec, [100])
    new = decide(
        spec,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": {"waiting": series(waiting), "in_flight": series([0.0] * 42)}},
            pools=(pool,),
            memory=memory,
        ),
    )
    assert (idle.idle_units, new.idle_units) == (100, 0)
