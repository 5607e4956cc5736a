"""What takes the events of a fleet: it hears its own groups, and may do little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from peakfleet import BurstFleet, CapacityPool, control_plane
from peakfleet.control_plane import readable
from peakfleet_handlers.aws import Kind
from peakfleet_handlers.events import SCHEDULES_VARIABLE, TABLE_VARIABLE
from tests.infra.fleets import (
    GRAVITON,
    SPOT,
    burst_fleet,
    function,
    new_stack,
    properties,
)
from tests.infra.test_scaler import permissions

RULE = "AWS::Events::Rule"
EVENTS = "Takes the events of the fleets of Media/PeakFleetControlPlane"
MOST_PATTERN_CHARACTERS = 2048
LONGEST_GROUP_NAME = "x" * 255


@pytest.fixture(name="stack", scope="module")
def _stack() -> Stack:
    return new_stack()


@pytest.fixture(name="fleet", scope="module")
def _fleet(stack: Stack) -> BurstFleet:
    return burst_fleet(stack, pools=[GRAVITON, SPOT])


@pytest.fixture(name="template", scope="module")
def _template(stack: Stack, fleet: BurstFleet) -> Template:
    assert fleet.node.scope is stack
    return Template.from_stack(stack)


def patterns(template: Template) -> dict[str, dict[str, Any]]:
    """Return the pattern of every rule by the service that it listens to."""
    found = [rule["EventPattern"] for rule in properties(template, RULE)]
    return {pattern["source"][0]: pattern for pattern in found}


def test_it_hears_of_its_own_groups_only(
    stack: Stack, fleet: BurstFleet, template: Template
) -> None:
    heard = patterns(template)["aws.autoscaling"]
    groups = [stack.resolve(group.auto_scaling_group_name) for group in fleet.groups.values()]
    assert heard["detail"] == {"AutoScalingGroupName": groups}


def test_it_hears_of_every_kind_that_the_handler_knows(template: Template) -> None:
    heard = {kind for rule in patterns(template).values() for kind in rule["detail-type"]}
    assert heard | {Kind.ALARM.value} == {kind.value for kind in Kind}


def test_a_fleet_without_spot_hears_nothing_of_spot() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[GRAVITON])
    assert set(patterns(Template.from_stack(stack))) == {"aws.autoscaling"}


def test_no_pattern_is_longer_than_aws_takes_however_many_pools() -> None:
    stack = new_stack("M" * 100)
    pools = [
        CapacityPool.graviton(
            "c8g.4xlarge",
            name=f"{number}{'P' * 60}",
            units_per_instance=16,
            max_instances=5,
        )
        for number in range(11)
    ]
    fleet = burst_fleet(stack, "L" * 60, pools=pools)
    heard = [rule["EventPattern"] for rule in properties(Template.from_stack(stack), RULE)]
    names = [name for pattern in heard for name in pattern["detail"]["AutoScalingGroupName"]]
    assert names == [stack.resolve(one.auto_scaling_group_name) for one in fleet.groups.values()]
    for pattern in heard:
        deployed = readable(pattern, stand_in=LONGEST_GROUP_NAME)
        assert len(json.dumps(deployed)) <= MOST_PATTERN_CHARACTERS


def test_the_groups_of_many_fleets_share_a_rule() -> None:
    stack = new_stack()
    for number in range(4):
        burst_fleet(stack, f"Live{number}", pools=[GRAVITON, SPOT])
    rules = properties(Template.from_stack(stack), RULE)
    assert sorted(rule["EventPattern"]["source"][0] for rule in rules) == [
        "aws.autoscaling",
        "aws.ec2",
    ]


def test_an_alarm_is_a_reason_to_tick_when_it_goes_off() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    alarm = fleet.metric_unserved_units().create_alarm(
        stack, "Pressure", threshold=0, evaluation_periods=1
    )
    fleet.control_plane.decide_on(alarm)
    assert patterns(Template.from_stack(stack))["aws.cloudwatch"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": [Kind.ALARM.value],
        "detail": {"state": {"value": ["ALARM"]}},
        "resources": [stack.resolve(alarm.alarm_arn)],
    }


def test_it_may_write_facts_and_ask_for_a_tick_and_nothing_else(template: Template) -> None:
    allowed = permissions(template, of=EVENTS)
    assert set(allowed) == {
        "autoscaling:DescribeAutoScalingInstances",
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "scheduler:GetSchedule",
        "sqs:SendMessage",
    }
    everywhere = [action for action, found in allowed.items() if found["Resource"] == "*"]
    assert everywhere == ["autoscaling:DescribeAutoScalingInstances"]


def test_it_reads_the_schedule_of_its_fleet_runs_its_scaler_and_writes_its_items(
    stack: Stack, fleet: BurstFleet, template: Template
) -> None:
    allowed = permissions(template, of=EVENTS)
    (schedule,) = template.find_resources("AWS::Scheduler::Schedule")
    assert allowed["scheduler:GetSchedule"]["Resource"] == {"Fn::GetAtt": [schedule, "Arn"]}
    scaler = stack.resolve(fleet.scaler.function_arn)
    assert allowed["lambda:InvokeFunction"]["Resource"] == scaler
    assert allowed["dynamodb:DeleteItem"]["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Media/Live"]}
    }
    _, takes = function(template, "events")
    variables = takes["Environment"]["Variables"]
    assert json.loads(readable(variables[SCHEDULES_VARIABLE])) == {"Media/Live": schedule}
    assert variables[TABLE_VARIABLE] == stack.resolve(fleet.state.table.table_name)


def test_the_handlers_names_for_its_variables_are_those_that_are_set() -> None:
    assert control_plane.SCHEDULES_VARIABLE == SCHEDULES_VARIABLE
    assert control_plane.TABLE_VARIABLE == TABLE_VARIABLE


def test_what_fails_is_tried_again_and_then_kept(template: Template) -> None:
    logical_id, takes = function(template, "events")
    (queue,) = template.find_resources("AWS::SQS::Queue")
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert takes["DeadLetterConfig"] == {"TargetArn": arn}
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": {"Ref": logical_id},
            "MaximumEventAgeInSeconds": 360,
            "MaximumRetryAttempts": 2,
        },
    )
    for rule in properties(template, RULE):
        (target,) = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": arn}
        assert target["RetryPolicy"] == {
            "MaximumEventAgeInSeconds": 360,
            "MaximumRetryAttempts": 2,
        }


def test_the_function_is_the_fleets_to_hand_out(
    stack: Stack, fleet: BurstFleet, template: Template
) -> None:
    logical_id, takes = function(template, "events")
    assert stack.resolve(fleet.events.function_name) == {"Ref": logical_id}
    assert (takes["Runtime"], takes["Architectures"]) == ("python3.13", ["arm64"])
    logs = template.find_resources("AWS::Logs::LogGroup")
    assert logs[takes["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]["RetentionInDays"] == 30
