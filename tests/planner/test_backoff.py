"""When a pool that was refused capacity is asked again, and what is forgotten then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Answer,
    Launch,
    Memory,
    Outage,
    OutageCause,
    PoolSpec,
    Refusal,
    decide,
    pursue,
)
from peakfleet_planner.pools import refused
from peakfleet_planner.pools.backoff import spread
from tests.planner.capacity import LADDER, NOW, ZONES, demand, groups

SPOT = LADDER.pools[0]
BY_PLACE = {OutageCause.NO_CAPACITY, OutageCause.NO_ADDRESSES, OutageCause.AT_RISK}
refusals = st.lists(
    st.tuples(st.integers(0, 3600), st.integers(1, 6)), min_size=2 * len(ZONES), max_size=6
)


def refused_everywhere(drawn: list[tuple[int, int]]) -> tuple[Outage, ...]:
    """Return one refusal of each type in each zone, so long ago, so often in a row."""
    places = [(kind, zone) for kind in SPOT.instance_types for zone in ZONES]
    return tuple(
        Outage(
            cause=OutageCause.NO_CAPACITY,
            asked_at_epoch_seconds=NOW - age,
            attempts=attempts,
            purchase="spot",
            zone=zone,
            instance_type=kind,
        )
        for (kind, zone), (age, attempts) in zip(places, drawn, strict=True)
    )


@given(drawn=refusals)
def test_a_pool_dry_everywhere_is_asked_once_the_latest_refusal_allows_it(
    drawn: list[tuple[int, int]],
) -> None:
    known = refused_everywhere(drawn)
    told = decide(LADDER, replace(demand(500, groups([0, 0])), memory=Memory(outages=known))).pools[
        0
    ]
    latest = max(one.retry_at_epoch_seconds for one in known)
    assert bool(told.launches) == (latest <= NOW)
    assert len(told.launches) <= 1
    assert told.outage is (OutageCause.NO_CAPACITY if latest > NOW else None)


@given(granted=st.integers(0, 20), attempts=st.integers(1, 5), load=st.floats(100, 900))
def test_a_refusal_that_is_met_again_has_not_ended(
    granted: int, attempts: int, load: float
) -> None:
    """A launch may be met in part: one type was given, the other refused once more."""
    known = refused_everywhere([(3600, attempts)] * 6)
    seen = replace(demand(load, groups([0, 0])), memory=Memory(outages=known))

    def ask(pool: PoolSpec, launch: Launch) -> Answer:
        if pool.purchase != "spot":
            return Answer(capacity=launch.capacity)
        again = Refusal(cause=OutageCause.NO_CAPACITY, instance_types=("c8g.large",))
        return Answer(capacity=min(granted, launch.capacity), refusals=(again,))

    pursued = pursue(LADDER, seen, decide(LADDER, seen), ask=ask)
    refused = {one.scope for one in pursued.outages}
    assert refused
    assert not refused & {one.scope for one in pursued.ended}
    assert {one.instance_type for one in pursued.ended} == ({"c7g.large"} if granted else set())


def after_refusal(
    cause: OutageCause,
    *,
    zone: str | None = "a",
    types: tuple[str, ...] = (),
    pool: PoolSpec = SPOT,
    known: tuple[Outage, ...] = (),
) -> tuple[Outage, ...]:
    return refused(
        pool, zones=ZONES, zone=zone, instance_types=types, cause=cause, outages=known, now=NOW
    )


@pytest.mark.parametrize("cause", sorted(set(OutageCause) - BY_PLACE))
def test_a_refusal_that_is_about_no_place_shuts_the_pool_alone(cause: OutageCause) -> None:
    (found,) = after_refusal(cause, types=("c8g.large",))
    assert (found.pool, found.zone, found.instance_type) == ("Spot", None, None)
    assert found.purchase == "spot"


@pytest.mark.parametrize("cause", [OutageCause.NO_CAPACITY, OutageCause.AT_RISK])
def test_a_lack_of_capacity_is_about_types_and_a_zone_whoever_asks(cause: OutageCause) -> None:
    every = after_refusal(cause)
    assert [(one.pool, one.zone, one.instance_type) for one in every] == [
        (None, "a", "c8g.large"),
        (None, "a", "c7g.large"),
    ]
    (one,) = after_refusal(cause, zone="b", types=("c7g.large",))
    assert (one.zone, one.instance_type) == ("b", "c7g.large")
    untyped = replace(SPOT, instance_types=())
    (own,) = after_refusal(cause, pool=untyped)
    assert (own.pool, own.zone, own.instance_type) == ("Spot", "a", None)


def test_a_lack_of_addresses_is_about_a_zone_or_a_pool_whatever_the_type() -> None:
    (zonal,) = after_refusal(OutageCause.NO_ADDRESSES, types=("c8g.large",))
    assert (zonal.pool, zonal.zone, zonal.instance_type) == (None, "a", None)
    (pool,) = after_refusal(OutageCause.NO_ADDRESSES, zone=None)
    assert (pool.pool, pool.zone, pool.instance_type) == ("Spot", None, None)


@given(attempts=st.integers(1, 9), age=st.integers(1, 3600))
def test_each_refusal_in_a_row_counts_one_more(attempts: int, age: int) -> None:
    (known,) = after_refusal(OutageCause.QUOTA)
    assert known.attempts == 1
    before = replace(known, attempts=attempts, asked_at_epoch_seconds=NOW - age)
    (again,) = after_refusal(OutageCause.QUOTA, known=(before,))
    assert again.attempts == attempts + 1
    others = replace(before, pool="OnDemand")
    assert after_refusal(OutageCause.QUOTA, known=(others,)) == (known,)


@given(drawn=refusals)
def test_a_pool_that_was_dry_everywhere_counts_all_its_zones_in_a_row(
    drawn: list[tuple[int, int]],
) -> None:
    known = refused_everywhere([(age + 1, attempts) for age, attempts in drawn])
    most = max(one.attempts for one in known)
    found = after_refusal(OutageCause.NO_CAPACITY, known=known)
    assert {one.attempts for one in found} == {most + 1}
    one_is_new = (replace(known[-1], asked_at_epoch_seconds=NOW), *known[:-1])
    own = {one.instance_type: one.attempts for one in known if one.zone == "a"}
    found = after_refusal(OutageCause.NO_CAPACITY, known=one_is_new)
    assert {one.instance_type: one.attempts - 1 for one in found} == own
    one_is_open = known[:-1]
    found = after_refusal(OutageCause.NO_CAPACITY, known=one_is_open)
    assert {one.instance_type: one.attempts - 1 for one in found} == own


@given(zones=st.sets(st.sampled_from(ZONES)), running=st.lists(st.integers(0, 9), min_size=3))
def test_a_zone_with_a_type_left_is_asked_at_once_and_others_when_their_time_is_over(
    zones: set[str], running: list[int]
) -> None:
    """Of the zones that are named both types were refused, of the others one."""
    known = tuple(
        one
        for one in refused_everywhere([(100, 1)] * 6)
        if one.zone in zones or one.instance_type == "c8g.large"
    )
    spot = replace(groups([0, 0])[0], zones=dict(zip(ZONES, running, strict=False)))
    seen = replace(demand(2000, (spot, groups([0, 0])[1])), memory=Memory(outages=known))
    told = decide(LADDER, seen).pools[0]
    if len(zones) < len(ZONES):
        assert {launch.zone for launch in told.launches} == set(ZONES) - zones
    else:
        assert told.outage is OutageCause.NO_CAPACITY
    over = tuple(replace(one, asked_at_epoch_seconds=NOW - 180) for one in known)
    later = replace(seen, memory=Memory(outages=over))
    asked = {launch.zone for launch in decide(LADDER, later).pools[0].launches}
    assert asked == (set(ZONES) if len(zones) < len(ZONES) else {"a"})


@given(age=st.integers(600, 7200))
def test_a_pools_own_refusal_ends_when_it_is_given_and_nobody_elses(age: int) -> None:
    (own,) = after_refusal(OutageCause.QUOTA)
    own = replace(own, asked_at_epoch_seconds=NOW - age)
    known = (own, replace(own, pool="OnDemand", purchase="on-demand"))
    seen = replace(demand(100, groups([0, 0])), memory=Memory(outages=known))
    pursued = pursue(
        LADDER, seen, decide(LADDER, seen), ask=lambda _, launch: Answer(capacity=launch.capacity)
    )
    assert pursued.ended == (own,)


@given(age=st.integers(0, 1200))
def test_a_pool_that_cannot_be_read_still_says_why_it_is_shut(age: int) -> None:
    (own,) = after_refusal(OutageCause.QUOTA)
    memory = Memory(desired={"Spot": 3}, outages=(replace(own, asked_at_epoch_seconds=NOW - age),))
    seen = replace(demand(100, groups([0, 0])[1:]), memory=memory)
    told = decide(LADDER, seen).pools[0]
    assert told.outage is (OutageCause.QUOTA if age < 600 else None)
    assert told.desired_capacity == 3


@given(drawn=refusals)
def test_a_dry_pool_that_is_tried_in_one_zone_counts_the_refusals_of_all(
    drawn: list[tuple[int, int]],
) -> None:
    known = refused_everywhere([(7200, attempts) for _, attempts in drawn])
    seen = replace(demand(500, groups([0, 0])), memory=Memory(outages=known))

    def ask(pool: PoolSpec, launch: Launch) -> Answer:
        if pool.purchase != "spot":
            return Answer(capacity=launch.capacity)
        return Answer(capacity=0, refusals=(Refusal(cause=OutageCause.NO_CAPACITY),))

    pursued = pursue(LADDER, seen, decide(LADDER, seen), ask=ask)
    most = max(one.attempts for one in known)
    assert {one.attempts for one in pursued.outages} == {most + 1}
    assert len({one.zone for one in pursued.outages}) == 1


@given(
    load=st.floats(1, 900),
    running=st.lists(st.integers(0, 30), min_size=2, max_size=2),
    left=st.lists(st.integers(0, 40), min_size=3, max_size=3),
    knows=st.booleans(),
)
def test_what_is_given_in_part_counts_at_once_and_is_asked_for_once(
    load: float, running: list[int], left: list[int], *, knows: bool
) -> None:
    """Spot has so many points left in each zone, and on-demand capacity as many as are asked."""
    readings = tuple(
        one if knows else replace(one, booting_capacity=None) for one in groups(running)
    )
    seen = demand(load, readings)
    could = dict(zip(ZONES, left, strict=True))
    given_by: dict[tuple[str, str], int] = {}

    def ask(pool: PoolSpec, launch: Launch) -> Answer:
        points = launch.capacity
        if pool.purchase == "spot":
            points = min(points, could[launch.zone])
            could[launch.zone] -= points
        if points:
            key = (pool.name, launch.zone)
            given_by[key] = given_by.get(key, 0) + points
        missing = points < launch.capacity
        refusals = (Refusal(cause=OutageCause.NO_CAPACITY),) if missing else ()
        return Answer(capacity=points, refusals=refusals)

    first = decide(LADDER, seen)
    plan = pursue(LADDER, seen, first, ask=ask).plan
    launched = {
        (told.name, launch.zone): launch.capacity for told in plan.pools for launch in told.launches
    }
    assert launched == given_by
    for told, was, one in zip(plan.pools, running, readings, strict=True):
        assert told.seen_capacity == was == one.desired_capacity
        more = sum(points for (name, _), points in launched.items() if name == told.name)
        if more:
            assert told.desired_capacity == was + more
            open_zones = [z for z in ZONES if told.name == "OnDemand" or could[z] > 0]
            spread = [one.zones[z] + launched.get((told.name, z), 0) for z in open_zones]
            assert max(spread, default=0) - min(spread, default=0) <= 1
    if first.wanted_units > 10 * sum(running):
        asked_for = 10 * (sum(running) + sum(launched.values()))
        assert first.wanted_units - 1e-6 <= asked_for < first.wanted_units + 10


@given(
    running=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    capacity=st.integers(0, 60),
)
def test_launches_are_what_filling_the_emptiest_zone_one_by_one_gives(
    running: list[int], capacity: int
) -> None:
    zones = [f"z{number}" for number in range(len(running))]
    total = dict(zip(zones, running, strict=True))
    added = dict.fromkeys(zones, 0)
    for _ in range(capacity):
        zone = min(total, key=lambda one: total[one])
        total[zone] += 1
        added[zone] += 1
    launches = spread(zones, dict(zip(zones, running, strict=True)), capacity)
    assert {one.zone: one.capacity for one in launches} == {z: n for z, n in added.items() if n}


@given(attempts=st.integers(1, 100))
def test_what_was_throttled_is_asked_again_within_two_minutes(attempts: int) -> None:
    throttled = Outage(
        cause=OutageCause.THROTTLED, asked_at_epoch_seconds=NOW, attempts=attempts, pool="p"
    )
    assert NOW + 60 <= throttled.retry_at_epoch_seconds <= NOW + 120
