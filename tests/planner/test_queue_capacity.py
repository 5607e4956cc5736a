"""What works on a queue as it is seen: what serves, what boots, and what takes no work."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peakfleet_planner import (
    FleetSpec,
    Memory,
    MetricSeries,
    Plan,
    PoolReading,
    Reason,
    Snapshot,
    decide,
)
from tests.planner.fleets import NOW, series, sizes
from tests.planner.one_pool import reading
from tests.planner.one_queue import planned, queue_fleet

BOOT = 180
counts = st.integers(0, 20)
waits = st.sampled_from([20.0, 300.0, 2000.0])
ages = st.integers(0, 2 * BOOT)
groups = st.builds(
    lambda serves, boots, knows, age, new: (
        serves,
        boots,
        min(knows, boots),
        age,
        min(new, serves),
    ),
    counts,
    counts,
    counts,
    ages,
    counts,
)
"""Points that serve, that boot, how many of these are known to for how long, and what is new."""


def group(name: str, seen: tuple[int, int, int, int, int], *, times: int = 1) -> PoolReading:
    serves, boots, knows, age, _ = (times * one for one in seen)
    return reading(
        serves + boots,
        serves,
        name=name,
        booting_capacity=boots,
        booting_since=((NOW - age // times, knows),) if knows else (),
        busy_capacity=serves // 2 // times * times,
        max_capacity=500,
    )


def decided(
    spec: FleetSpec,
    seen: dict[str, tuple[int, int, int, int, int]],
    waiting: float,
    in_flight: MetricSeries,
    *,
    times: int = 1,
) -> Plan:
    """Return what is decided of a queue that is as it is for an hour."""
    readings = tuple(group(name, one, times=times) for name, one in seen.items())
    return decide(
        spec,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": {"waiting": series([waiting] * 60), "in_flight": in_flight}},
            pools=readings,
            memory=Memory(
                desired={one.name: one.desired_capacity for one in readings},
                growth={name: ((NOW - 60, times * one[4]),) for name, one in seen.items()},
            ),
        ),
    )


def needs(plan: Plan) -> tuple[float, ...]:
    return (plan.demand_units, plan.wanted_units, plan.serving_units, plan.idle_units)


@given(first=groups, second=groups, waiting=waits, busy=st.none() | counts)
def test_two_pools_work_on_a_queue_as_one_of_both_sizes_does(
    first: tuple[int, int, int, int, int],
    second: tuple[int, int, int, int, int],
    waiting: float,
    busy: int | None,
) -> None:
    in_flight = MetricSeries() if busy is None else series([float(busy)] * 60)
    spec = queue_fleet()
    (pool,) = spec.pools
    unread, other = (replace(pool, name=name, group=name) for name in ("unread", "other"))
    three = replace(spec, pools=(unread, pool, other))
    both = decided(three, {"p0": first, "other": second}, waiting, in_flight)
    apart = Snapshot(
        now_epoch_seconds=NOW,
        signals={"jobs": {"waiting": series([waiting] * 60), "in_flight": in_flight}},
        pools=(one_of(group("p0", first), group("other", second)),),
        memory=Memory(
            desired={"p0": sum(first[:2]) + sum(second[:2])},
            growth={"p0": ((NOW - 60, first[4] + second[4]),)},
        ),
    )
    assert needs(both) == pytest.approx(needs(decide(spec, apart)))


def one_of(first: PoolReading, second: PoolReading) -> PoolReading:
    """Return one group of what is in both."""
    return replace(
        first,
        desired_capacity=first.desired_capacity + second.desired_capacity,
        in_service_capacity=first.in_service_capacity + second.in_service_capacity,
        booting_capacity=(first.booting_capacity or 0) + (second.booting_capacity or 0),
        booting_since=(*first.booting_since, *second.booting_since),
        busy_capacity=first.busy_capacity + second.busy_capacity,
    )


@given(seen=groups, waiting=waits, busy=st.none() | counts, each=st.sampled_from([2, 8]))
def test_points_of_many_units_work_as_many_points_of_one_do(
    seen: tuple[int, int, int, int, int], waiting: float, busy: int | None, each: int
) -> None:
    in_flight = MetricSeries() if busy is None else series([float(busy)] * 60)
    coarse = decided(queue_fleet(each=each), {"p0": seen}, waiting, in_flight)
    fine = decided(queue_fleet(), {"p0": seen}, waiting, in_flight, times=each)
    assert needs(coarse) == pytest.approx(needs(fine))


@given(serves=st.integers(1, 60), waiting=waits)
def test_what_has_booted_for_a_boot_counts_as_what_serves_and_what_is_launched_now_as_nothing(
    serves: int, waiting: float
) -> None:
    none = series([0.0] * 60)
    ready = decided(queue_fleet(), {"p0": (0, serves, serves, BOOT, 0)}, waiting, none)
    there = decided(queue_fleet(), {"p0": (serves, 0, 0, 0, serves)}, waiting, none)
    assert ready.wanted_units == pytest.approx(there.wanted_units)
    new = decided(queue_fleet(), {"p0": (0, serves, serves, 0, 0)}, waiting, none)
    empty = decided(queue_fleet(), {"p0": (0, 0, 0, 0, 0)}, waiting, none)
    assert new.wanted_units == pytest.approx(empty.wanted_units)


@given(serves=counts, boots=counts, unmet=st.integers(0, 60), waiting=waits)
def test_what_was_asked_for_and_does_not_boot_is_not_counted_on(
    serves: int, boots: int, unmet: int, waiting: float
) -> None:
    seen = reading(serves + boots + unmet, serves, name="p0", booting_capacity=boots)
    snapshot = Snapshot(
        now_epoch_seconds=NOW,
        signals={"jobs": {"waiting": series([waiting] * 60), "in_flight": series([0.0] * 60)}},
        pools=(seen,),
    )
    met = replace(seen, desired_capacity=serves + boots)
    spec = queue_fleet()
    assert needs(decide(spec, snapshot)) == needs(decide(spec, replace(snapshot, pools=(met,))))


@given(
    capacity=st.integers(0, 100),
    baseline=st.integers(0, 40),
    waiting=st.sampled_from([0, 20, 50, 200]),
    in_flight=st.sampled_from([0, 5, 20, 60]),
)
@example(capacity=30, baseline=10, waiting=20, in_flight=20)
def test_capacity_is_idle_where_half_of_it_has_work_and_no_more_than_half_takes_it(
    capacity: int, baseline: int, waiting: int, in_flight: int
) -> None:
    spec = queue_fleet(baseline_units=baseline)
    found = planned(spec, [float(waiting)] * 60, [float(in_flight)] * 60, capacity=capacity)
    there = capacity + baseline
    idle = there > 0 and 2 * waiting >= there and 2 * in_flight <= there
    assert found.idle_units == (there - in_flight if idle else 0)


@given(before=st.sampled_from([0, 1, 30]), minutes=st.sampled_from([1, 9, 10, 11, 20]))
def test_capacity_is_idle_once_it_has_taken_no_work_for_ten_minutes(
    before: int, minutes: int
) -> None:
    waiting = [*[0.0] * before, *[2000.0] * minutes]
    found = planned(queue_fleet(), waiting, [0.0] * len(waiting), capacity=100)
    assert (found.idle_units > 0) is (minutes >= 10 and before + minutes > 10)


@given(ago=st.sampled_from([0, BOOT, BOOT + 599, BOOT + 600, 3600]))
def test_capacity_is_idle_no_sooner_than_ten_minutes_after_it_could_serve(ago: int) -> None:
    memory = Memory(growth={"p0": ((NOW - ago, 100),)}, desired={"p0": 100})
    found = planned(queue_fleet(), [2000.0] * 60, [0.0] * 60, capacity=100, memory=memory)
    assert found.idle_units == (100 if ago >= BOOT + 600 else 0)


@given(capacity=st.integers(1, 100), in_flight=st.integers(0, 50))
def test_of_idle_capacity_what_works_stays_twice_and_at_least_a_tenth(
    capacity: int, in_flight: int
) -> None:
    in_flight = min(in_flight, capacity // 2)
    found = planned(queue_fleet(), [2000.0] * 60, [float(in_flight)] * 60, capacity=capacity)
    stays = max(2 * in_flight, capacity / 10)
    assert found.wanted_units == pytest.approx(stays)
    assert sizes(found) == [ceil(stays)]


@given(serves=st.integers(1, 60), boots=counts)
def test_where_the_queue_does_not_count_what_is_idle_stays_and_does_not_grow(
    serves: int, boots: int
) -> None:
    seen = {"p0": (serves, boots, 0, 0, 0)}
    found = decided(queue_fleet(), seen, 4000.0, MetricSeries())
    assert Reason.NO_WORK_TAKEN in (found.reason, *found.limits)
    assert found.wanted_units == serves + boots
    assert sizes(found) == [serves + boots]


@given(items=st.integers(1, 60), baseline=st.integers(0, 60), wait=st.sampled_from([300, 3600]))
def test_the_baseline_takes_its_part_of_items_that_each_need_a_unit(
    items: int, baseline: int, wait: int
) -> None:
    spec = queue_fleet(deadline_seconds=wait, seconds_per_item=3 * wait, baseline_units=baseline)
    waiting = [0.0] * 55 + [float(items)] * 5
    assert sizes(planned(spec, waiting, [0.0] * 60)) == [max(0, items - baseline)]
