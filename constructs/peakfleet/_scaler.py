from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, IStableAnyProducer
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet._repeated import RepeatedFunction
from peakfleet.state import FleetState

_TIMEOUT = Duration.seconds(50)
_MEMORY_MIB = 512  # a quarter of a processor: boto3 loads in about a second


class Scaler(RepeatedFunction):
    """What decides for one fleet: function, role, schedule, log group, dead-letter queue.

    Args:
        fleet: Name of the fleet.
        spec: Produces the specification in JSON form at the end of the synth.
        groups: What it may size.
        state: What it remembers in.
        listener_arn: The listener whose weights it may set.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: str,
        spec: IStableAnyProducer,
        groups: Sequence[autoscaling.AutoScalingGroup],
        state: FleetState,
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
        for statement in _permissions(groups, listener_arn):
            self.role.add_to_policy(statement)


def _permissions(
    groups: Sequence[autoscaling.AutoScalingGroup], listener_arn: str | None
) -> list[iam.PolicyStatement]:
    statements = [
        iam.PolicyStatement(
            actions=["autoscaling:DescribeAutoScalingGroups", "cloudwatch:GetMetricData"],
            resources=["*"],  # AWS knows no narrower resource for these two reads
        ),
        iam.PolicyStatement(
            actions=["autoscaling:SetDesiredCapacity"],
            resources=[group.auto_scaling_group_arn for group in groups],
        ),
    ]
    if listener_arn:
        statements.append(
            iam.PolicyStatement(
                actions=["elasticloadbalancing:ModifyListener"], resources=[listener_arn]
            )
        )
    return statements
