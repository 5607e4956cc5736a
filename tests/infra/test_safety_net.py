"""A native policy still adds capacity while no tick runs, and never removes any."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from peakfleet import DemandSignal, SafetyNet, SpecError
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, new_stack, only, properties

POLICY = "AWS::AutoScaling::ScalingPolicy"


def test_every_group_grows_when_its_processors_are_busy() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[GRAVITON, SPOT])
    policies = properties(Template.from_stack(stack), POLICY)
    assert [policy["TargetTrackingConfiguration"] for policy in policies] == [
        {
            "DisableScaleIn": True,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 90,
        }
    ] * 2
    assert policies[0]["AutoScalingGroupName"] != policies[1]["AutoScalingGroupName"]


def test_workers_of_a_queue_grow_when_messages_are_late() -> None:
    stack = new_stack()
    jobs = sqs.Queue(stack, "Jobs")
    burst_fleet(stack, signals=[_backlog(jobs)])
    template = Template.from_stack(stack)
    template.has_resource_properties(
        POLICY,
        {
            "PolicyType": "StepScaling",
            "AdjustmentType": "PercentChangeInCapacity",
            "MinAdjustmentMagnitude": 1,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 10}],
        },
    )
    (policy,) = template.find_resources(POLICY)
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "ApproximateAgeOfOldestMessage",
            "Dimensions": [{"Name": "QueueName", "Value": stack.resolve(jobs.queue_name)}],
            "Threshold": 600,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [{"Ref": policy}],
        },
    )


def _backlog(queue: sqs.Queue) -> DemandSignal:
    return DemandSignal.queue_backlog(
        queue, seconds_per_message=90, drain_within=Duration.minutes(10)
    )


def test_a_fleet_that_also_serves_live_demand_watches_its_processors() -> None:
    stack = new_stack()
    signals = [_backlog(sqs.Queue(stack, "Jobs")), DemandSignal.metric(metric())]
    burst_fleet(stack, signals=signals)
    assert only(Template.from_stack(stack), POLICY)["PolicyType"] == "TargetTrackingScaling"


def test_the_net_may_be_chosen() -> None:
    stack = new_stack()
    burst_fleet(stack, safety_net=SafetyNet.cpu(percent=75))
    policy = only(Template.from_stack(stack), POLICY)
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 75


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_net_that_could_never_hold_is_refused(percent: float) -> None:
    with pytest.raises(SpecError, match="percent must be above 0 and at most 100, got"):
        SafetyNet.cpu(percent=percent)
