"""Traffic fills the baseline first, and never goes where nothing serves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from peakfleet_planner import TrafficReading
from peakfleet_planner.pool_plan.traffic import MOST_STEP, MOST_WEIGHT, next_weight

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
