"""Permissions of a fleet's functions, each bound as closely as AWS lets it be."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam

from peakfleet.findings import Wildcard
from peakfleet.machines import launch_template_arns
from peakfleet.pools import CapacityPool
from peakfleet_planner import RegionShareSpec, TrafficSpec, WeightedRecordsSpec

_FLEET_PARTS = ("fleet", "instance", "network-interface", "security-group", "subnet", "volume")
_MADE = ("instance", "network-interface", "subnet", "volume")
_READS_TRAFFIC = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeTargetHealth",
)
_READ = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeScalingActivities",
    "cloudwatch:GetMetricData",
)
_RESIZE = (
    "autoscaling:ResumeProcesses",
    "autoscaling:SetDesiredCapacity",
    "autoscaling:SuspendProcesses",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
)
_NEVER_CHANGED = ("LaunchConfigurationName", "MaxSize", "MinSize", "VPCZoneIdentifiers")
_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda needs of EC2 to attach a function to a network."""

PLANE_WILDCARDS = (
    Wildcard(
        resource=r"\*",
        actions=(
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeScalingActivities",
            "autoscaling:DescribeWarmPool",
            "cloudwatch:GetMetricData",
            "ec2:DescribeCapacityReservations",
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeSpotPriceHistory",
            *_READS_TRAFFIC,
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ),
        reason="AWS knows no narrower resource for these reads, nor for traces",
    ),
    Wildcard(
        resource=r"\*",
        actions=_INTERFACES,
        reason="Lambda attaches the function to its network; it checks without naming a resource",
    ),
    Wildcard(
        resource=r".*:autoScalingGroup:\*:autoScalingGroupName/<\w+>",
        actions=(
            "autoscaling:LaunchInstances",
            "autoscaling:PutWarmPool",
            "autoscaling:ResumeProcesses",
            "autoscaling:SetDesiredCapacity",
            "autoscaling:SuspendProcesses",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
            "autoscaling:UpdateAutoScalingGroup",
        ),
        reason="the star is the group's UUID, which only AWS knows; the name is exact",
    ),
    Wildcard(
        resource=r".*:(capacity-reservation|fleet|image|instance|network-interface"
        r"|placement-group|security-group|subnet|volume)/\*",
        actions=(
            "ec2:CreateFleet",
            "ec2:CreateTags",
            "ec2:RunInstances",
            "ec2:TerminateInstances",
        ),
        reason="has no name before it is made; launch template, tag or action is given beside it",
    ),
    Wildcard(
        resource=r"<\w+\.Arn>:\*",
        actions=("lambda:InvokeFunction",),
        reason="the versions of one function, which the CDK's scheduler target adds",
    ),
    Wildcard(
        resource=r".*/gang/\*",
        actions=("s3:PutObject",),
        reason="what the machines of one training run are told has names of their making",
    ),
    Wildcard(
        resource=r".*",
        actions=(
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ),
        reason="kinds of one action, on one key",
    ),
)
"""The stars in the policies of functions and schedules."""


def may_read_metrics() -> iam.PolicyStatement:
    """Return the permission to read CloudWatch, for which AWS knows no narrower resource."""
    return iam.PolicyStatement(actions=["cloudwatch:GetMetricData"], resources=["*"])


def may_publish(namespace: str) -> iam.PolicyStatement:
    """Return the permission to publish metrics, which AWS binds to a namespace at best."""
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def may_have_network_interfaces() -> iam.PolicyStatement:
    """Return what Lambda needs to attach a function to a network.

    Lambda makes and deletes the interfaces with the function's role, and checks the permissions
    without naming a resource.
    """
    return iam.PolicyStatement(
        actions=list(_INTERFACES),
        resources=["*"],
    )


def may_decide(
    groups: Sequence[autoscaling.AutoScalingGroup],
    pools: Sequence[CapacityPool],
    *,
    split: TrafficSpec | WeightedRecordsSpec | None,
    region: RegionShareSpec | None,
) -> list[iam.PolicyStatement]:
    """Return what a tick does for one fleet.

    Args:
        groups: The groups of its pools, which may be sized.
        pools: The pools, in the same order.
        split: What traffic it splits; None if it splits none.
        region: Its region's share of a service; None if it is alone.
    """
    warm = [
        group.auto_scaling_group_arn for group, pool in zip(groups, pools, strict=True) if pool.warm
    ]
    statements = [
        iam.PolicyStatement(
            actions=[
                *_READ,
                # LaunchInstances looks at its template with the permissions of who calls it.
                "ec2:DescribeLaunchTemplateVersions",
                *(["autoscaling:DescribeWarmPool"] if warm else []),
                *(_READS_TRAFFIC if isinstance(split, TrafficSpec) else []),
            ],
            resources=["*"],  # AWS knows no narrower resource for these reads
        ),
    ]
    if groups:
        arns = [group.auto_scaling_group_arn for group in groups]
        statements += [
            # One statement: what it names is most of its length, and IAM bounds that.
            iam.PolicyStatement(actions=["autoscaling:LaunchInstances", *_RESIZE], resources=arns),
            *may_create_fleets(groups),
        ]
    if warm:
        statements.append(iam.PolicyStatement(actions=["autoscaling:PutWarmPool"], resources=warm))
    if isinstance(split, TrafficSpec):
        sets = ["elasticloadbalancing:ModifyListener"]
        statements.append(iam.PolicyStatement(actions=sets, resources=[split.listener_arn]))
    for records in (split, region):
        if isinstance(records, WeightedRecordsSpec | RegionShareSpec):
            statements += _may_weigh(records)
    return statements


def _zone_arn(records: WeightedRecordsSpec | RegionShareSpec) -> str:
    return f"arn:{Aws.PARTITION}:route53:::hostedzone/{records.hosted_zone_id}"


def _may_list(records: WeightedRecordsSpec | RegionShareSpec) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["route53:ListResourceRecordSets"], resources=[_zone_arn(records)]
    )


def _may_weigh(records: WeightedRecordsSpec | RegionShareSpec) -> list[iam.PolicyStatement]:
    """Return what sets the records of one name; AWS knows no narrower, and reads by zone."""
    zone = _zone_arn(records)
    key = "route53:ChangeResourceRecordSets"
    return [
        _may_list(records),
        iam.PolicyStatement(
            actions=["route53:ChangeResourceRecordSets"],
            resources=[zone],
            conditions={
                "ForAllValues:StringEquals": {
                    f"{key}NormalizedRecordNames": [records.record_name.rstrip(".").lower()],
                    f"{key}RecordTypes": [records.record_type],
                    f"{key}Actions": ["UPSERT"],
                }
            },
        ),
    ]


def may_look(split: TrafficSpec | WeightedRecordsSpec | None) -> list[iam.PolicyStatement]:
    """Return what a tick does that only says what it would do.

    Args:
        split: What traffic the fleet would split; None if it would split none.
    """
    traffic = _READS_TRAFFIC if isinstance(split, TrafficSpec) else ()
    # AWS knows no narrower resource for these reads
    reads = [iam.PolicyStatement(actions=[*_READ, *traffic], resources=["*"])]
    return [*reads, _may_list(split)] if isinstance(split, WeightedRecordsSpec) else reads


def may_read_spot_prices() -> iam.PolicyStatement:
    """Return what a tick does whose spend on Spot is limited."""
    return iam.PolicyStatement(actions=["ec2:DescribeSpotPriceHistory"], resources=["*"])


def may_resize(arns: Sequence[str]) -> iam.PolicyStatement:
    """Return what a tick does with groups that launch by themselves.

    Args:
        arns: The groups.
    """
    return iam.PolicyStatement(actions=list(_RESIZE), resources=list(arns))


def may_create_fleets(
    groups: Sequence[autoscaling.AutoScalingGroup], *, also: Sequence[str] = ()
) -> list[iam.PolicyStatement]:
    """Return what LaunchInstances does underneath, bound to the launch templates of these groups.

    Everything else that a fleet consists of has no name before it is made.

    Args:
        groups: Whose instances are launched.
        also: Further kinds of resources of EC2 that their templates name.
    """
    stack = Stack.of(groups[0])
    unnamed = [*_all_of(stack, *_FLEET_PARTS, *also), _all_images(stack)]
    return [
        iam.PolicyStatement(actions=["ec2:CreateFleet"], resources=resources)
        for resources in (unnamed, launch_template_arns(groups))
    ]


def may_sweep(groups: Sequence[autoscaling.AutoScalingGroup]) -> iam.PolicyStatement:
    """Return the permission to terminate instances of these groups, which EC2 marks with a tag."""
    stack = Stack.of(groups[0])
    return iam.PolicyStatement(
        actions=["ec2:TerminateInstances"],
        resources=_all_of(stack, "instance"),
        conditions={
            "StringEquals": {
                "ec2:ResourceTag/aws:autoscaling:groupName": [
                    group.auto_scaling_group_name for group in groups
                ]
            }
        },
    )


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
            resources=[*_all_of(stack, "security-group"), _all_images(stack)],
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


def _all_images(stack: Stack) -> str:
    return stack.format_arn(service="ec2", account="", resource="image", resource_name="*")
