from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, IStableAnyProducer, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.control_plane.repeated import RepeatedFunction
from peakfleet.control_plane.roll_back import may_roll_back
from peakfleet.control_plane.state import FleetState
from peakfleet.machines import launch_template_arns
from peakfleet.pools import CapacityPool

_TIMEOUT = Duration.seconds(50)
_MEMORY_MIB = 512  # a quarter of a processor: boto3 loads in about a second
_FLEET_PARTS = (
    "fleet",
    "instance",
    "network-interface",
    "security-group",
    "subnet",
    "volume",
)


class Scaler(RepeatedFunction):
    """What decides for one fleet: function, role, schedule, log group, dead-letter queue.

    Args:
        fleet: Name of the fleet.
        spec: Produces the specification in JSON form at the end of the synth.
        pools: The ladder.
        groups: Their groups, which it may size.
        state: What it remembers in.
        sweeps: Whether instances may outlive their drain, so that it terminates them.
        listener_arn: The listener whose weights it may set.
        rolls_back: What the instances run as, where it may give a group an older version of its
            launch template.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: str,
        spec: IStableAnyProducer,
        pools: Sequence[CapacityPool],
        groups: Sequence[autoscaling.AutoScalingGroup],
        state: FleetState,
        sweeps: bool,
        listener_arn: str | None,
        rolls_back: iam.IRole | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            purpose=f"Decides the size of the fleet {fleet} every minute",
            handler="peakfleet_handlers.tick.handler",
            every=Duration.minutes(1),
            timeout=_TIMEOUT,
            memory_mib=_MEMORY_MIB,
            spec=spec,
        )
        state.grant(self.role, fleet=fleet)
        for statement in _permissions(groups, pools, sweeps=sweeps, listener_arn=listener_arn):
            self.role.add_to_policy(statement)
        for statement in may_roll_back(groups, rolls_back) if rolls_back else ():
            self.role.add_to_policy(statement)


def _permissions(
    groups: Sequence[autoscaling.AutoScalingGroup],
    pools: Sequence[CapacityPool],
    *,
    sweeps: bool,
    listener_arn: str | None,
) -> list[iam.PolicyStatement]:
    warm = [
        group.auto_scaling_group_arn for group, pool in zip(groups, pools, strict=True) if pool.warm
    ]
    reads = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeScalingActivities",
        "cloudwatch:GetMetricData",
    ]
    statements = [
        iam.PolicyStatement(
            actions=[
                *reads,
                # LaunchInstances looks at its template with the permissions of who calls it.
                "ec2:DescribeLaunchTemplateVersions",
                *(["autoscaling:DescribeWarmPool"] if warm else []),
                *(["elasticloadbalancing:DescribeListeners"] if listener_arn else []),
            ],
            resources=["*"],  # AWS knows no narrower resource for these reads
        ),
        iam.PolicyStatement(
            actions=[
                "autoscaling:LaunchInstances",
                "autoscaling:ResumeProcesses",
                "autoscaling:SetDesiredCapacity",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            resources=[group.auto_scaling_group_arn for group in groups],
        ),
    ]
    statements.append(may_create_fleets(groups))
    if warm:
        statements.append(iam.PolicyStatement(actions=["autoscaling:PutWarmPool"], resources=warm))
    if sweeps:
        statements.append(may_sweep(groups))
    if listener_arn:
        statements.append(
            iam.PolicyStatement(
                actions=["elasticloadbalancing:ModifyListener"], resources=[listener_arn]
            )
        )
    return statements


def may_create_fleets(
    groups: Sequence[autoscaling.AutoScalingGroup], *, also: Sequence[str] = ()
) -> iam.PolicyStatement:
    """Return what LaunchInstances does underneath, bound to the launch templates of these groups.

    Everything else that a fleet consists of has no name before it is made.

    Args:
        groups: Whose instances are launched.
        also: Further kinds of resources of EC2 that their templates name.
    """
    stack = Stack.of(groups[0])
    return iam.PolicyStatement(
        actions=["ec2:CreateFleet"],
        resources=launch_template_arns(groups)
        + [
            stack.format_arn(service="ec2", resource=kind, resource_name="*")
            for kind in (*_FLEET_PARTS, *also)
        ]
        + [stack.format_arn(service="ec2", account="", resource="image", resource_name="*")],
    )


def may_sweep(groups: Sequence[autoscaling.AutoScalingGroup]) -> iam.PolicyStatement:
    """Return the permission to terminate instances of these groups, which EC2 marks with a tag."""
    stack = Stack.of(groups[0])
    return iam.PolicyStatement(
        actions=["ec2:TerminateInstances"],
        resources=[stack.format_arn(service="ec2", resource="instance", resource_name="*")],
        conditions={
            "StringEquals": {
                "ec2:ResourceTag/aws:autoscaling:groupName": [
                    group.auto_scaling_group_name for group in groups
                ]
            }
        },
    )
