"""Permissions of a fleet's functions, each bound as closely as AWS lets it be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from peakfleet._tree import identity_of
from peakfleet.findings import Wildcard
from peakfleet.machines import PoolGroup
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A statement of a policy, as plain data: most of them end up in one that is there already.

    Args:
        actions: What is allowed.
        resources: On what.
        conditions: Under which conditions, by operator and key. Default: none.
    """

    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, object]] | None = None

    @property
    def statement(self) -> iam.PolicyStatement:
        """The statement itself."""
        return iam.PolicyStatement(
            actions=list(self.actions),
            resources=list(self.resources),
            conditions=dict(self.conditions) if self.conditions else None,
        )


def may_read_metrics() -> Permission:
    """Return the permission to read CloudWatch, for which AWS knows no narrower resource."""
    return Permission(actions=["cloudwatch:GetMetricData"], resources=["*"])


def may_publish(namespace: str) -> Permission:
    """Return the permission to publish metrics, which AWS binds to a namespace at best."""
    return Permission(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def may_have_network_interfaces() -> Permission:
    """Return what Lambda needs to attach a function to a network.

    Lambda makes and deletes the interfaces with the function's role, and checks the permissions
    without naming a resource.
    """
    return Permission(
        actions=list(_INTERFACES),
        resources=["*"],
    )


def may_decide(
    groups: Sequence[PoolGroup],
    pools: Sequence[CapacityPool],
    *,
    split: TrafficSpec | WeightedRecordsSpec | None,
    region: RegionShareSpec | None,
) -> list[Permission]:
    """Return what a tick does for one fleet.

    Args:
        groups: The groups of its pools, which may be sized.
        pools: The pools, in the same order.
        split: What traffic it splits; None if it splits none.
        region: Its region's share of a service; None if it is alone.
    """
    warm = [group.arn for group, pool in zip(groups, pools, strict=True) if pool.warm]
    statements = [
        Permission(
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
        arns = [group.arn for group in groups]
        statements += [
            # One statement: what it names is most of its length, and IAM bounds that.
            Permission(actions=["autoscaling:LaunchInstances", *_RESIZE], resources=arns),
            *may_create_fleets(groups),
        ]
    if warm:
        statements.append(Permission(actions=["autoscaling:PutWarmPool"], resources=warm))
    if isinstance(split, TrafficSpec):
        sets = ["elasticloadbalancing:ModifyListener"]
        statements.append(Permission(actions=sets, resources=[split.listener_arn]))
    for records in (split, region):
        if isinstance(records, WeightedRecordsSpec | RegionShareSpec):
            statements += _may_weigh(records)
    return statements


def _zone_arn(records: WeightedRecordsSpec | RegionShareSpec) -> str:
    return f"arn:{Aws.PARTITION}:route53:::hostedzone/{records.hosted_zone_id}"


def _may_list(records: WeightedRecordsSpec | RegionShareSpec) -> Permission:
    return Permission(actions=["route53:ListResourceRecordSets"], resources=[_zone_arn(records)])


def _may_weigh(records: WeightedRecordsSpec | RegionShareSpec) -> list[Permission]:
    """Return what sets the records of one name; AWS knows no narrower, and reads by zone."""
    zone = _zone_arn(records)
    key = "route53:ChangeResourceRecordSets"
    return [
        _may_list(records),
        Permission(
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


def may_look(split: TrafficSpec | WeightedRecordsSpec | None) -> list[Permission]:
    """Return what a tick does that only says what it would do.

    Args:
        split: What traffic the fleet would split; None if it would split none.
    """
    traffic = _READS_TRAFFIC if isinstance(split, TrafficSpec) else ()
    # AWS knows no narrower resource for these reads
    reads = [Permission(actions=[*_READ, *traffic], resources=["*"])]
    return [*reads, _may_list(split)] if isinstance(split, WeightedRecordsSpec) else reads


def may_read_spot_prices() -> Permission:
    """Return what a tick does whose spend on Spot is limited."""
    return Permission(actions=["ec2:DescribeSpotPriceHistory"], resources=["*"])


def may_resize(arns: Sequence[str]) -> Permission:
    """Return what a tick does with groups that launch by themselves.

    Args:
        arns: The groups.
    """
    return Permission(actions=list(_RESIZE), resources=list(arns))


def may_create_fleets(groups: Sequence[PoolGroup], *, also: Sequence[str] = ()) -> list[Permission]:
    """Return what LaunchInstances does underneath, bound to the launch templates of these groups.

    Everything else that a fleet consists of has no name before it is made.

    Args:
        groups: Whose instances are launched.
        also: Further kinds of resources of EC2 that their templates name.
    """
    ec2 = _Ec2Arns.in_stack_of(groups)
    unnamed = [*ec2.all_of(*_FLEET_PARTS, *also), ec2.all_images]
    return [
        Permission(actions=["ec2:CreateFleet"], resources=resources)
        for resources in (unnamed, ec2.templates_of(groups))
    ]


def may_sweep(groups: Sequence[PoolGroup]) -> Permission:
    """Return the permission to terminate instances of these groups, which EC2 marks with a tag."""
    return Permission(
        actions=["ec2:TerminateInstances"],
        resources=_Ec2Arns.in_stack_of(groups).all_of("instance"),
        conditions={
            "StringEquals": {
                "ec2:ResourceTag/aws:autoscaling:groupName": [group.name for group in groups]
            }
        },
    )


def may_roll_back(groups: Sequence[PoolGroup], role: iam.IRole) -> list[Permission]:
    """Return the permission to give these groups another version of their launch templates.

    AWS checks whoever changes a group's template as if they launched an instance from it. What a
    group adds to its template, its subnets, is not of the template; image and security groups are.
    """
    ec2 = _Ec2Arns.in_stack_of(groups)
    templates = ec2.templates_of(groups)
    own_template = {"ArnEquals": {"ec2:LaunchTemplate": templates}}
    return [
        Permission(
            actions=["autoscaling:UpdateAutoScalingGroup"],
            resources=[group.arn for group in groups],
            conditions={"Null": {f"autoscaling:{name}": "true" for name in _NEVER_CHANGED}},
        ),
        Permission(actions=["ec2:RunInstances"], resources=templates),
        Permission(
            actions=["ec2:RunInstances"], resources=ec2.all_of(*_MADE), conditions=own_template
        ),
        Permission(
            actions=["ec2:RunInstances"],
            resources=[*ec2.all_of("security-group"), ec2.all_images],
            conditions={**own_template, "Bool": {"ec2:IsLaunchTemplateResource": "true"}},
        ),
        Permission(
            actions=["ec2:CreateTags"],  # the templates tag what they launch
            resources=ec2.all_of("instance", "volume"),
            conditions={"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        ),
        Permission(
            actions=["iam:PassRole"],
            resources=[role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ec2Arns:
    """ARNs of EC2 in a stack, whose partition, region and account are asked for once."""

    partition: str
    region: str
    account: str

    @classmethod
    def in_stack_of(cls, groups: Sequence[PoolGroup]) -> _Ec2Arns:
        own = identity_of(groups[0].stack)
        return cls(partition=own.partition, region=own.region, account=own.account)

    def all_of(self, *kinds: str) -> list[str]:
        return [self._arn(f"{self.account}:{kind}/*") for kind in kinds]

    def templates_of(self, groups: Sequence[PoolGroup]) -> list[str]:
        return [self._arn(f"{self.account}:launch-template/{one.template_id}") for one in groups]

    @property
    def all_images(self) -> str:
        return self._arn(":image/*")

    def _arn(self, ends: str) -> str:
        return f"arn:{self.partition}:ec2:{self.region}:{ends}"
