"""A pool goes back from a launch template version that does not work, and only once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import (
    Hold,
    Memory,
    Outage,
    OutageCause,
    Plan,
    RolledBack,
    Snapshot,
    decide,
)
from peakfleet_planner.pool_plan import older_version
from tests.planner.capacity import LADDER, NOW, demand, groups

ROLLING = replace(LADDER, broken_image="roll-back", state_table="state")


def broken(version: int | None, memory: Memory | None = None) -> Snapshot:
    """Return a first pool of which no launch ever serves."""
    first, second = groups([0, 0])
    outage = Outage(
        cause=OutageCause.NEVER_READY, asked_at_epoch_seconds=NOW, pool=LADDER.pools[0].name
    )
    seen = demand(100, (replace(first, template_version=version), second))
    return replace(seen, memory=replace(memory or Memory(), outages=(outage,)))


def told(plan: Plan) -> int | None:
    return plan.pools[0].roll_back_to


def test_the_plan_says_to_which_version_and_why() -> None:
    plan = decide(ROLLING, broken(5))
    assert told(plan) == 4
    assert plan.pools[1].roll_back_to is None
    assert "Spot goes back to version 4 of its launch template" in plan.explain()
    assert Plan.from_json(plan.to_json()) == plan


def test_other_pools_make_up_for_it_meanwhile() -> None:
    plan = decide(ROLLING, broken(5))
    assert [pool.desired_capacity for pool in plan.pools] == [0, 10]


def test_nothing_goes_back_unless_the_fleet_says_so_and_can_remember_it() -> None:
    assert told(decide(LADDER, broken(5))) is None
    assert told(decide(replace(ROLLING, state_table=None), broken(5))) is None
    assert told(decide(ROLLING, replace(broken(5), memory=None))) is None
    hold = Hold(owner="ana", reason="migration", until_epoch_seconds=NOW + 60)
    assert told(decide(ROLLING, broken(5, Memory(hold=hold)))) is None


def test_a_version_that_is_not_known_stays() -> None:
    assert told(decide(ROLLING, broken(None))) is None
    assert told(decide(ROLLING, broken(1))) is None


deployments = st.lists(
    st.tuples(st.integers(1, 3), st.lists(st.integers(0, 1200), max_size=6)), max_size=8
)


@given(first=st.integers(1, 5), steps=deployments)
def test_a_pool_never_walks_further_back_than_once_a_deployment(
    first: int, steps: list[tuple[int, list[int]]]
) -> None:
    """Each deployment brings a newer version; every version is broken, at every tick."""
    now, newest, launched, given_up = 0, first, first, None
    for newer, waits in steps:
        newest += newer
        launched = newest
        changes = 0
        for wait in waits:
            now += wait
            older = older_version(launched, given_up, now_epoch_seconds=now)
            if older is None:
                continue
            assert 1 <= older < launched == newest
            assert given_up is None or older != given_up.version
            given_up = RolledBack(
                pool="p", version=launched, to_version=older, at_epoch_seconds=now
            )
            launched, changes = older, changes + 1
        assert changes <= 1


@given(version=st.integers(2, 50), ago=st.integers(0, 5000))
def test_a_change_that_had_no_effect_is_tried_again_to_the_same_version_but_not_hot(
    version: int, ago: int
) -> None:
    given_up = RolledBack(pool="p", version=version, to_version=1, at_epoch_seconds=0)
    older = older_version(version, given_up, now_epoch_seconds=ago)
    assert older == (1 if ago >= 600 else None)
