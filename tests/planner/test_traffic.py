"""Traffic fills the baseline first, and never goes where nothing serves."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import FixedBaseline, Memory, TrafficReading, TrafficSpec, decide
from peakfleet_planner.pool_plan.traffic import (
    MOST_STEP,
    MOST_WEIGHT,
    cloud_weight,
    next_weight,
)
from tests.planner.fleets import NOW, fleet, snapshot

BALANCED = replace(
    fleet(),
    traffic=TrafficSpec(
        listener_arn="l", baseline_target_group_arn="b", cloud_target_group_arn="c"
    ),
)

weights = st.integers(0, MOST_WEIGHT)
targets = st.none() | st.integers(0, 3)


@given(target=weights, current=weights, baseline=targets, cloud=targets)
def test_no_traffic_moves_to_a_side_without_healthy_targets(
    target: int, current: int, baseline: int | None, cloud: int | None
) -> None:
    read = TrafficReading(cloud_weight=current, baseline_healthy=baseline, cloud_healthy=cloud)
    weight = next_weight(target, read)
    assert 0 <= weight <= MOST_WEIGHT
    if not cloud:
        assert weight <= current
    if not baseline:
        assert weight >= current
    if baseline and cloud:
        assert abs(weight - current) <= MOST_STEP


@given(target=weights, start=weights)
def test_between_two_sides_that_serve_the_split_is_reached_in_three_ticks(
    target: int, start: int
) -> None:
    weight = start
    for _ in range(3):
        read = TrafficReading(cloud_weight=weight, baseline_healthy=1, cloud_healthy=1)
        weight = next_weight(target, read)
    assert weight == target


@given(target=weights, current=weights)
def test_of_sides_of_which_one_serves_that_one_gets_everything(target: int, current: int) -> None:
    for baseline, cloud, expected in ((2, 0, 0), (0, 2, MOST_WEIGHT)):
        read = TrafficReading(cloud_weight=current, baseline_healthy=baseline, cloud_healthy=cloud)
        assert next_weight(target, read) == expected


@given(target=weights, current=weights, seen=st.sampled_from([(None, 2), (2, None), (None, None)]))
def test_without_sight_the_last_weights_stay(
    target: int, current: int, seen: tuple[int | None, int | None]
) -> None:
    baseline, cloud = seen
    read = TrafficReading(cloud_weight=current, baseline_healthy=baseline, cloud_healthy=cloud)
    assert next_weight(target, read) == current


@given(target=weights, least=weights, current=weights)
def test_while_a_group_cannot_be_read_the_weight_stays_between_what_is_sure_and_what_may_be(
    target: int, least: int, current: int
) -> None:
    least = min(least, target)
    read = TrafficReading(cloud_weight=current, baseline_healthy=1, cloud_healthy=1)
    weight = next_weight(target, read, least=least)
    if least <= current <= target:
        assert weight == current
    else:
        assert abs(weight - current) <= MOST_STEP
        assert min(current, least) <= weight <= max(current, target)


@given(share=st.integers(0, 20), unread=st.booleans())
def test_a_group_that_cannot_be_read_for_a_tick_moves_no_traffic(
    share: int, *, unread: bool
) -> None:
    spec = replace(BALANCED, baseline=FixedBaseline(units=100))
    seen = snapshot(spec, [100.0 + 10 * share] * 60, [share])
    read = TrafficReading(
        cloud_weight=cloud_weight(10 * share, 100, 10 * share), baseline_healthy=1, cloud_healthy=1
    )
    seen = replace(
        seen,
        traffic=read,
        pools=() if unread else seen.pools,
        memory=Memory(desired={"p0": share}, weightless_since=NOW - 600),
    )
    plan = decide(spec, seen)
    assert plan.cloud_weight == read.cloud_weight
    assert plan.unserved_units == 0
