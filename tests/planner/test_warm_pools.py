"""How many instances wait while nothing is foreseen yet."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, reject
from hypothesis import strategies as st

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    Memory,
    PoolReading,
    PoolSpec,
    Reason,
    Snapshot,
    SpendLimitSpec,
    WarmSpec,
    decide,
)
from tests.planner.fleets import fleet, histories, snapshot

FLEET: FleetSpec = fleet(
    baseline=FixedBaseline(units=100),
    pools=(
        PoolSpec(
            name="p0",
            group="asg-0",
            units_per_capacity=10,
            max_capacity=100,
            warm=WarmSpec(min_capacity=1, max_capacity=8),
        ),
    ),
)


def seen(history: list[float], *, target: int | None = None, age_minutes: int = 1) -> Snapshot:
    """Return what is seen of a group whose warm pool was asked to hold *target*."""
    reading = PoolReading(
        name="p0",
        desired_capacity=2,
        in_service_capacity=2,
        min_capacity=0,
        max_capacity=100,
        warm_target=target,
    )
    return replace(snapshot(FLEET, history, age_minutes=age_minutes), pools=(reading,))


def waiting(history: list[float], **more: int) -> int | None:
    (pool,) = decide(FLEET, seen(history, **more)).pools
    return pool.warm_capacity


def test_what_demand_may_rise_by_beyond_what_runs_waits() -> None:
    jumps = [120.0] * 40 + [190.0] * 20 + [120.0] * 60
    assert waiting(jumps) == 7


def test_where_demand_hardly_moves_the_fewest_wait() -> None:
    assert waiting([120.0] * 120) == 1


@given(history=histories, target=st.integers(1, 8))
def test_a_warm_pool_stays_within_its_bounds_and_shrinks_only_by_much(
    history: list[float], target: int
) -> None:
    wanted = waiting(history, target=target)
    if wanted is None:  # demand that vanishes is doubted for a while, and all is left as it is
        reject()
    assert 1 <= wanted <= 8
    assert wanted >= target or wanted < 0.75 * target


@given(history=histories, target=st.integers(1, 8), age=st.integers(5, 100))
def test_silence_leaves_what_waits_as_it_is(history: list[float], target: int, age: int) -> None:
    assert waiting(history, target=target, age_minutes=age) is None


@given(history=histories)
def test_what_waits_ends_once_another_version_is_launched(history: list[float]) -> None:
    found = seen(history, target=5)
    (reading,) = found.pools
    outdated = replace(found, pools=(replace(reading, waits_outdated=True),))
    (told,) = decide(FLEET, outdated).pools
    assert told.warm_capacity == 0


@given(history=histories)
def test_a_fixed_warm_pool_has_its_size_whatever_happens(history: list[float]) -> None:
    (pool,) = FLEET.pools
    fixed = replace(FLEET, pools=(replace(pool, warm=WarmSpec(min_capacity=3, max_capacity=3)),))
    for memory in (Memory(), None):
        (told,) = decide(fixed, replace(seen(history), memory=memory)).pools
        assert told.warm_capacity == 3


@given(rise=st.floats(0, 200), usd=st.floats(0, 30))
def test_nothing_boots_only_to_wait_while_a_spend_limit_refuses_what_should_serve(
    rise: float, usd: float
) -> None:
    (pool,) = FLEET.pools
    limited = replace(
        FLEET,
        pools=(replace(pool, usd_per_capacity_hour=1.0),),
        state_table="t",
        spend_limits=(SpendLimitSpec(usd_per_hour=usd),),
    )
    plan = decide(limited, seen([*[120.0] * 40, *[130 + rise] * 20] * 2, target=1))
    refused = Reason.SPEND_LIMIT in (plan.reason, *plan.limits)
    assert refused is (plan.granted_units < plan.wanted_units)
    assert (plan.pools[0].warm_capacity is None) is refused
