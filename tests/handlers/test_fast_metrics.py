"""Metrics by the second are read twice: by the minute, and lately in their own period."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Calls, Deadline, read_series
from peakfleet_planner import Metric, MetricSeries
from tests.handlers.fake_aws import Paged

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

NOW = 1_800_000_000
HISTORY_SECONDS = 7200
FAST = Metric(namespace="Live", metric_name="Streams", period_seconds=10)
SUM = Metric(namespace="Live", metric_name="Bytes", statistic="Sum", period_seconds=10)
SLOW = Metric(namespace="Live", metric_name="Viewers")


@dataclass(kw_only=True)
class FakeCloudWatch(Paged):
    """Values of one second each, put together as CloudWatch does.

    It keeps 3 hours of periods shorter than a minute. *refused* are periods that it fails to read.
    """

    seconds: dict[str, dict[int, float]]
    refused: frozenset[int] = frozenset()
    calls: list[dict[str, Any]] = field(default_factory=list)

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self.calls.append(asked)
        stats = [query["MetricStat"] for query in asked["MetricDataQueries"]]
        if self.refused & {stat["Period"] for stat in stats}:
            raise ClientError({"Error": {"Code": "InternalServiceFault"}}, "GetMetricData")
        return {
            "MetricDataResults": [
                self._result(query, asked) for query in asked["MetricDataQueries"]
            ]
        }

    def _result(self, query: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        stat = query["MetricStat"]
        period = stat["Period"]
        start, end = (asked[edge].timestamp() for edge in ("StartTime", "EndTime"))
        oldest = NOW - 3 * 3600 if period < 60 else -inf
        periods: dict[int, list[float]] = defaultdict(list)
        for time, value in self.seconds[stat["Metric"]["MetricName"]].items():
            if max(start, oldest) <= time < end:
                periods[time - time % period].append(value)
        combine = sum if stat["Stat"] == "Sum" else lambda values: sum(values) / len(values)
        return {
            "Id": query["Id"],
            "Timestamps": [datetime.fromtimestamp(time, UTC) for time in sorted(periods)],
            "Values": [float(combine(periods[time])) for time in sorted(periods)],
            "StatusCode": "Complete",
        }


def published(*, until: int = NOW + 120, refused: frozenset[int] = frozenset()) -> FakeCloudWatch:
    """Return a CloudWatch with four hours of a value every second."""
    times = range(NOW - 4 * 3600, until)
    names = (FAST.metric_name, SUM.metric_name, SLOW.metric_name)
    return FakeCloudWatch(
        seconds={name: dict.fromkeys(times, 5.0) for name in names}, refused=refused
    )


def read(
    aws: FakeCloudWatch, *metrics: Metric, now: int = NOW, history_seconds: int = HISTORY_SECONDS
) -> tuple[list[MetricSeries], Calls]:
    calls = Calls(deadline=Deadline(remaining_milliseconds=lambda: inf))
    found = read_series(
        {f"m{i}": metric for i, metric in enumerate(metrics)},
        now_epoch_seconds=now,
        history_seconds=history_seconds,
        cloudwatch=cast("CloudWatchClient", aws),
        calls=calls,
    )
    return list(found.values()), calls


def times(points: tuple[tuple[int, float], ...]) -> list[int]:
    return [time for time, _ in points]


def test_history_comes_by_the_minute_and_the_last_minutes_by_the_second() -> None:
    aws = published()
    (series,), _ = read(aws, FAST)
    assert times(series.points) == list(range(NOW - HISTORY_SECONDS, NOW, 60))
    assert times(series.newest) == list(range(NOW - 300, NOW - 10, 10))
    assert len(aws.calls) == 2


def test_between_two_minutes_only_what_is_over_is_read_and_the_last_sample_is_left_out() -> None:
    (series,), _ = read(published(), FAST, now=NOW + 37)
    assert times(series.points)[-1] == NOW - 60
    assert times(series.newest)[-1] == NOW + 10


def test_what_is_read_by_the_second_begins_with_a_whole_minute() -> None:
    (series,), _ = read(published(), FAST, now=NOW + 37)
    assert times(series.newest)[0] % 60 == 0


def test_sums_are_as_they_would_be_for_the_metrics_own_period() -> None:
    (series,), _ = read(published(), SUM)
    assert {value for _, value in (*series.points, *series.newest)} == {50.0}


def test_history_that_is_older_than_three_hours_is_still_there() -> None:
    (series,), _ = read(published(), FAST, history_seconds=4 * 3600)
    assert len(series.points) == 240


def test_metrics_by_the_minute_are_read_once() -> None:
    aws = published()
    (fast, slow), _ = read(aws, FAST, SLOW)
    assert [len(asked["MetricDataQueries"]) for asked in aws.calls] == [2, 1]
    assert (len(slow.points), slow.newest) == (120, ())
    assert fast.newest


def test_without_the_newest_the_minutes_count_and_the_failure_is_noted() -> None:
    (series,), calls = read(published(refused=frozenset({10})), FAST)
    assert (series.readable, len(series.points), series.newest) == (True, 120, ())
    assert [call.operation for call in calls.failed] == ["GetMetricData"]


@pytest.mark.parametrize("period", [1, 5, 20, 30])
def test_every_short_period_is_read(period: int) -> None:
    metric = Metric(namespace="Live", metric_name="Streams", period_seconds=period)
    (series,), _ = read(published(), metric)
    assert times(series.newest)[-1] == NOW - 2 * period
