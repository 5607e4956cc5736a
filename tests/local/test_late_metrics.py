"""Values that come late, or little by little, are read as far as they have come."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_local import Completeness, MetricStore, World
from peakfleet_local.metrics import Sample
from peakfleet_local.testing import in_process_aws

MINUTE = 1_800_000_000
NAMESPACE, NAME = "AWS/ApplicationELB", "RequestCount"
FILLS = Completeness(shares=((60, 0.4), (120, 0.9), (180, 1)))
LATE = Completeness(shares=((240, 1),))


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = float(MINUTE)

    def __call__(self) -> float:
        return self.now


def store_of(*minutes: float) -> tuple[MetricStore, Clock]:
    clock = Clock()
    store = MetricStore(clock=clock)
    for number, value in enumerate(minutes):
        store.put(
            namespace=NAMESPACE,
            name=NAME,
            dimensions={},
            epoch_seconds=MINUTE + 60 * number,
            sample=Sample.of(value),
        )
    return store, clock


def read(store: MetricStore, statistic: str = "Sum") -> list[float]:
    found = store.read(
        namespace=NAMESPACE,
        name=NAME,
        dimensions={},
        start_epoch_seconds=MINUTE,
        end_epoch_seconds=MINUTE + 3600,
        period_seconds=60,
        statistic=statistic,
    )
    return [value for _, value in found]


@pytest.mark.parametrize(
    ("age", "total"), [(59, []), (60, [40.0]), (90, [65.0]), (120, [90.0]), (600, [100.0])]
)
def test_a_sum_fills_up_while_its_minute_ages(age: float, total: list[float]) -> None:
    store, clock = store_of(100)
    store.set_completeness(NAMESPACE, NAME, FILLS)
    clock.now = MINUTE + age
    assert read(store) == pytest.approx(total)


@pytest.mark.parametrize("statistic", ["Average", "Minimum", "Maximum", "p99"])
def test_what_is_no_sum_is_right_as_soon_as_anything_has_come(statistic: str) -> None:
    store, clock = store_of(100)
    store.set_completeness(NAMESPACE, NAME, FILLS)
    clock.now = MINUTE + 60
    assert read(store, statistic) == [100.0]


def test_a_late_metric_has_no_newest_minutes() -> None:
    store, clock = store_of(1, 2, 3, 4)
    store.set_completeness(NAMESPACE, NAME, LATE)
    clock.now = MINUTE + 300
    assert read(store) == [1.0, 2.0]


def test_minutes_take_several_curves_in_turn() -> None:
    store, clock = store_of(1, 2, 3, 4)
    at_once = Completeness(shares=((0, 1),))
    store.set_completeness(NAMESPACE, NAME, at_once, LATE)
    clock.now = MINUTE + 239
    assert read(store) == [1.0, 3.0]


def test_other_metrics_and_a_mended_one_are_whole() -> None:
    store, clock = store_of(1, 2)
    store.set_completeness(NAMESPACE, "Other", LATE)
    assert read(store) == [1.0, 2.0]
    store.set_completeness(NAMESPACE, NAME, LATE)
    clock.now = MINUTE + 60
    assert read(store) == []
    store.set_completeness(NAMESPACE, NAME)
    assert read(store) == [1.0, 2.0]


@given(
    ages=st.lists(st.integers(0, 600), min_size=1, max_size=5, unique=True).map(sorted),
    shares=st.lists(st.floats(0, 1), min_size=5, max_size=5).map(sorted),
    moments=st.lists(st.integers(0, 900), min_size=2, max_size=5).map(sorted),
)
def test_what_has_come_never_goes(ages: list[int], shares: list[float], moments: list[int]) -> None:
    curve = Completeness(shares=tuple(zip(ages, shares, strict=False)))
    seen = [curve.at(moment) for moment in moments]
    assert seen == sorted(seen)
    assert all(0 <= share <= 1 for share in seen)


@pytest.mark.parametrize("shares", [(), ((60, 1), (60, 1)), ((60, 0.5), (120, 0.4)), ((0, 1.1),)])
def test_what_is_no_curve_is_refused(shares: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="completeness"):
        Completeness(shares=shares)


def test_the_api_reads_by_the_clock_of_the_world() -> None:
    world = World(now_epoch_seconds=MINUTE + 60)
    store = MetricStore(clock=lambda: world.now_epoch_seconds)
    store.set_completeness(NAMESPACE, NAME, FILLS)
    with in_process_aws(world=world, metrics=store):
        cloudwatch = boto3.client("cloudwatch", "us-east-1")
        datum = {"MetricName": NAME, "Timestamp": MINUTE, "Value": 100}
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[datum])
        query = {
            "Id": "q",
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": NAME},
                "Period": 60,
                "Stat": "Sum",
            },
        }
        span = {
            "StartTime": datetime.fromtimestamp(MINUTE, UTC),
            "EndTime": datetime.fromtimestamp(MINUTE + 600, UTC),
        }
        seen = []
        for _ in range(3):
            answer = cloudwatch.get_metric_data(MetricDataQueries=[query], **span)
            seen += answer["MetricDataResults"][0]["Values"]
            world.advance(60)
    assert seen == pytest.approx([40.0, 90.0, 100.0])


def test_values_whose_time_has_not_come_can_be_forgotten() -> None:
    store, clock = store_of(1, 2, 3)
    clock.now = MINUTE + 60
    store.forget_future()
    clock.now = MINUTE + 3600
    left = store.read(
        namespace=NAMESPACE,
        name=NAME,
        dimensions={},
        start_epoch_seconds=MINUTE,
        end_epoch_seconds=MINUTE + 3600,
        period_seconds=60,
        statistic="Sum",
    )
    assert [value for _, value in left] == [1, 2]
