"""Whoever else writes the size of a group is refused, however it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aws_cdk import (
    App,
    CfnResource,
    NestedStack,
    Stack,
)
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template
from constructs import Construct

from tests.infra.fleets import (
    burst_fleet,
    network,
    new_stack,
)
from tests.infra.other_apps import (
    HERE,
    network_of,
    refused,
)


def _override(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    resource = group.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("DesiredCapacity", "1")


def _raw_policy(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Raw",
        type="AWS::AutoScaling::ScalingPolicy",
        properties={
            "AutoScalingGroupName": group.auto_scaling_group_name,
            "PolicyType": "SimpleScaling",
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": -1,
        },
    )


def _override_policy(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    policy = group.scale_on_incoming_bytes(
        "More", target_bytes_per_second=1_000_000, disable_scale_in=True
    )
    resource = policy.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("TargetTrackingConfiguration.DisableScaleIn", False)  # noqa: FBT003  the CDK's order


def _schedule(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    autoscaling.CfnScheduledAction(
        stack,
        "Night",
        auto_scaling_group_name=group.auto_scaling_group_name,
        recurrence="0 1 * * *",
        max_size=1,
    )


def _capacity_provider(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Provider",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": group.auto_scaling_group_arn,
                "ManagedScaling": {"Status": "ENABLED"},
            }
        },
    )


def _nightly(scope: Construct, group_name: str) -> None:
    autoscaling.CfnScheduledAction(
        scope,
        "Night",
        auto_scaling_group_name=group_name,
        recurrence="0 1 * * *",
        desired_capacity=0,
    )


def _other_stack(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    _nightly(Stack(App.of(stack), "Other"), group.auto_scaling_group_name)


def _nested_stack(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    _nightly(NestedStack(stack, "Nested"), group.auto_scaling_group_name)


def _fixed_name(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    resource_of(group).add_property_override("AutoScalingGroupName", "workers")
    _nightly(stack, "workers")


def _scaling_of_no_known_status(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Managed",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": group.auto_scaling_group_arn,
                "ManagedScaling": {"TargetCapacity": 80},
            }
        },
    )


WRITERS = [
    _override,
    _raw_policy,
    _override_policy,
    _schedule,
    _capacity_provider,
    _other_stack,
    _nested_stack,
    _fixed_name,
    _scaling_of_no_known_status,
]
WRITES = "also sets the size of the group of pool 'Graviton'"


@pytest.mark.parametrize("write", WRITERS)
def test_a_second_writer_is_refused_however_it_is_written(
    write: Callable[[Stack, autoscaling.AutoScalingGroup], None],
) -> None:
    stack = new_stack()
    write(stack, burst_fleet(stack).groups["Graviton"])
    assert WRITES in refused(stack)


def test_a_second_writer_with_a_weak_reference_is_refused() -> None:
    weak = {"@aws-cdk/core:defaultCrossStackReferences": "weak"}
    app = App(context={"aws:cdk:disable-asset-staging": True, **weak})
    stack = Stack(app, "Media", env=HERE)
    _nightly(
        Stack(app, "Other", env=HERE),
        burst_fleet(stack).groups["Graviton"].auto_scaling_group_name,
    )
    assert WRITES in refused(stack)


@pytest.mark.parametrize("beside", [False, True])
def test_a_second_writer_of_a_nested_fleet_is_refused(beside: bool) -> None:  # noqa: FBT001  a parameter
    stack = new_stack()
    nested = NestedStack(stack, "Nested")
    name = burst_fleet(nested, vpc=network(nested)).groups["Graviton"].auto_scaling_group_name
    _nightly(NestedStack(stack, "Beside") if beside else stack, name)
    assert WRITES in refused(stack)


@pytest.mark.parametrize("policy", ["AutoScalingRollingUpdate", "AutoScalingReplacingUpdate"])
def test_an_update_policy_that_ends_machines_is_refused(policy: str) -> None:
    stack = new_stack()
    resource_of(burst_fleet(stack).groups["Graviton"]).add_override(
        "UpdatePolicy", {policy: {"MinInstancesInService": 1}}
    )
    assert f"pool 'Graviton' has the update policy {policy}" in refused(stack)


def resource_of(group: autoscaling.AutoScalingGroup) -> CfnResource:
    resource = group.node.default_child
    assert isinstance(resource, CfnResource)
    return resource


def test_whoever_writes_another_group_or_never_scales_in_is_welcome() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    other = autoscaling.AutoScalingGroup(
        stack,
        "Other",
        vpc=network_of(stack),
        instance_type=ec2.InstanceType("c8g.large"),
        machine_image=ec2.MachineImage.latest_amazon_linux2023(
            cpu_type=ec2.AmazonLinuxCpuType.ARM_64
        ),
    )
    for write in (_override, _raw_policy, _schedule):
        write(stack, other)
    CfnResource(
        stack,
        "Unmanaged",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": fleet.groups["Graviton"].auto_scaling_group_arn
            }
        },
    )
    Template.from_stack(stack)
