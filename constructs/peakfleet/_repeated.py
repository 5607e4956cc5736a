from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, IStableAnyProducer, Lazy, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet._assets import runtime_code
from peakfleet._payload import payload

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class RepeatedFunction(Construct):
    """A function that does one thing for one fleet, again and again: its log group, role, schedule.

    Args:
        purpose: What it does for the fleet, for descriptions.
        handler: Where its code begins.
        every: How often it runs; what is older than this is not delivered any more.
        timeout: How long it may take.
        memory_mib: How much memory it has, and with it how much of a processor.
        spec: Produces the specification in JSON form at the end of the synth.
        dead_letters: Where runs go that could not be delivered or failed. Default: a new queue.
        layers: What its code needs besides.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        purpose: str,
        handler: str,
        every: Duration,
        timeout: Duration,
        memory_mib: int,
        spec: IStableAnyProducer,
        dead_letters: sqs.IQueue | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=purpose,
        )
        log_group.grant_write(self.role)
        self.dead_letters = dead_letters or sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=purpose,
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            handler=handler,
            code=runtime_code(self),
            layers=list(layers),
            role=self.role,
            memory_size=memory_mib,
            timeout=timeout,
            log_group=log_group,
            # The next run is the retry: an old one would only see old time.
            retry_attempts=0,
            max_event_age=every,
            dead_letter_queue=self.dead_letters,
        )
        scheduler.Schedule(
            self,
            "Schedule",
            description=purpose,
            schedule=scheduler.ScheduleExpression.rate(every),
            time_window=scheduler.TimeWindow.off(),
            target=targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(payload(Lazy.any(spec))),
                max_event_age=every,
                retry_attempts=1,
                dead_letter_queue=self.dead_letters,
            ),
        )
