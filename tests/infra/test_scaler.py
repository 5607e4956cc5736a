"""What decides for a fleet: it may do little, runs every minute and leaves a trace."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template

from peakfleet import BurstFleet, StreamFleet
from tests.infra.fleets import (
    GRAVITON,
    SPOT,
    burst_fleet,
    function,
    network,
    new_stack,
    only,
    properties,
)

SCALER = "Decides the size of the fleets of Media/PeakFleetControlPlane"
ASTERISK_ONLY = {
    "ec2:DescribeLaunchTemplateVersions",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "cloudwatch:GetMetricData",
}


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


def permissions(template: Template, *, of: str) -> dict[str, dict[str, Any]]:
    """Return the statement that allows each action to the role whose description names *of*."""
    resources = template.to_json()["Resources"]
    (role,) = [
        logical_id
        for logical_id, found in resources.items()
        if found["Type"] == "AWS::IAM::Role" and of in found["Properties"].get("Description", "")
    ]
    allowed = {}
    for policy in properties(template, "AWS::IAM::Policy"):
        if policy["Roles"] == [{"Ref": role}]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    allowed[action] = statement
    return allowed


def test_the_scaler_may_do_what_a_tick_does_and_nothing_else(template: Template) -> None:
    assert set(permissions(template, of=SCALER)) == {
        *ASTERISK_ONLY,
        "autoscaling:LaunchInstances",
        "autoscaling:ResumeProcesses",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:SuspendProcesses",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "ec2:CreateFleet",
        "dynamodb:BatchWriteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }


def test_only_reads_that_aws_cannot_scope_are_allowed_everywhere(template: Template) -> None:
    everywhere = {
        action
        for action, statement in permissions(template, of=SCALER).items()
        if statement["Resource"] == "*"
    }
    assert everywhere == ASTERISK_ONLY


def test_the_scaler_sizes_only_its_own_groups(
    stack: Stack, fleet: BurstFleet, template: Template
) -> None:
    statement = permissions(template, of=SCALER)["autoscaling:SetDesiredCapacity"]
    assert statement["Resource"] == [
        stack.resolve(group.auto_scaling_group_arn) for group in fleet.groups.values()
    ]
    assert ":autoScalingGroup:*:autoScalingGroupName/" in str(statement["Resource"])


def test_the_scaler_reads_and_writes_only_its_own_items(
    stack: Stack, fleet: BurstFleet, template: Template
) -> None:
    statement = permissions(template, of=SCALER)["dynamodb:PutItem"]
    assert statement["Resource"] == stack.resolve(fleet.state.table.table_arn)
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Media/Live"]}
    }


def test_the_scaler_has_no_managed_policy(template: Template) -> None:
    roles = properties(template, "AWS::IAM::Role")
    (role,) = [role for role in roles if SCALER in role.get("Description", "")]
    assert "ManagedPolicyArns" not in role


def test_only_a_fleet_with_traffic_may_change_a_listener_and_only_its_own() -> None:
    stack = new_stack()
    fleet = StreamFleet(
        stack,
        "Edge",
        vpc=network(stack),
        pools=[GRAVITON],
        signals=[],
        on_premises_targets=["10.9.0.4"],
    )
    fleet.fleet.add_signal(_request_rate(fleet.load_balancer))
    statement = permissions(Template.from_stack(stack), of=SCALER)[
        "elasticloadbalancing:ModifyListener"
    ]
    assert statement["Resource"] == stack.resolve(fleet.listener.listener_arn)


def _request_rate(load_balancer: elbv2.ApplicationLoadBalancer) -> Any:  # noqa: ANN401  a signal
    from peakfleet import DemandSignal  # noqa: PLC0415  the only test that needs it

    return DemandSignal.request_rate(load_balancer)


def test_the_function_runs_the_tick_on_arm(template: Template) -> None:
    _, tick = function(template, "scaler")
    assert (tick["Runtime"], tick["Architectures"]) == ("python3.13", ["arm64"])


def test_a_tick_ends_before_the_next_one_begins(template: Template) -> None:
    _, tick = function(template, "scaler")
    assert tick["Timeout"] < 60


def test_the_schedule_ticks_every_minute_on_the_minute(template: Template) -> None:
    schedule = only(template, "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["State"] == "ENABLED"


def test_an_old_tick_is_given_up_and_never_replayed(template: Template) -> None:
    retries = only(template, "AWS::Scheduler::Schedule")["Target"]["RetryPolicy"]
    assert retries == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 1}
    logical_id, _ = function(template, "scaler")
    template.has_resource_properties(
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": {"Ref": logical_id},
            "MaximumEventAgeInSeconds": 60,
            "MaximumRetryAttempts": 0,
        },
    )


def test_what_failed_is_kept_encrypted_and_sent_only_over_tls(template: Template) -> None:
    (logical_id,) = template.find_resources("AWS::SQS::Queue")
    queue = only(template, "AWS::SQS::Queue")
    assert queue["SqsManagedSseEnabled"] is True
    arn = {"Fn::GetAtt": [logical_id, "Arn"]}
    target = only(template, "AWS::Scheduler::Schedule")["Target"]
    assert target["DeadLetterConfig"] == {"Arn": arn}
    _, tick = function(template, "scaler")
    assert tick["DeadLetterConfig"] == {"TargetArn": arn}
    statements = only(template, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    (denied,) = [one for one in statements if one["Effect"] == "Deny"]
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_schedule_and_events_may_run_this_function_and_no_other(template: Template) -> None:
    logical_id, _ = function(template, "scaler")
    allowed = [
        str(statement["Resource"])
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "lambda:InvokeFunction"
    ]
    assert allowed
    assert all(logical_id in resources for resources in allowed)
    others = set(template.find_resources("AWS::Lambda::Function")) - {logical_id}
    assert not any(other in resources for other in others for resources in allowed)


def test_logs_are_kept_for_a_month(template: Template) -> None:
    _, tick = function(template, "scaler")
    logs = template.find_resources("AWS::Logs::LogGroup")
    assert logs[tick["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]["RetentionInDays"] == 30
