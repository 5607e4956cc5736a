"""What holds while capacity does not come, is taken, or is changed by somebody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    ForeignSize,
    Growth,
    Memory,
    MetricSeries,
    Notice,
    OtherWriterSpec,
    Outage,
    OutageCause,
    PaceSpec,
    Plan,
    PoolSpec,
    Reason,
    Snapshot,
    SpecError,
    decide,
)
from tests.planner.capacity import LADDER, NOW, demand, groups
from tests.planner.fleets import JOBS, fleet
from tests.planner.one_pool import (
    BOTH,
    FLEET,
    POOL,
    asks,
    capacities,
    reading,
    reasons,
    sizes,
)

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


@given(
    seconds=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    high=st.booleans(),
    each=st.sampled_from([1, 10]),
    first=st.integers(1, 30),
)
def test_a_storm_of_ticks_moves_a_fleet_no_faster_than_its_pace(
    seconds: list[int], each: int, first: int, *, high: bool
) -> None:
    pools = [replace(one, units_per_capacity=each) for one in BOTH.pools]
    pools[0] = replace(pools[0], max_capacity=first)
    pace = PaceSpec(out_units=5 * each, in_units=2 * each)
    spec = replace(BOTH, pools=tuple(pools), pace=pace)
    size, now = ([0, 0] if high else [first, 30]), NOW
    steps: dict[str, Growth] = {"g": (), "h": ()}
    for wait in seconds:
        now += wait
        memory = Memory(growth=steps) if high else Memory(shrinkage=steps)
        groups = []
        for (name, made), points in zip(steps.items(), size, strict=True):
            boots = sum(more for at, more in made if at > now - 180) if high else 0
            groups.append(reading(points, points - boots, name=name, booting_capacity=boots))
        told = sizes(decide(spec, asks(200 * each * high, *groups, memory=memory, now=now)))
        for name, was, points in zip(steps, size, told, strict=True):
            if points != was:
                steps[name] += ((now, abs(points - was)),)
        size = told
        lately = sum(points for made in steps.values() for at, points in made if at > now - 60)
        assert lately <= (5 if high else 2)
    assert any(steps.values())


@pytest.mark.parametrize(("age", "size"), [(59, 5), (60, 10)])
def test_a_minute_after_a_step_the_pace_allows_the_next(age: int, size: int) -> None:
    spec = replace(FLEET, pace=PaceSpec(out_units=50, in_units=20))
    memory = Memory(growth={"g": ((NOW - age, 5),)})
    booting = reading(5, 0, booting_capacity=5)
    assert sizes(decide(spec, asks(500, booting, memory=memory))) == [size]


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
