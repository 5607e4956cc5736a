"""QueueFleet: one statement deploys workers that drain a queue by a deadline."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from peakfleet import DemandSignal, QueueFleet, SpecError
from peakfleet_planner import BacklogSignal
from tests.infra.fleets import GRAVITON, metric, network, new_stack, properties

QUEUE = "AWS::SQS::Queue"


def queue_fleet(stack: Stack, **options: Any) -> QueueFleet:  # noqa: ANN401  a fleet's own
    given = {
        "vpc": network(stack),
        "pools": [GRAVITON],
        "seconds_per_message": 90,
        "drain_within": Duration.minutes(10),
        **options,
    }
    return QueueFleet(stack, "Transcode", **given)


def test_the_fleet_has_the_name_of_its_construct() -> None:
    fleet = queue_fleet(new_stack())
    assert fleet.fleet_name == "Media/Transcode"
    assert fleet.fleet.spec.fleet == "Media/Transcode"


def test_its_demand_is_the_backlog_of_its_queue() -> None:
    stack = new_stack()
    fleet = queue_fleet(stack)
    (signal,) = fleet.fleet.spec.signals
    assert isinstance(signal, BacklogSignal)
    assert (signal.seconds_per_item, signal.drain_within_seconds) == (90, 600)
    read = {metric.dimensions["QueueName"] for metric in signal.metrics.values()}
    assert [stack.resolve(name) for name in read] == [stack.resolve(fleet.queue.queue_name)]


def test_the_queue_and_its_dead_letter_queue_are_encrypted_and_tls_only() -> None:
    stack = new_stack()
    queue_fleet(stack)
    template = Template.from_stack(stack)
    queues = template.find_resources(QUEUE)
    assert all(queue["Properties"]["SqsManagedSseEnabled"] for queue in queues.values())
    policies = properties(template, "AWS::SQS::QueuePolicy")
    denied = [policy["Queues"][0]["Ref"] for policy in policies if "SecureTransport" in str(policy)]
    assert sorted(denied) == sorted(queues)


def test_a_message_that_fails_five_times_is_put_aside_and_rings() -> None:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    fleet = queue_fleet(stack, alarm_topic=topic)
    assert fleet.dead_letter_queue is not None
    template = Template.from_stack(stack)
    failed = stack.resolve(fleet.dead_letter_queue.queue_arn)
    template.has_resource_properties(
        QUEUE, {"RedrivePolicy": {"deadLetterTargetArn": failed, "maxReceiveCount": 5}}
    )
    name = stack.resolve(fleet.dead_letter_queue.queue_name)
    template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Dimensions": [{"Name": "QueueName", "Value": name}],
            "AlarmActions": [stack.resolve(topic.topic_arn)],
        },
    )
    assert "FailedMessages" in fleet.alarms


def test_workers_may_consume_the_queue() -> None:
    stack = new_stack()
    fleet = queue_fleet(stack)
    worker = stack.resolve(fleet.fleet.role.role_name)
    policies = properties(Template.from_stack(stack), "AWS::IAM::Policy")
    (statement,) = [
        statement
        for policy in policies
        if policy["Roles"] == [worker]
        for statement in policy["PolicyDocument"]["Statement"]
        if "sqs" in str(statement["Action"])
    ]
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage"} <= set(statement["Action"])
    assert statement["Resource"] == stack.resolve(fleet.queue.queue_arn)


@pytest.mark.parametrize(
    ("seconds_per_message", "visible_after"), [(1, 30), (90, 540), (10_000, 43_200)]
)
def test_a_message_stays_hidden_for_six_times_its_work(
    seconds_per_message: float, visible_after: int
) -> None:
    stack = new_stack()
    queue_fleet(stack, seconds_per_message=seconds_per_message)
    Template.from_stack(stack).has_resource_properties(QUEUE, {"VisibilityTimeout": visible_after})


def test_a_queue_of_your_own_is_used_and_left_as_it_is() -> None:
    stack = new_stack()
    own = sqs.Queue(stack, "Own")
    fleet = queue_fleet(stack, queue=own)
    assert fleet.queue is own
    assert fleet.dead_letter_queue is None
    assert "FailedMessages" not in fleet.alarms
    own_and_dead_letters_of_the_scaler = 2
    Template.from_stack(stack).resource_count_is(QUEUE, own_and_dead_letters_of_the_scaler)


def test_a_visibility_timeout_for_a_queue_of_your_own_is_refused() -> None:
    stack = new_stack()
    with pytest.raises(SpecError, match=r"Media/Transcode: visibility_timeout is for the queue"):
        queue_fleet(stack, queue=sqs.Queue(stack, "Own"), visibility_timeout=Duration.minutes(1))


def test_busy_workers_do_not_set_off_the_safety_net() -> None:
    stack = new_stack()
    queue_fleet(stack, signals=[DemandSignal.metric(metric())])
    policies = properties(Template.from_stack(stack), "AWS::AutoScaling::ScalingPolicy")
    assert [policy["PolicyType"] for policy in policies] == ["StepScaling"]


def test_further_grants_metrics_and_user_data_go_through_the_fleet() -> None:
    stack = new_stack()
    fleet = queue_fleet(stack)
    results = sqs.Queue(stack, "Results")
    results.grant_send_messages(fleet)
    fleet.user_data.add_commands(f"work {fleet.queue.queue_url}")
    assert fleet.metric_unserved_units().dimensions == {"Fleet": "Media/Transcode"}
    template = Template.from_stack(stack)
    assert "sqs:SendMessage" in str(properties(template, "AWS::IAM::Policy"))
    (launched,) = properties(template, "AWS::EC2::LaunchTemplate")
    queue_url = stack.resolve(fleet.queue.queue_url)
    assert str(queue_url) in str(launched["LaunchTemplateData"]["UserData"])
