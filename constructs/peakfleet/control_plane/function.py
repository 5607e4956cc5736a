from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.machines import runtime_code

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class FleetFunction(Construct):
    """A function that does one thing for one fleet, with its log group and role.

    Args:
        purpose: What it does for the fleet, for descriptions.
        handler: Where its code begins.
        timeout: How long it may take.
        memory_mib: How much memory it has, and with it how much of a processor.
        max_event_age: What is older than this is not delivered any more.
        retry_attempts: How often what failed is delivered again.
        dead_letters: Where runs go that could not be delivered or failed. Default: a new queue.
        layers: What its code needs besides.
        environment: Its environment variables.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        purpose: str,
        handler: str,
        timeout: Duration,
        memory_mib: int,
        max_event_age: Duration,
        retry_attempts: int,
        dead_letters: sqs.IQueue | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        environment: Mapping[str, str] | None = None,
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
            environment=dict(environment) if environment else None,
            role=self.role,
            memory_size=memory_mib,
            timeout=timeout,
            log_group=log_group,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            dead_letter_queue=self.dead_letters,
        )
