"""The local CloudWatch answers what AWS would, or says that it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_local.metrics import MetricStore, Sample
from peakfleet_local.testing import in_process_aws
from tests.local.deployed import Client, Json

HOUR = 1_647_000_000
DIMENSIONS = [{"Name": "QueueName", "Value": "jobs"}]


@pytest.fixture
def cloudwatch() -> Iterator[Client]:
    with in_process_aws():
        yield boto3.client("cloudwatch", "us-east-1")


def publish(cloudwatch: Client, at: int, value: float, **more: Json) -> None:
    datum = {"MetricName": "Depth", "Timestamp": at, "Value": value, "Dimensions": DIMENSIONS}
    cloudwatch.put_metric_data(Namespace="Jobs", MetricData=[{**datum, **more}])


def query(statistic: str = "Sum", **more: Json) -> dict[str, Any]:
    metric = {"Namespace": "Jobs", "MetricName": "Depth", "Dimensions": DIMENSIONS, **more}
    return {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


def read(cloudwatch: Client, *queries: dict[str, Any], **more: Json) -> dict[str, Any]:
    span = {"StartTime": HOUR, "EndTime": HOUR + 3600, "ScanBy": "TimestampAscending", **more}
    answer = cloudwatch.get_metric_data(MetricDataQueries=list(queries), **span)
    result: dict[str, Any] = answer["MetricDataResults"][0]
    return result


def times(result: dict[str, Any]) -> list[int]:
    return [int(moment.timestamp()) - HOUR for moment in result["Timestamps"]]


def test_datapoints_stand_at_the_start_of_their_period(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR + 61, 5)
    publish(cloudwatch, HOUR + 119, 7)
    publish(cloudwatch, HOUR + 120, 1)
    result = read(cloudwatch, query())
    assert (times(result), result["Values"]) == ([60, 120], [12, 1])


def test_periods_are_aligned_however_the_span_is_cut(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR + 65, 5)
    result = read(cloudwatch, query(), StartTime=HOUR + 90, EndTime=HOUR + 130)
    assert times(result) == [60]


def test_the_newest_comes_first_where_nothing_else_is_asked(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR, 1)
    publish(cloudwatch, HOUR + 60, 2)
    span = {"StartTime": HOUR, "EndTime": HOUR + 3600}
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query()], **span)
    assert answer["MetricDataResults"][0]["Values"] == [2, 1]


def test_the_end_is_not_part_of_the_span(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR + 60, 1)
    assert read(cloudwatch, query(), EndTime=HOUR + 60)["Values"] == []


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Sum", 6), ("Average", 2), ("Minimum", 1), ("Maximum", 3), ("SampleCount", 3), ("p50", 2)],
)
def test_statistics_are_taken_over_the_period(
    cloudwatch: Client, statistic: str, value: float
) -> None:
    for number in (1, 2, 3):
        publish(cloudwatch, HOUR + number, number)
    assert read(cloudwatch, query(statistic))["Values"] == [value]


def test_other_dimensions_are_another_metric(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR, 1)
    assert read(cloudwatch, query(Dimensions=[]))["Values"] == []
    assert read(cloudwatch, query(Dimensions=[*DIMENSIONS, DIMENSIONS[0]]))["Values"] == [1]


def test_an_expression_is_an_error_and_never_just_empty(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR, 1)
    result = read(cloudwatch, {"Id": "e", "Expression": "q * 2"}, query())
    assert result["StatusCode"] == "InternalError"
    assert "q * 2" in result["Messages"][0]["Value"]


def test_an_unknown_statistic_is_refused(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR, 1)
    with pytest.raises(ClientError, match="no statistic 'tm90'"):
        read(cloudwatch, query("tm90"))


def test_more_than_500_queries_are_refused(cloudwatch: Client) -> None:
    with pytest.raises(ClientError, match="size greater than 500"):
        read(cloudwatch, *[{**query(), "Id": f"q{n}"} for n in range(501)])


def test_a_span_that_ends_before_it_starts_is_refused(cloudwatch: Client) -> None:
    with pytest.raises(ClientError, match="EndTime must be greater"):
        read(cloudwatch, query(), EndTime=HOUR)


def test_published_statistics_and_counts_are_read_back(cloudwatch: Client) -> None:
    datum = {"MetricName": "Depth", "Timestamp": HOUR, "Dimensions": DIMENSIONS}
    statistics = {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}
    counted = {"Values": [8.0], "Counts": [3.0]}
    for more in ({"StatisticValues": statistics}, counted):
        cloudwatch.put_metric_data(Namespace="Jobs", MetricData=[{**datum, **more}])
    assert read(cloudwatch, query("Sum"))["Values"] == [34]
    assert read(cloudwatch, query("SampleCount"))["Values"] == [5]


def test_metric_statistics_and_list_metrics_see_the_same_data(cloudwatch: Client) -> None:
    publish(cloudwatch, HOUR + 61, 5)
    answer = cloudwatch.get_metric_statistics(
        Namespace="Jobs",
        MetricName="Depth",
        Dimensions=DIMENSIONS,
        StartTime=HOUR,
        EndTime=HOUR + 3600,
        Period=60,
        Statistics=["Sum", "Maximum"],
    )
    [row] = answer["Datapoints"]
    assert (row["Timestamp"].timestamp(), row["Sum"], row["Maximum"]) == (HOUR + 60, 5, 5)
    listed = cloudwatch.list_metrics(Namespace="Jobs")["Metrics"]
    assert [(m["MetricName"], m["Dimensions"]) for m in listed] == [("Depth", DIMENSIONS)]


def test_a_value_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        MetricStore().put(
            namespace="N",
            name="m",
            dimensions={},
            epoch_seconds=0,
            sample=Sample.of(float("nan")),
        )


@given(
    points=st.lists(st.tuples(st.integers(0, 600), st.integers(-9, 9)), max_size=30),
    start=st.integers(0, 600),
    length=st.integers(1, 600),
    period=st.sampled_from([10, 60, 300]),
)
def test_every_sample_is_in_exactly_one_period(
    points: list[tuple[int, int]], start: int, length: int, period: int
) -> None:
    store = MetricStore()
    for at, value in points:
        store.put(namespace="N", name="m", dimensions={}, epoch_seconds=at, sample=Sample.of(value))
    rows = store.read(
        namespace="N",
        name="m",
        dimensions={},
        start_epoch_seconds=start,
        end_epoch_seconds=start + length,
        period_seconds=period,
        statistic="Sum",
    )
    starts = {at // period * period for at, _ in points}
    first = start // period * period
    assert [at for at, _ in rows] == sorted(s for s in starts if first <= s < start + length)
    for row_start, total in rows:
        assert total == sum(v for at, v in points if row_start <= at < row_start + period)
