"""What set a size is said, and nothing that did not."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import Memory, Outage, OutageCause, Plan, Reason, decide
from tests.planner.capacity import LADDER, NOW, demand, groups
from tests.planner.one_pool import BOTH, FLEET, asks, reading, reasons, sizes

needs = st.integers(1, 100)


def lacks(units: float, first: int, second: int | None, *, most: int = 10) -> Plan:
    """Return what is decided of two pools of the same size, of which the second may be unread."""
    spec = replace(BOTH, pools=tuple(replace(one, max_capacity=most) for one in BOTH.pools))
    read = [reading(first, max_capacity=most)]
    if second is not None:
        read.append(reading(second, name="h", max_capacity=most))
    return decide(spec, asks(units, *read, memory=Memory(desired={"g": first, "h": 3})))


@given(units=st.integers(31, 400))
def test_a_pool_that_cannot_be_read_is_said_where_the_others_do_not_suffice(units: int) -> None:
    unread = lacks(units, 0, None)
    assert (Reason.POOL_UNREADABLE in reasons(unread)) is (units > 130)
    read = lacks(units, 0, 3)
    assert Reason.POOL_UNREADABLE not in reasons(read)
    for plan in (unread, read):
        assert (Reason.AT_MAXIMUM in reasons(plan)) is (units > 200)


@given(units=st.integers(10, 900))
def test_refused_capacity_is_said_where_it_would_have_been_used(units: int) -> None:
    for shut, matters in (("Spot", True), ("OnDemand", False)):
        refused = Outage(cause=OutageCause.NO_CAPACITY, asked_at_epoch_seconds=NOW - 10, pool=shut)
        seen = replace(demand(units, groups([0, 0])), memory=Memory(outages=(refused,)))
        assert (Reason.NO_CAPACITY in reasons(decide(LADDER, seen))) is matters


@given(units=needs, busy=st.integers(0, 100))
def test_busy_instances_are_said_where_more_of_them_work_than_are_needed(
    units: int, busy: int
) -> None:
    plan = decide(FLEET, asks(10 * units, reading(100, busy_capacity=busy)))
    assert sizes(plan) == [max(units, busy)]
    assert (Reason.BUSY in reasons(plan)) is (busy > units)


@given(units=st.integers(0, 100), beyond=st.integers(0, 5))
def test_what_is_needed_is_sized_to_demand_and_where_nothing_is_the_baseline_suffices(
    units: int, beyond: int
) -> None:
    plan = decide(FLEET, asks(10 * units, reading(min(100, units + beyond))))
    assert reasons(plan) == ((Reason.DEMAND if units else Reason.BASELINE_SUFFICES),)
