from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration, IStableAnyProducer, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet._repeated import RepeatedFunction
from peakfleet.pools import CapacityPool
from peakfleet.state import FleetState

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
    reads = ["autoscaling:DescribeAutoScalingGroups", "cloudwatch:GetMetricData"]
    statements = [
        iam.PolicyStatement(
            actions=[
                *reads,
                # LaunchInstances looks at its template with the permissions of who calls it.
                "ec2:DescribeLaunchTemplateVersions",
                *(["autoscaling:DescribeWarmPool"] if warm else []),
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
    statements.append(_may_create_fleets(groups))
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


def _may_create_fleets(groups: Sequence[autoscaling.AutoScalingGroup]) -> iam.PolicyStatement:
    """Return what LaunchInstances does underneath, bound to the launch templates of these groups.

    Everything else that a fleet consists of has no name before it is made.
    """
    stack = Stack.of(groups[0])
    templates = [
        cast("ec2.LaunchTemplate", group.node.scope.node.find_child("Template")).launch_template_id
        for group in groups
        if group.node.scope
    ]
    parts = [f"{kind}/*" for kind in _FLEET_PARTS]
    return iam.PolicyStatement(
        actions=["ec2:CreateFleet"],
        resources=[
            stack.format_arn(service="ec2", resource=part)
            for part in (*(f"launch-template/{name}" for name in templates), *parts)
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
