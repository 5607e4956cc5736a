"""Native scaling policies act as AWS says, once a minute, on what CloudWatch has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from peakfleet_local import World
from tests.local.groups import REGION, Scene, scene

START = 1_800_000_000
CPU = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}}
LATE = "ApproximateAgeOfOldestMessage"
QUEUE = [{"Name": "QueueName", "Value": "jobs"}]


@contextmanager
def group(*, warm_up: int = 0, **options: Any) -> Iterator[Scene]:  # noqa: ANN401 - as `scene`
    world = World(now_epoch_seconds=START, boot_seconds=0)
    with scene(world=world, DefaultCooldown=warm_up or 1, **options) as it:
        yield it


def track(it: Scene, *, target: float = 50, disable_scale_in: bool = True) -> None:
    it.autoscaling.put_scaling_policy(
        AutoScalingGroupName=it.group,
        PolicyName=f"track-{it.group}",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            **CPU,
            "TargetValue": target,
            "DisableScaleIn": disable_scale_in,
        },
    )


def step(it: Scene, *steps: dict[str, int], threshold: float = 600, **alarm: Any) -> None:  # noqa: ANN401 - as botocore
    policy = it.autoscaling.put_scaling_policy(
        AutoScalingGroupName=it.group,
        PolicyName=f"step-{it.group}",
        PolicyType="StepScaling",
        AdjustmentType="PercentChangeInCapacity",
        MinAdjustmentMagnitude=1,
        StepAdjustments=list(steps),
    )
    boto3.client("cloudwatch", REGION).put_metric_alarm(
        AlarmName="late",
        Namespace="AWS/SQS",
        MetricName=LATE,
        Dimensions=QUEUE,
        Statistic="Maximum",
        Period=60,
        **{
            "EvaluationPeriods": 3,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [policy["PolicyARN"]],
            **alarm,
        },
    )


def pass_minutes(it: Scene, *values: float, name: str = "CPUUtilization") -> list[int]:
    """Publish one value a minute; return desired capacity after each."""
    seen = []
    on_cpu = name == "CPUUtilization"
    of_group = [{"Name": "AutoScalingGroupName", "Value": it.group}]
    for value in values:
        datum = {
            "MetricName": name,
            "Dimensions": of_group if on_cpu else QUEUE,
            "Timestamp": it.world.now_epoch_seconds,
            "Value": value,
        }
        boto3.client("cloudwatch", REGION).put_metric_data(
            Namespace="AWS/EC2" if on_cpu else "AWS/SQS", MetricData=[datum]
        )
        it.world.advance(60)
        seen.append(it.describe()["DesiredCapacity"])
    return seen


def test_target_tracking_grows_in_proportion_after_three_minutes() -> None:
    with group() as it:
        track(it)
        it.set_desired(4)
        it.world.advance(60)
        assert pass_minutes(it, 75, 75, 75) == [4, 4, 6]
        assert "triggered policy track-" in it.activities()[0]["Cause"]
        assert "from 4 to 6" in it.activities()[0]["Cause"]


def test_target_tracking_never_shrinks_where_that_is_disabled() -> None:
    with group() as it:
        track(it)
        it.set_desired(6)
        assert set(pass_minutes(it, *[1] * 20)) == {6}


def test_target_tracking_shrinks_after_fifteen_quiet_minutes_where_it_may() -> None:
    with group() as it:
        track(it, disable_scale_in=False)
        it.set_desired(6)
        it.world.advance(60)
        seen = pass_minutes(it, *[25] * 15)
        assert seen[:-1] == [6] * 14
        assert seen[-1] == 3


def test_a_metric_without_values_scales_nothing() -> None:
    with group() as it:
        track(it, disable_scale_in=False)
        it.set_desired(4)
        it.world.advance(3600)
        assert it.describe()["DesiredCapacity"] == 4


def test_no_policy_passes_the_bounds_of_its_group() -> None:
    with group(maximum=5) as it:
        track(it)
        it.set_desired(4)
        it.world.advance(60)
        assert pass_minutes(it, *[100] * 6)[-1] == 5


def test_machines_that_warm_up_are_not_added_twice() -> None:
    with group(warm_up=300) as it:
        track(it)
        it.set_desired(4)
        it.world.advance(301)
        seen = pass_minutes(it, *[100] * 8)
        assert seen[:5] == [4, 4, 8, 8, 8]
        assert seen[-1] == 16


@pytest.mark.parametrize(
    ("beyond", "expected"), [(10, 11), (100, 13), (1000, 13)], ids=["first", "second", "beyond"]
)
def test_the_step_of_the_breach_decides(beyond: float, expected: int) -> None:
    with group() as it:
        step(
            it,
            {
                "MetricIntervalLowerBound": 0,
                "MetricIntervalUpperBound": 100,
                "ScalingAdjustment": 10,
            },
            {"MetricIntervalLowerBound": 100, "ScalingAdjustment": 30},
        )
        it.set_desired(10)
        it.world.advance(60)
        assert pass_minutes(it, *[600 + beyond] * 3, name=LATE) == [10, 10, expected]


def test_a_breach_goes_on_adding_and_ends_with_the_alarm() -> None:
    with group() as it:
        step(it, {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 10})
        it.set_desired(3)
        it.world.advance(60)
        assert pass_minutes(it, *[700] * 5, name=LATE) == [3, 3, 4, 5, 6]
        assert pass_minutes(it, 1, name=LATE) == [6]
        alarms = boto3.client("cloudwatch", REGION).describe_alarms(AlarmNames=["late"])
        assert alarms["MetricAlarms"][0]["StateValue"] == "OK"
        changes = it.events("CloudWatch Alarm State Change")
        assert [change["detail"]["state"]["value"] for change in changes] == ["ALARM", "OK"]


def test_a_breach_adds_nothing_to_what_warms_up_already() -> None:
    with group(warm_up=300) as it:
        step(it, {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 50})
        it.set_desired(10)
        it.world.advance(301)
        assert pass_minutes(it, *[700] * 6, name=LATE) == [10, 10, 15, 15, 15, 15]


def test_missing_values_breach_where_the_alarm_says_so() -> None:
    with group() as it:
        lower = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 10}
        step(it, lower, TreatMissingData="breaching", EvaluationPeriods=2)
        it.set_desired(3)
        it.world.advance(60)
        assert pass_minutes(it, 700, name=LATE) == [4]


@pytest.mark.parametrize("process", ["AlarmNotification", "Launch"])
def test_a_suspended_process_keeps_policies_from_growing(process: str) -> None:
    with group() as it:
        track(it)
        it.set_desired(4)
        it.world.advance(60)
        it.autoscaling.suspend_processes(AutoScalingGroupName=it.group, ScalingProcesses=[process])
        assert set(pass_minutes(it, *[100] * 5)) == {4}
        it.autoscaling.resume_processes(AutoScalingGroupName=it.group)
        assert pass_minutes(it, 100) == [8]


@pytest.mark.parametrize(("percent", "capacity"), [(1, 1), (10, 19), (55, 7), (200, 3)])
def test_a_percentage_is_rounded_down_but_adds_at_least_one(percent: int, capacity: int) -> None:
    with group(maximum=100) as it:
        step(it, {"MetricIntervalLowerBound": 0, "ScalingAdjustment": percent})
        it.set_desired(capacity)
        it.world.advance(60)
        [*_, after] = pass_minutes(it, *[700] * 3, name=LATE)
        assert after == capacity + max(1, capacity * percent // 100)
