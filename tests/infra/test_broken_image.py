"""A fleet that goes back to an older launch template version may do that, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk.assertions import Template

from peakfleet import BrokenImage, BurstFleet, DemandSignal, QueueFleet, StreamFleet
from tests.infra.fleets import (
    GRAVITON,
    SPOT,
    burst_fleet,
    function,
    metric,
    network,
    new_stack,
    properties,
)

RUN, CHANGE = "ec2:RunInstances", "autoscaling:UpdateAutoScalingGroup"


@pytest.fixture(name="stack", scope="module")
def _stack() -> Stack:
    return new_stack()


@pytest.fixture(name="fleet", scope="module")
def _fleet(stack: Stack) -> BurstFleet:
    return burst_fleet(stack, pools=[GRAVITON, SPOT], broken_image=BrokenImage.roll_back())


@pytest.fixture(name="statements", scope="module")
def _statements(stack: Stack, fleet: BurstFleet) -> list[dict[str, Any]]:
    assert fleet.node.scope is stack
    return of_the_scaler(Template.from_stack(stack))


def of_the_scaler(template: Template) -> list[dict[str, Any]]:
    role = function(template, "scaler")[1]["Role"]["Fn::GetAtt"][0]
    return [
        statement
        for policy in properties(template, "AWS::IAM::Policy")
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def allowing(statements: list[dict[str, Any]], action: str) -> list[dict[str, Any]]:
    return [one for one in statements if action in (one["Action"], *one["Action"])]


def test_the_choice_reaches_the_decision(fleet: BurstFleet) -> None:
    assert fleet.spec.broken_image == "roll-back"
    assert burst_fleet(new_stack()).spec.broken_image == "take-out"


def test_only_its_own_groups_are_changed_and_never_their_bounds(
    stack: Stack, fleet: BurstFleet, statements: list[dict[str, Any]]
) -> None:
    (change,) = allowing(statements, CHANGE)
    groups = [stack.resolve(group.auto_scaling_group_arn) for group in fleet.groups.values()]
    assert change["Resource"] == groups
    assert {key for key, absent in change["Condition"]["Null"].items() if absent == "true"} >= {
        "autoscaling:MinSize",
        "autoscaling:MaxSize",
        "autoscaling:VPCZoneIdentifiers",
    }


def test_instances_are_of_the_fleets_own_launch_templates_and_nothing_else(
    statements: list[dict[str, Any]],
) -> None:
    named, *bound = allowing(statements, RUN)
    assert len(named["Resource"]) == 2
    assert all(":launch-template/" in str(one) for one in named["Resource"])
    assert all(
        one["Condition"]["ArnEquals"] == {"ec2:LaunchTemplate": named["Resource"]} for one in bound
    )


def test_image_and_security_groups_are_the_templates_own_while_the_group_adds_its_subnets(
    statements: list[dict[str, Any]],
) -> None:
    _, *bound = allowing(statements, RUN)
    fixed = [str(one["Resource"]) for one in bound if "Bool" in one["Condition"]]
    free = [str(one["Resource"]) for one in bound if "Bool" not in one["Condition"]]
    assert "image/*" in fixed[0]
    assert "security-group/*" in fixed[0]
    assert "subnet/*" in free[0]
    assert "image" not in free[0]


def test_only_the_fleets_own_role_is_passed_and_only_to_instances(
    stack: Stack, fleet: BurstFleet, statements: list[dict[str, Any]]
) -> None:
    (passes,) = allowing(statements, "iam:PassRole")
    assert passes["Resource"] == stack.resolve(fleet.role.role_arn)
    assert passes["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    (tags,) = allowing(statements, "ec2:CreateTags")
    assert tags["Condition"] == {"StringEquals": {"ec2:CreateAction": "RunInstances"}}


def test_a_fleet_that_takes_broken_pools_out_may_not_change_or_launch_anything() -> None:
    stack = new_stack()
    burst_fleet(stack, broken_image=BrokenImage.take_out())
    statements = of_the_scaler(Template.from_stack(stack))
    for action in (CHANGE, RUN, "iam:PassRole", "ec2:CreateTags"):
        assert not allowing(statements, action)


def test_fleets_by_intent_take_the_choice_too() -> None:
    stack = new_stack()
    vpc = network(stack)
    going_back = BrokenImage.roll_back()
    queue = QueueFleet(
        stack,
        "Jobs",
        vpc=vpc,
        pools=[GRAVITON],
        seconds_per_message=90,
        drain_within=Duration.minutes(10),
        broken_image=going_back,
    )
    stream = StreamFleet(
        stack,
        "Edge",
        vpc=vpc,
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        on_premises_targets=["10.9.0.4"],
        broken_image=going_back,
    )
    assert {one.fleet.spec.broken_image for one in (queue, stream)} == {"roll-back"}
