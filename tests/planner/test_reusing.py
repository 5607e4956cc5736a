"""What is let go waits for as long as that costs no more than a boot, and nothing boots to wait."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    BootTimes,
    FixedBaseline,
    FleetSpec,
    Heights,
    Memory,
    PoolReading,
    PoolSpec,
    Snapshot,
    WarmSpec,
    decide,
    heights,
)
from tests.planner.fleets import NOW, fleet, histories, snapshot

HOLD_SECONDS = 6000
"""A boot of 180 seconds, at 3 % of the price while it waits."""
FLEET: FleetSpec = fleet(
    baseline=FixedBaseline(units=100),
    pools=(
        PoolSpec(
            name="p0",
            group="asg-0",
            units_per_capacity=10,
            max_capacity=100,
            boot_seconds=180,
            warm=WarmSpec(max_capacity=30, cost_fraction=0.03, reuse=True),
        ),
    ),
)
QUIET = [90.0] * 130
capacities = st.integers(0, 60)


def seen(
    *,
    running: int,
    prepared: int | None = 0,
    known: Heights = (),
    readable: bool = True,
    history: list[float] = QUIET,
    launched: int | None = None,
) -> Snapshot:
    """Return what is seen of a group that was told how many may serve or wait together."""
    there = running if launched is None else launched
    reading = PoolReading(
        name="p0",
        desired_capacity=running,
        in_service_capacity=there,
        booting_capacity=0,
        min_capacity=0,
        max_capacity=100,
        prepared_capacity=prepared,
    )
    memory = Memory(desired={"p0": running}, heights={"p0": known}) if readable else None
    return replace(snapshot(FLEET, history), pools=(reading,), memory=memory)


def prepared(found: Snapshot) -> int | None:
    (told,) = decide(FLEET, found).pools
    return told.prepared_capacity


def ago(seconds: int, points: int) -> tuple[int, int]:
    return (NOW - seconds, points)


def test_what_is_let_go_has_room_to_wait() -> None:
    found = seen(running=12, prepared=12)
    (told,) = decide(FLEET, found).pools
    assert told.desired_capacity < 12
    assert told.prepared_capacity == 12


def test_a_plan_says_how_many_may_wait() -> None:
    assert "(p0 12 to 0 while up to 12 wait)" in decide(FLEET, seen(running=12)).explain()


def test_it_waits_until_that_has_cost_as_much_as_a_boot() -> None:
    assert prepared(seen(running=0, prepared=9, known=(ago(HOLD_SECONDS - 60, 9),))) == 9
    assert prepared(seen(running=0, prepared=9, known=(ago(HOLD_SECONDS, 9),))) == 0


def test_where_boots_take_longer_than_declared_what_waits_is_remembered_as_long_as_it_may() -> None:
    old = ago(HOLD_SECONDS + 60, 9)
    found = seen(running=2, prepared=9, known=(old,))
    slow = BootTimes(seconds={"c8g.large": (300.0,) * 10})
    assert found.memory is not None
    measured = replace(found, memory=replace(found.memory, boots={"p0": slow}))
    assert heights(FLEET, found) == {"p0": ((NOW, 2),)}
    assert heights(FLEET, measured) == {"p0": (old, (NOW, 2))}
    assert prepared(measured) == 9


def test_what_was_needed_more_lately_waits_longer() -> None:
    known = (ago(HOLD_SECONDS, 9), ago(600, 4))
    assert prepared(seen(running=0, prepared=9, known=known)) == 4


def test_no_more_wait_than_the_pool_allows() -> None:
    assert prepared(seen(running=0, prepared=60, known=(ago(60, 60),))) == 30


def test_what_was_refused_is_not_booted_to_wait() -> None:
    assert prepared(seen(running=0, prepared=0, known=(ago(60, 20),))) == 0
    assert heights(FLEET, seen(running=20, launched=6)) == {"p0": ((NOW, 6),)}


def test_while_nothing_can_be_remembered_what_waits_stays() -> None:
    assert prepared(seen(running=0, prepared=9, readable=False)) == 9


def test_what_waits_does_not_outlive_a_deployment() -> None:
    found = seen(running=3, prepared=9, known=(ago(60, 9),))
    (pool,) = found.pools
    outdated = replace(found, pools=(replace(pool, waits_outdated=True),))
    assert prepared(found) == 9
    assert prepared(outdated) == 3


def test_a_group_that_could_not_be_read_is_told_nothing() -> None:
    unread = replace(seen(running=3), pools=())
    (told,) = decide(FLEET, unread).pools
    assert told.prepared_capacity is None
    assert heights(FLEET, unread) == {}


def test_pools_that_reuse_nothing_are_told_and_remember_nothing() -> None:
    (pool,) = FLEET.pools
    for warm in (None, WarmSpec(max_capacity=30)):
        spec = replace(FLEET, pools=(replace(pool, warm=warm),))
        (told,) = decide(spec, seen(running=12, prepared=12)).pools
        assert told.prepared_capacity is None
        assert heights(spec, seen(running=12)) == {}


def test_a_pool_that_reuses_is_told_no_size_of_its_own() -> None:
    jumps = [120.0] * 40 + [190.0] * 20 + [120.0] * 60
    (told,) = decide(FLEET, seen(running=2, history=jumps)).pools
    assert told.warm_capacity is None


@given(history=histories, running=capacities, set_to=capacities, last=st.lists(capacities))
def test_never_more_than_ran_or_waited_and_never_less_than_runs(
    history: list[float], running: int, set_to: int, last: list[int]
) -> None:
    known = tuple(ago(60 * index, points) for index, points in enumerate(last))
    found = seen(running=running, prepared=set_to, known=known, history=history)
    (told,) = decide(FLEET, found).pools
    assert told.prepared_capacity is not None
    assert told.prepared_capacity >= told.desired_capacity
    assert told.prepared_capacity <= max(set_to, running, told.desired_capacity)
    assert told.prepared_capacity - told.desired_capacity <= 30


@given(sizes=st.lists(capacities, min_size=1, max_size=150))
def test_what_is_remembered_is_the_highest_of_the_time_that_counts(sizes: list[int]) -> None:
    known: Heights = ()
    for minute, size in enumerate(sizes):
        found = replace(seen(running=size, known=known), now_epoch_seconds=NOW + 60 * minute)
        known = heights(FLEET, found).get("p0", ())
    assert len(known) <= 32
    lately = sizes[-HOLD_SECONDS // 60 :]
    highest = max((points for _, points in known), default=0)
    assert highest >= max(lately)
    if len(set(sizes)) <= 32:
        assert highest == max(lately)
