"""What happens in the world reaches the functions whose rules ask for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from peakfleet_local import LocalAws, set_alarm
from peakfleet_local.world import Place, cloud_event
from tests.local.deployed import create_function
from tests.local.stacks import change, group, ids

ECHO = {"index.py": "def handler(event, context):\n    return event\n"}
HERE = Place(account="123456789012", region="us-east-1")


def rule(aws: LocalAws, name: str, pattern: Mapping[str, Any], arn: str, **target: object) -> None:
    aws.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    aws.client("events").put_targets(Rule=name, Targets=[{"Id": "t", "Arn": arn, **target}])


def happen(aws: LocalAws, detail_type: str, **detail: object) -> None:
    event = cloud_event(
        source="aws.autoscaling",
        detail_type=detail_type,
        place=HERE,
        at_epoch_seconds=0,
        resources=[],
        detail=detail,
    )
    aws.world.events.append(event)


def test_only_the_rules_that_match_invoke_their_functions_in_the_order_of_the_events(
    aws: LocalAws,
) -> None:
    arn = create_function(aws, "f", ECHO)
    rule(aws, "mine", {"detail": {"AutoScalingGroupName": ["a", "b"]}}, arn)
    rule(aws, "kind", {"source": ["aws.autoscaling"], "detail-type": [{"prefix": "EC2 In"}]}, arn)
    rule(aws, "other", {"source": ["aws.ec2"]}, arn)
    happen(aws, "EC2 Instance Launch Unsuccessful", AutoScalingGroupName="c")
    happen(aws, "Something else", AutoScalingGroupName="a")
    said = aws.deliver_events()
    assert [(d.rule, d.event["detail"]["AutoScalingGroupName"]) for d in said] == [
        ("kind", "c"),
        ("mine", "a"),
    ]
    assert [d.answer == d.event for d in said] == [True, True]
    assert {d.function for d in said} == {"f"}
    assert aws.deliver_events() == ()


def test_a_rule_that_is_disabled_and_a_schedule_get_nothing(aws: LocalAws) -> None:
    arn = create_function(aws, "f", ECHO)
    rule(aws, "off", {"source": ["aws.autoscaling"]}, arn)
    aws.client("events").disable_rule(Name="off")
    aws.client("events").put_rule(Name="clock", ScheduleExpression="rate(1 minute)")
    aws.client("events").put_targets(Rule="clock", Targets=[{"Id": "t", "Arn": arn}])
    happen(aws, "EC2 Instance Launch Successful")
    assert aws.deliver_events() == ()


def test_a_target_may_want_a_constant_and_no_template(aws: LocalAws) -> None:
    arn = create_function(aws, "f", ECHO)
    rule(aws, "constant", {"source": ["aws.autoscaling"]}, arn, Input='{"n": 1}')
    happen(aws, "any")
    assert [d.answer for d in aws.deliver_events()] == [{"n": 1}]
    rule(aws, "template", {"detail-type": ["any"]}, arn, InputPath="$.detail")
    happen(aws, "any")
    with pytest.raises(NotImplementedError, match="no InputPath"):
        aws.deliver_events()


def test_a_function_invokes_another_which_runs_after_it(aws: LocalAws) -> None:
    create_function(aws, "second", ECHO)
    what = "FunctionName='second', InvocationType='Event', Payload=b'[1]'"
    body = f"boto3.client('lambda').invoke({what})\n    return 'done'\n"
    code = f"import boto3\ndef handler(event, context):\n    {body}"
    arn = create_function(aws, "first", {"index.py": code})
    rule(aws, "r", {"source": ["aws.autoscaling"]}, arn)
    happen(aws, "any")
    said = aws.deliver_events()
    assert [(d.function, d.answer, d.rule) for d in said] == [
        ("first", "done", "r"),
        ("second", [1], ""),
    ]


def test_a_function_that_fails_is_told_and_does_not_stop_the_rest(aws: LocalAws) -> None:
    broken = {"index.py": "def handler(event, context):\n    raise ValueError('no')\n"}
    rule(aws, "a", {"source": ["aws.autoscaling"]}, create_function(aws, "broken", broken))
    rule(aws, "b", {"source": ["aws.autoscaling"]}, create_function(aws, "f", ECHO))
    happen(aws, "any")
    said = {d.rule: d for d in aws.deliver_events()}
    assert (said["a"].failed, said["a"].answer["errorMessage"]) == (True, "no")
    assert not said["b"].failed


def test_functions_that_invoke_each_other_for_ever_are_stopped(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peakfleet_local.functions.event_delivery.MOST_INVOCATIONS", 3)
    body = "boto3.client('lambda').invoke(FunctionName='f', InvocationType='Event')"
    code = f"import boto3\ndef handler(event, context):\n    {body}\n"
    rule(aws, "r", {"source": ["aws.autoscaling"]}, create_function(aws, "f", {"index.py": code}))
    happen(aws, "any")
    with pytest.raises(RuntimeError, match="more than 3 invocations"):
        aws.deliver_events()


def test_an_alarm_that_changes_its_state_is_an_event(aws: LocalAws) -> None:
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName="pressure",
        Namespace="N",
        MetricName="m",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=1,
    )
    pattern = {"detail": {"alarmName": ["pressure"], "state": {"value": ["ALARM"]}}}
    rule(aws, "r", pattern, create_function(aws, "f", ECHO))
    set_alarm(aws, "pressure", "ALARM")
    set_alarm(aws, "pressure", "ALARM")
    [said] = aws.deliver_events()
    assert said.event["detail-type"] == "CloudWatch Alarm State Change"
    assert said.event["detail"]["previousState"]["value"] == "OK"
    with pytest.raises(ValueError, match="there is no alarm 'other'"):
        set_alarm(aws, "other", "OK")


def test_a_deployed_rule_hears_of_the_launches_of_its_group(aws: LocalAws) -> None:
    function = create_function(aws, "f", ECHO)
    hook = {
        "LifecycleHookName": "drain",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": "120",
    }
    resources = group()
    retain = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    resources["Group"]["Properties"] |= {
        "LifecycleHookSpecificationList": [hook],
        "InstanceLifecyclePolicy": retain,
    }
    resources["Rule"] = {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventPattern": {
                "source": ["aws.autoscaling"],
                "detail": {"AutoScalingGroupName": [{"Ref": "Group"}]},
            },
            "Targets": [{"Id": "t", "Arn": function}],
        },
    }
    change(aws, "s", resources)
    name, client = ids(aws, "s")["Group"], aws.client("autoscaling")
    [found] = client.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert found["InstanceLifecyclePolicy"] == retain
    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    aws.world.advance(180)
    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)
    aws.world.advance(60)
    said = aws.deliver_events()
    assert [d.event["detail-type"] for d in said] == [
        "EC2 Instance Launch Successful",
        "EC2 Instance-terminate Lifecycle Action",
        "EC2 Instance Terminate Successful",
    ]
