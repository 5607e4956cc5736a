"""Laws of capacity that never comes, and of capacity that comes and never serves."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Answer,
    Memory,
    OutageCause,
    PoolReading,
    Reason,
    Shortfall,
    decide,
    pursue,
)
from peakfleet_planner.pools import shortfalls, unmet_since
from tests.planner.capacity import NOW
from tests.planner.one_pool import (
    BOTH,
    FLEET,
    asks,
    capacities,
    reading,
    reasons,
    sizes,
)

# Capacity that never comes


@given(asked=st.integers(1, 60), serving=st.integers(0, 20), late=st.integers(0, 3600))
def test_capacity_that_never_comes_stops_counting_and_the_next_pool_is_asked(
    asked: int, serving: int, late: int
) -> None:
    memory = Memory(
        desired={"g": serving + asked, "h": 0},
        before={"g": serving, "h": 0},
        growth={"g": ((NOW - late, asked),)},
        unmet_since={"g": NOW - late},
    )
    seen = asks(
        10 * (serving + asked),
        reading(serving + asked, serving),
        reading(0, name="h"),
        memory=memory,
    )
    plan = decide(BOTH, seen)
    if late < 360:  # two boots
        assert sizes(plan) == [serving + asked, 0]
        assert plan.missing == ()
        return
    assert sizes(plan) == [serving, asked]
    assert Reason.CAPACITY_MISSING in reasons(plan)
    assert [(one.pool, one.cause) for one in plan.missing] == [("g", OutageCause.MISSING)]


def test_what_is_missing_is_remembered_and_the_pool_is_shut_for_longer_each_time() -> None:
    memory = Memory(desired={"g": 5, "h": 0}, unmet_since={"g": NOW - 3600})
    seen = asks(50, reading(5, 0), reading(0, name="h"), memory=memory)
    pursued = pursue(
        BOTH, seen, decide(BOTH, seen), ask=lambda _, launch: Answer(capacity=launch.capacity)
    )
    (first,) = pursued.outages
    assert first.retry_at_epoch_seconds == NOW + 600
    later = replace(
        asks(50, reading(5, 0), reading(0, name="h"), now=NOW + 4000),
        memory=replace(memory, outages=pursued.outages),
    )
    (second,) = decide(BOTH, later).missing
    assert (second.scope, second.attempts) == (first.scope, 2)


@given(
    asked=st.integers(1, 60),
    serving=st.integers(0, 3),
    before=capacities,
    own=st.booleans(),
    ago=st.none() | st.integers(0, 3600),
)
def test_where_nobody_keeps_since_when_only_a_group_with_nothing_at_all_is_given_up(
    asked: int, serving: int, before: int, *, own: bool, ago: int | None
) -> None:
    """And only for a size of the fleet's own, which it asked for before its last change."""
    memory = Memory(
        desired={"g": asked if own else asked + 1, "h": 0},
        before={"g": before, "h": 0},
        growth={} if ago is None else {"g": ((NOW - ago, asked),)},
    )
    group = reading(asked + serving, serving)
    plan = decide(BOTH, asks(10 * (asked + serving), group, reading(0, name="h"), memory=memory))
    long_ago = before >= asked if ago is None else ago >= 360
    assert bool(plan.missing) == (own and long_ago and not serving)


@given(lost=st.integers(1, 10), since=st.integers(0, 359))
def test_a_group_that_replaces_what_it_lost_is_left_to_it(lost: int, since: int) -> None:
    memory = Memory(desired={"g": 10}, before={"g": 10}, unmet_since={"g": NOW - since})
    plan = decide(FLEET, asks(100, reading(10, 10 - lost), memory=memory))
    assert sizes(plan) == [10]
    assert plan.missing == ()


def test_since_when_something_is_unmet_is_remembered_until_it_is_there() -> None:
    first = asks(100, reading(10, 4), memory=Memory(unmet_since={}))
    assert unmet_since(first) == {"g": NOW}
    still = replace(first, now_epoch_seconds=NOW + 60, memory=Memory(unmet_since={"g": NOW}))
    assert unmet_since(still) == {"g": NOW}
    assert unmet_since(replace(still, pools=(reading(10),))) == {}


@given(least=st.integers(0, 200), units=st.floats(0, 3000))
def test_what_the_minimum_of_a_group_keeps_is_counted_on(least: int, units: float) -> None:
    """A group that somebody gave a minimum above the fleet's own maximum is not made smaller."""
    group = reading(least, min_capacity=least, max_capacity=200)
    plan = decide(BOTH, asks(units, group, reading(0, name="h")))
    assert sizes(plan)[0] >= least
    total = sum(sizes(plan))
    assert total <= max(least, ceil(units / 10 - 1e-9))


@given(units=st.floats(1, 1e5))
def test_pools_of_which_nothing_is_known_are_at_no_maximum(units: float) -> None:
    plan = decide(BOTH, asks(units))
    assert plan.pools == ()
    assert plan.reason is Reason.POOL_UNREADABLE
    assert Reason.AT_MAXIMUM not in plan.limits


# Capacity that comes and never serves


def booted(
    desired: int, serving: int, *, booting_since: tuple[tuple[int, int], ...] = ()
) -> PoolReading:
    """Return a group in which all that does not serve boots."""
    ids = frozenset(f"i-{number}" for number in range(desired - serving))
    seen = reading(desired, serving, booting_capacity=desired - serving, booting=ids)
    return replace(seen, booting_since=booting_since)


def short(points: int, *, since: int, asked: int = 0) -> Memory:
    return Memory(
        desired={"g": 10, "h": 0},
        before={"g": 10, "h": 0},
        growth={"g": ((NOW - asked, points),)} if asked else {},
        unmet_since={},
        shortfalls={"g": Shortfall(since_epoch_seconds=NOW - since, least_capacity=points)},
    )


@given(
    serving=st.integers(0, 8),
    late=st.integers(0, 7200),
    died=st.integers(0, 10),
)
def test_what_does_not_serve_for_three_boots_is_not_counted_on_and_the_next_pool_is_asked(
    serving: int, late: int, died: int
) -> None:
    """Whatever it does meanwhile: boot for ever, or end and be replaced again and again."""
    unhealthy = min(died, 2, 10 - serving)
    seen = booted(10, serving)
    seen = replace(seen, booting_capacity=10 - serving - unhealthy, unhealthy_capacity=unhealthy)
    memory = short(10 - serving, since=late)
    plan = decide(BOTH, asks(100, seen, reading(0, name="h"), memory=memory))
    if late < 600:
        assert sizes(plan) == [10, 0]
        return
    assert sizes(plan) == [10, 10 - serving], "it may serve yet, and nobody else does"
    assert Reason.CAPACITY_MISSING in reasons(plan)
    assert [(one.pool, one.cause) for one in plan.missing] == [("g", OutageCause.MISSING)]


@given(serving=st.integers(0, 8), late=st.integers(600, 7200))
def test_what_does_not_serve_for_half_an_hour_ends_by_name_where_others_do(
    serving: int, late: int
) -> None:
    """Not before: the hook of its launch times out meanwhile, and says that the image is broken."""
    gone, memory = 10 - serving, short(10 - serving, since=late)
    seen = booted(10, serving)
    plan = decide(BOTH, asks(100, seen, reading(gone, name="h"), memory=memory))
    is_over = late >= 1800
    assert sizes(plan) == [serving if is_over else 10, gone]
    assert set(plan.pools[0].drains) == (seen.booting if is_over else set())


@given(serving=st.integers(9, 10), late=st.integers(0, 7200))
def test_a_tenth_of_a_pool_may_always_be_replaced(serving: int, late: int) -> None:
    memory = short(10 - serving, since=late)
    plan = decide(BOTH, asks(100, booted(10, serving), reading(0, name="h"), memory=memory))
    assert sizes(plan) == [10, 0]
    assert plan.missing == ()


@given(serving=st.integers(0, 5), since=st.integers(0, 7200))
def test_what_is_unhealthy_and_replaced_one_by_one_is_no_capacity_that_never_serves(
    serving: int, since: int
) -> None:
    """Its pool must stay open, for only others in its place can show that the trouble is over."""
    names = frozenset(f"i-{number}" for number in range(10 - serving))
    group = reading(
        10,
        serving,
        unhealthy_capacity=10 - serving,
        unhealthy=names,
        replaces_unhealthy=False,
    )
    seen = asks(100, group, reading(0, name="h"), memory=short(10 - serving, since=since))
    plan = decide(BOTH, seen)
    assert plan.missing == ()
    assert len(plan.pools[0].replacements) == 1
    assert shortfalls(seen) == {}


@given(asked=st.integers(1, 599))
def test_what_was_asked_for_within_three_boots_is_waited_for(asked: int) -> None:
    memory = short(6, since=3600, asked=asked)
    plan = decide(BOTH, asks(100, booted(10, 4), reading(0, name="h"), memory=memory))
    assert sizes(plan) == [10, 0]


@given(lacks=st.lists(st.integers(0, 10), min_size=1, max_size=30))
def test_the_least_that_has_not_served_since_is_remembered_until_nearly_all_serves(
    lacks: list[int],
) -> None:
    memory, run = Memory(shortfalls={}), list[int]()
    for minute, lack in enumerate(lacks):
        now = NOW + 60 * minute
        run = [*run, lack] if lack > 1 else []
        seen = asks(100, booted(10, 10 - lack), memory=memory, now=now)
        memory = replace(memory, shortfalls=shortfalls(seen))
        since = now - 60 * (len(run) - 1)
        kept = Shortfall(since_epoch_seconds=since, least_capacity=min(run)) if run else None
        assert (memory.shortfalls or {}).get("g") == kept


@given(since=st.integers(0, 7200), points=st.integers(2, 10))
def test_where_nobody_keeps_it_what_boots_says_since_when(since: int, points: int) -> None:
    seen = booted(10, 10 - points, booting_since=((NOW - since, points),))
    memory = Memory(desired={"g": 10, "h": 0}, before={"g": 10, "h": 0})
    plan = decide(BOTH, asks(100, seen, reading(0, name="h"), memory=memory))
    assert sizes(plan) == [10, points if since >= 600 else 0]


@pytest.mark.parametrize(
    ("process", "rings"),
    [("Terminate", True), ("AlarmNotification", True), ("AZRebalance", False)],
)
def test_only_a_process_that_the_fleet_needs_is_a_trouble(process: str, *, rings: bool) -> None:
    plan = decide(FLEET, asks(100, reading(10, suspended=(process,))))
    assert (Reason.PROCESS_SUSPENDED in reasons(plan)) is rings
    assert plan.pools[0].is_hindered is rings
    assert f"g has {process} suspended" in plan.explain()


@given(desired=capacities, serving=capacities, units=st.floats(0, 3000))
def test_a_group_whose_launches_are_suspended_is_asked_for_nothing_and_that_is_said(
    desired: int, serving: int, units: float
) -> None:
    serving = min(desired, serving)
    group = reading(desired, serving, suspended=("Launch",))
    plan = decide(BOTH, asks(units, group, reading(0, name="h")))
    assert plan.pools[0].desired_capacity <= serving
    assert plan.pools[0].outage is OutageCause.SUSPENDED
    assert Reason.PROCESS_SUSPENDED in reasons(plan)
    assert "g has Launch suspended" in plan.explain()
    assert plan.granted_units >= min(units, 1000) - 1e-6
