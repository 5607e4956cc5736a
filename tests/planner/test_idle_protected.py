"""Instances that are protected from scale-in for no work are told, and only those."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import FleetSpec, MetricSeries, Snapshot, decide
from peakfleet_planner.pool_plan import idle_protected
from tests.planner.capacity import LADDER, demand, groups
from tests.planner.fleets import NOW, series
from tests.planner.one_queue import queue_fleet

counts = st.integers(0, 60)
QUEUE = queue_fleet(each=4)


def protected(spec: FleetSpec, snapshot: Snapshot, instances: int, *, each: int = 1) -> Snapshot:
    """Return *snapshot* with a first group of which so many instances are protected."""
    first = replace(
        groups([60 * each, 0])[0],
        name=spec.pools[0].name,
        busy_capacity=instances * each,
        busy_instances=instances,
    )
    return replace(snapshot, pools=(first, *snapshot.pools[1:]))


def queue(in_flight: MetricSeries) -> Snapshot:
    read = {"waiting": series([0.0] * 60), "in_flight": in_flight}
    return Snapshot(now_epoch_seconds=NOW, signals={"jobs": read})


@given(instances=counts, in_flight=counts, wanted=st.floats(0, 300), each=st.integers(1, 9))
def test_of_a_queue_no_more_counts_than_has_no_message_in_flight_and_is_not_wanted(
    instances: int, in_flight: int, wanted: float, each: int
) -> None:
    seen = protected(QUEUE, queue(series([float(in_flight)] * 60)), instances, each=each)
    idle = idle_protected(QUEUE, seen, wanted_units=wanted)
    assert 0 <= idle <= max(0, instances - in_flight)
    assert idle == 0 or wanted < 4 * each * instances
    if wanted == 0:
        assert idle == max(0, instances - in_flight)


@given(instances=counts, minutes_ago=st.integers(1, 60))
def test_a_message_of_the_last_minutes_counts_and_an_older_one_does_not(
    instances: int, minutes_ago: int
) -> None:
    values = [0.0] * 60
    values[-minutes_ago] = 60.0
    idle = idle_protected(QUEUE, protected(QUEUE, queue(series(values)), instances), wanted_units=0)
    assert idle == (0 if minutes_ago <= 10 else instances)


@given(instances=counts)
def test_a_queue_that_cannot_be_read_says_nothing(instances: int) -> None:
    unread = queue(MetricSeries(readable=False))
    assert idle_protected(QUEUE, protected(QUEUE, unread, instances), wanted_units=0) == 0


@given(instances=counts, load=st.floats(0, 900))
def test_of_live_demand_what_is_protected_beyond_it_counts(instances: int, load: float) -> None:
    seen = protected(LADDER, demand(load, groups([60, 0])), instances)
    plan = decide(LADDER, seen)
    assert plan.idle_protected <= instances
    assert (plan.idle_protected > 0) <= (plan.wanted_units < 10 * instances)
    if load == 0:
        assert plan.idle_protected == max(0, int(instances - plan.wanted_units / 10))
