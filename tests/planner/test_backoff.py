"""When a pool that was refused capacity is asked again, and what is forgotten then."""

from __future__ import annotations

from dataclasses import replace

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
from tests.planner.capacity import LADDER, NOW, ZONES, demand, groups

SPOT = LADDER.pools[0]
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
