from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, IStableAnyProducer, Lazy, RemovalPolicy
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet._assets import runtime_code
from peakfleet._payload import payload
from peakfleet.state import FleetState

_TICK = Duration.minutes(1)
_TIMEOUT = Duration.seconds(50)
_MEMORY_MIB = 512  # a quarter of a processor: boto3 loads in about a second


class Scaler(Construct):
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
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Sizes the groups of the fleet {fleet}",
        )
        log_group.grant_write(role)
        state.grant(role, fleet=fleet)
        for statement in _permissions(groups, listener_arn):
            role.add_to_policy(statement)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Decides the size of the fleet {fleet} every minute",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler="peakfleet_handlers.tick.handler",
            code=runtime_code(self),
            role=role,
            memory_size=_MEMORY_MIB,
            timeout=_TIMEOUT,
            log_group=log_group,
            # The next tick is the retry: an old one would only decide on old time.
            retry_attempts=0,
            max_event_age=_TICK,
            dead_letter_queue=self.dead_letters,
        )
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"The tick of the fleet {fleet}",
            schedule=scheduler.ScheduleExpression.rate(_TICK),
            time_window=scheduler.TimeWindow.off(),
            target=targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(payload(Lazy.any(spec))),
                max_event_age=_TICK,
                retry_attempts=1,
                dead_letter_queue=self.dead_letters,
            ),
        )


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
