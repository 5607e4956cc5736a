"""What holds while capacity does not come, is taken, or is changed by somebody else."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    Answer,
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    ForeignSize,
    Memory,
    MetricSeries,
    Notice,
    OtherWriterSpec,
    Outage,
    OutageCause,
    PaceSpec,
    Plan,
    PoolReading,
    PoolSpec,
    Reason,
    Shortfall,
    Snapshot,
    SpecError,
    decide,
    pursue,
)
from peakfleet_planner.pools import shortfalls, unmet_since
from tests.planner.capacity import LADDER, NOW, demand, groups
from tests.planner.fleets import JOBS, fleet

POOL = PoolSpec(name="g", group="asg", units_per_capacity=10, max_capacity=100)
SECOND = replace(POOL, name="h", group="asg-2")
FLEET = fleet(pools=(POOL,), baseline=FixedBaseline(units=0))
BOTH = fleet(pools=(POOL, SECOND), baseline=FixedBaseline(units=0))
capacities = st.integers(0, 100)


def reading(
    desired: int, serving: int | None = None, *, name: str = "g", **seen: object
) -> PoolReading:
    """Return a group of which so many serve and nothing boots."""
    known = {
        "in_service_capacity": desired if serving is None else serving,
        "booting_capacity": 0,
        "min_capacity": 0,
        "max_capacity": 100,
    }
    return PoolReading(name=name, desired_capacity=desired, **(known | seen))  # type: ignore[arg-type]  # any field


def asks(
    units: float, *pools: PoolReading, memory: Memory | None = None, now: int = NOW
) -> Snapshot:
    return replace(demand(units, pools, now=now), memory=memory or Memory())


def sizes(plan: Plan) -> list[int]:
    return [pool.desired_capacity for pool in plan.pools]


def reasons(plan: Plan) -> tuple[Reason, ...]:
    return (plan.reason, *plan.limits)


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


# Somebody else's sizes


@given(own=st.integers(0, 60), more=st.integers(1, 40), units=st.floats(0, 3000))
def test_a_size_that_was_raised_is_a_floor_and_never_a_ceiling(
    own: int, more: int, units: float
) -> None:
    raised = own + more
    memory = Memory(desired={"g": own}, before={"g": own})
    plan = decide(FLEET, asks(units, reading(raised), memory=memory))
    untouched = decide(FLEET, asks(units, reading(raised)))
    assert sizes(plan)[0] == max(raised, sizes(untouched)[0])
    assert sizes(plan)[0] >= min(100, units / 10) - 1e-6


@given(own=st.integers(1, 100), before=capacities, size=capacities, units=st.floats(0, 1000))
def test_a_size_that_was_lowered_is_left_for_as_long_as_the_owner_says(
    own: int, before: int, size: int, units: float
) -> None:
    size = min(size, own - 1)
    memory = Memory(desired={"g": own}, before={"g": before})
    plan = decide(FLEET, asks(units, reading(size), memory=memory))
    assert sizes(plan) == [size]
    assert Reason.OTHER_WRITER in reasons(plan)
    known = ForeignSize(pool="g", capacity=size, since_epoch_seconds=NOW - 600)
    taken_back = replace(memory, foreign=(known,))
    plan = decide(FLEET, asks(units, reading(size), memory=taken_back))
    assert sizes(plan)[0] >= units / 10 - 1e-9
    yields = replace(FLEET, other_writer=OtherWriterSpec(mode="yield"))
    assert sizes(decide(yields, asks(units, reading(size), memory=taken_back))) == [size]


@given(size=st.integers(5, 20), age=st.integers(0, 3600))
@example(size=10, age=119)
@example(size=10, age=120)
def test_a_size_between_two_own_ones_is_own_only_while_the_change_is_recent(
    size: int, age: int
) -> None:
    memory = Memory(desired={"g": 20}, before={"g": 5}, growth={"g": ((NOW - age, 15),)})
    plan = decide(FLEET, asks(200, reading(size), memory=memory))
    is_foreign = size != 20 and age >= 120
    assert (Reason.OTHER_WRITER in reasons(plan)) == is_foreign
    assert sizes(plan) == [size if is_foreign else 20]


def test_a_known_foreign_size_stays_one_while_it_is_left_and_a_new_one_counts_anew() -> None:
    known = ForeignSize(pool="g", capacity=10, since_epoch_seconds=NOW - 500)
    memory = Memory(
        desired={"g": 20}, before={"g": 5}, growth={"g": ((NOW - 60, 15),)}, foreign=(known,)
    )
    assert sizes(decide(FLEET, asks(200, reading(10), memory=memory))) == [10]
    old = replace(memory, growth={}, foreign=(replace(known, since_epoch_seconds=NOW - 700),))
    assert sizes(decide(FLEET, asks(200, reading(10), memory=old))) == [20]
    assert sizes(decide(FLEET, asks(200, reading(9), memory=old))) == [9]


@given(remembered=capacities, foreign=capacities, units=st.floats(0, 3000))
def test_a_group_that_cannot_be_read_is_told_nothing_whatever_is_needed(
    remembered: int, foreign: int, units: float
) -> None:
    memory = Memory(
        desired={"g": remembered, "h": 0},
        foreign=(ForeignSize(pool="g", capacity=foreign, since_epoch_seconds=NOW - 900),),
    )
    plan = decide(BOTH, asks(units, reading(0, name="h"), memory=memory))
    told = plan.pools[0]
    assert not told.changes
    assert not told.launches
    assert told.desired_capacity == max(remembered, foreign)
    assert plan.granted_units >= min(units, 1000) - 1e-6


# Health


@given(serving=capacities, unhealthy=st.integers(3, 100), ids=st.booleans())
def test_a_halted_replacement_tries_one_at_a_time_and_ends_when_new_ones_serve(
    serving: int, unhealthy: int, *, ids: bool
) -> None:
    names = frozenset(f"i-{n}" for n in range(unhealthy)) if ids else frozenset[str]()
    group = reading(
        serving + unhealthy,
        serving,
        unhealthy_capacity=unhealthy,
        unhealthy=names,
        replaces_unhealthy=False,
        max_capacity=300,
    )
    told = decide(FLEET, asks(100, group)).pools[0]
    if unhealthy / (serving + unhealthy) < 0.2:
        assert told.replaces_unhealthy
        assert not told.replacements
    elif ids:
        assert not told.replaces_unhealthy
        assert told.replacements == ("i-0",)
    else:
        assert told.replaces_unhealthy
    unknown = replace(group, booting_capacity=None)
    assert decide(FLEET, asks(100, unknown)).pools[0].replacements == told.replacements
    for boots in (1, None):
        more = replace(group, desired_capacity=group.desired_capacity + 1, booting_capacity=boots)
        assert not decide(FLEET, asks(100, more)).pools[0].replacements
    forbids = replace(group, suspended=("ReplaceUnhealthy",))
    plan = decide(FLEET, asks(100, forbids))
    assert not plan.pools[0].replaces_unhealthy
    assert not plan.pools[0].replacements
    assert Reason.PROCESS_SUSPENDED in reasons(plan)


@pytest.mark.parametrize("unhealthy", [3, 6, 10])
def test_after_an_outage_every_instance_serves_again_although_nothing_may_be_added(
    unhealthy: int,
) -> None:
    spec = fleet(pools=(replace(POOL, max_capacity=10),), baseline=FixedBaseline(units=0))
    group = reading(
        10,
        10 - unhealthy,
        unhealthy_capacity=unhealthy,
        unhealthy=frozenset(f"i-{n}" for n in range(unhealthy)),
        max_capacity=10,
    )
    replaced = 0
    for _ in range(40):
        told = decide(spec, asks(100, group)).pools[0]
        assert told.desired_capacity == 10
        assert len(told.replacements) <= 1
        gone = group.unhealthy_capacity if told.replaces_unhealthy else len(told.replacements)
        replaced += len(told.replacements)
        group = replace(
            group,
            replaces_unhealthy=told.replaces_unhealthy,
            in_service_capacity=group.in_service_capacity + (group.booting_capacity or 0),
            booting_capacity=gone,
            unhealthy_capacity=group.unhealthy_capacity - gone,
            unhealthy=frozenset(sorted(group.unhealthy)[gone:]),
        )
    assert group.in_service_capacity == 10
    assert replaced < 10


@given(
    causes=st.lists(
        st.sampled_from([OutageCause.NEVER_READY, OutageCause.BAD_TEMPLATE, OutageCause.UNKNOWN]),
        min_size=2,
        max_size=2,
    ),
    age=st.integers(0, 1700),
)
def test_pools_that_fail_at_once_are_never_rolled_back(causes: list[OutageCause], age: int) -> None:
    spec = replace(BOTH, broken_image="roll-back", state_table="state")
    outages = tuple(
        Outage(cause=cause, asked_at_epoch_seconds=NOW - old, pool=pool)
        for cause, pool, old in zip(causes, ("g", "h"), (0, age), strict=True)
    )
    pools = [reading(0, name=name, template_version=5) for name in ("g", "h")]
    plan = decide(spec, asks(100, *pools, memory=Memory(outages=outages)))
    assert [one.roll_back_to for one in plan.pools] == [None, None]
    alone = decide(spec, asks(100, *pools, memory=Memory(outages=outages[:1])))
    unknown = causes[0] is OutageCause.UNKNOWN
    assert [one.roll_back_to for one in alone.pools] == [None if unknown else 4, None]


def test_a_reason_that_is_not_known_waits_for_less_than_a_broken_image() -> None:
    unknown = Outage(cause=OutageCause.UNKNOWN, asked_at_epoch_seconds=0)
    broken = Outage(cause=OutageCause.NEVER_READY, asked_at_epoch_seconds=0)
    assert 0 < unknown.retry_at_epoch_seconds < broken.retry_at_epoch_seconds


# Spot notices


@given(age=st.integers(0, 120), other=st.integers(0, 20), units=st.floats(0, 200))
def test_without_a_drain_a_victim_serves_until_others_do_or_its_time_is_up(
    age: int, other: int, units: float
) -> None:
    spot, on_demand = groups([10, other])
    spot = replace(spot, serving=frozenset(f"i-{n}" for n in range(10)))
    notice = Notice(
        instance_id="i-3", pool="Spot", kind="interruption", seen_at_epoch_seconds=NOW - age
    )
    plan = decide(
        LADDER, replace(demand(units, (spot, on_demand)), memory=Memory(notices=(notice,)))
    )
    replaced = 90 + 10 * other >= units
    assert plan.pools[0].drains == (("i-3",) if replaced or age >= 60 else ())
    kept = 0 if plan.pools[0].drains else 10
    assert sum(told.desired_capacity for told in plan.pools) * 10 - kept >= units - 1e-9


# Pace and numbers


@given(seconds=st.lists(st.integers(1, 20), min_size=1, max_size=12), high=st.booleans())
def test_a_storm_of_ticks_moves_a_fleet_no_faster_than_its_pace(
    seconds: list[int], *, high: bool
) -> None:
    spec = replace(FLEET, pace=PaceSpec(out_units=50, in_units=20))
    size, now = (0, NOW) if high else (100, NOW)
    steps: list[tuple[int, int]] = []
    for wait in seconds:
        now += wait
        known = {"g": tuple(steps)}
        memory = Memory(growth=known) if high else Memory(shrinkage=known)
        boots = sum(points for at, points in steps if at > now - 180) if high else 0
        group = reading(size, size - boots, booting_capacity=boots)
        seen = asks(1000 if high else 0, group, memory=memory, now=now)
        told = decide(spec, seen).pools[0]
        moved = abs(told.desired_capacity - size)
        if moved:
            steps.append((now, moved))
        size = told.desired_capacity
        lately = sum(points for at, points in steps if at > now - 60)
        assert lately * 10 <= (50 if high else 20)
    assert len(steps) >= 1


def test_what_one_pool_refused_is_asked_of_the_next_within_the_same_minute() -> None:
    spec = replace(BOTH, pace=PaceSpec(out_units=50, in_units=20))
    dry = Outage(cause=OutageCause.QUOTA, asked_at_epoch_seconds=NOW - 5, pool="g")
    memory = Memory(growth={"g": ((NOW - 10, 5),)}, outages=(dry,))
    plan = decide(spec, asks(50, reading(5, 0), reading(0, name="h"), memory=memory))
    assert sizes(plan) == [0, 5]


def test_a_shrink_that_was_not_made_yet_is_nobody_elses_size() -> None:
    memory = Memory(desired={"g": 0}, before={"g": 5})
    assert sizes(decide(FLEET, asks(0, reading(5), memory=memory))) == [0]
    lately = replace(memory, shrinkage={"g": ((NOW - 60, 5),)})
    assert sizes(decide(FLEET, asks(0, reading(5), memory=lately))) == [0]
    long_ago = replace(memory, shrinkage={"g": ((NOW - 600, 5),)})
    assert sizes(decide(FLEET, asks(0, reading(5), memory=long_ago))) == [5]


@pytest.mark.parametrize(
    "bad", [{"units_per_capacity": 1e300}, {"max_capacity": 10**400}, {"boot_seconds": 1e300}]
)
def test_a_pool_of_numbers_that_overflow_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=next(iter(bad))):
        replace(POOL, **bad)  # type: ignore[arg-type]  # meant to be wrong


@given(short=st.floats(1e-9, 1e-3), unit=st.floats(1e5, 2e5))
def test_rounding_never_takes_a_point_away(short: float, unit: float) -> None:
    spec = FleetSpec(
        fleet="F",
        pools=(
            PoolSpec(name="a", group="a", units_per_capacity=unit, max_capacity=10_000),
            PoolSpec(name="b", group="b", units_per_capacity=2.5, max_capacity=100),
        ),
        signals=FLEET.signals,
        pace=PaceSpec(out_units=3 * unit - short, in_units=unit),
    )
    pools = (
        reading(0, name="a", max_capacity=10_000),
        reading(4, name="b"),
    )
    seen = Snapshot(
        now_epoch_seconds=NOW,
        signals={"streams": {"m": MetricSeries(points=((NOW - 60, 1e12),))}},
        pools=pools,
    )
    assert sizes(decide(spec, seen))[1] >= 4


@given(
    count=st.floats(max_value=-1e-9, allow_nan=False),
    age=st.integers(2, 60),
    which=st.sampled_from([WAITING, IN_FLIGHT]),
)
def test_a_negative_count_is_rejected_beside_a_positive_one_too(
    count: float, age: int, which: str
) -> None:
    jobs = BacklogSignal(
        name="jobs",
        metrics={WAITING: JOBS, IN_FLIGHT: JOBS},
        seconds_per_item=10,
        drain_within_seconds=600,
    )
    spec = replace(FLEET, signals=(jobs,))
    times = [NOW - 60 * minute for minute in range(60, 0, -1)]

    def planned(counts: dict[str, dict[int, float]]) -> Plan:
        read = {one: MetricSeries(points=tuple(known.items())) for one, known in counts.items()}
        return decide(spec, replace(asks(0, reading(2)), signals={"jobs": read}))

    counts = {WAITING: dict.fromkeys(times, 10.0), IN_FLIGHT: dict.fromkeys(times, 50.0)}
    counts[which][NOW - 60 * age] = count
    bad = planned(counts)
    for known in counts.values():  # the whole sample counts as not taken
        del known[NOW - 60 * age]
    without = planned(counts)
    assert bad.signals[0].rejected_samples == 1
    assert bad.signals[0].units == without.signals[0].units
    assert sizes(bad) == sizes(without)
