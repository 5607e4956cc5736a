from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam

from peakfleet.machines import launch_template_arns

_MADE = ("instance", "network-interface", "subnet", "volume")
_NEVER_CHANGED = ("LaunchConfigurationName", "MaxSize", "MinSize", "VPCZoneIdentifiers")


def may_roll_back(
    groups: Sequence[autoscaling.AutoScalingGroup], role: iam.IRole
) -> list[iam.PolicyStatement]:
    """Return the permission to give these groups another version of their launch templates.

    AWS checks whoever changes a group's template as if they launched an instance from it. What a
    group adds to its template, its subnets, is not of the template; image and security groups are.
    """
    stack = Stack.of(groups[0])
    templates = launch_template_arns(groups)
    own_template = {"ArnEquals": {"ec2:LaunchTemplate": templates}}
    return [
        iam.PolicyStatement(
            actions=["autoscaling:UpdateAutoScalingGroup"],
            resources=[group.auto_scaling_group_arn for group in groups],
            conditions={"Null": {f"autoscaling:{name}": "true" for name in _NEVER_CHANGED}},
        ),
        iam.PolicyStatement(actions=["ec2:RunInstances"], resources=templates),
        iam.PolicyStatement(
            actions=["ec2:RunInstances"], resources=_all_of(stack, *_MADE), conditions=own_template
        ),
        iam.PolicyStatement(
            actions=["ec2:RunInstances"],
            resources=[
                *_all_of(stack, "security-group"),
                stack.format_arn(service="ec2", account="", resource="image", resource_name="*"),
            ],
            conditions={**own_template, "Bool": {"ec2:IsLaunchTemplateResource": "true"}},
        ),
        iam.PolicyStatement(
            actions=["ec2:CreateTags"],  # the templates tag what they launch
            resources=_all_of(stack, "instance", "volume"),
            conditions={"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        ),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]


def _all_of(stack: Stack, *kinds: str) -> list[str]:
    return [stack.format_arn(service="ec2", resource=kind, resource_name="*") for kind in kinds]
