"""One function of a fleet: code, role, log group, dead letters and, if it repeats, its schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, IStableAnyProducer, Lazy, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet._values import known_count
from peakfleet.assets import runtime_code
from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.permissions import may_have_network_interfaces
from peakfleet.control_plane.spec_document import payload
from peakfleet.control_plane.state import FleetState
from peakfleet_planner import SpecError

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
_MOST_EVENT_AGE_SECONDS = 6 * 3600  # of Lambda; EventBridge Scheduler keeps an event for a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """How the Lambda functions of a fleet run.

    Args:
        vpc: Network that they are attached to. Default: none, they run outside of your networks.
        vpc_subnets: Default: the private subnets of *vpc*. They need a way to the endpoints of
            the AWS services that the functions call.
        security_groups: Of their network interfaces. Default: one for each function.
        reserved_concurrency: Concurrent runs that are set aside for each function, and the most
            that it has; at least 1. Default: none, they share what the account has.
        log_retention: How long their logs are kept. Default: one month.
        tracing: Whether AWS X-Ray traces their runs. Default: no.

    Raises:
        SpecError: Subnets or security groups are given without a network, or the concurrency is 0.
    """

    vpc: ec2.IVpc | None = None
    vpc_subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()
    reserved_concurrency: int | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    tracing: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that no function can have."""
        if self.vpc is None and (self.vpc_subnets or self.security_groups):
            raise SpecError("functions: vpc_subnets and security_groups need a vpc, got none")
        if self.reserved_concurrency is not None:
            known_count("functions", "reserved_concurrency", self.reserved_concurrency)
            if self.reserved_concurrency < 1:
                raise SpecError(
                    f"functions: reserved_concurrency must be at least 1, as 0 stops the fleet, "
                    f"got {self.reserved_concurrency}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionContext:
    """What all functions of one fleet have in common.

    Args:
        fleet: Name of the fleet, which is the partition key of its records.
        spec: Produces the specification in JSON form at the end of the synth.
        state: What the fleet remembers in.
        functions: How they run.
        encryption: Keys of their logs and queues.
    """

    fleet: str
    spec: IStableAnyProducer
    state: FleetState
    functions: Functions
    encryption: Encryption


class FleetFunction(Construct):
    """A function that does one thing for one fleet.

    Args:
        context: What it shares with the fleet's other functions.
        purpose: What it does for the fleet, for descriptions.
        handler: Where its code begins.
        timeout: How long it may take.
        memory_mib: How much memory it has, and with it how much of a processor.
        every: How often it runs. Default: only when it is called.
        max_event_age: What is older than this is not delivered any more. Default: *every*.
        retry_attempts: How often what failed is delivered again. Default: never: the next run is
            the retry, and an old one would only see old time.
        dead_letters: Where runs go that could not be delivered or failed. Default: a new queue.
        layers: What its code needs besides.
        environment: Its environment variables.
        payload_field: Where the schedule's payload has the specification.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        context: FunctionContext,
        *,
        purpose: str,
        handler: str,
        timeout: Duration,
        memory_mib: int,
        every: Duration | None = None,
        max_event_age: Duration | None = None,
        retry_attempts: int = 0,
        dead_letters: sqs.IQueue | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        environment: Mapping[str, str] | None = None,
        payload_field: str = "spec",
    ) -> None:
        super().__init__(scope, construct_id)
        settings, encryption = context.functions, context.encryption
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=settings.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption.key_of_logs(self),
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=purpose,
        )
        log_group.grant_write(self.role)
        self.dead_letters = dead_letters or encryption.queue(self, "DeadLetters")
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
            max_event_age=max_event_age or _event_age(every),
            dead_letter_queue=self.dead_letters,
            vpc=settings.vpc,
            vpc_subnets=settings.vpc_subnets,
            security_groups=list(settings.security_groups) or None,
            reserved_concurrent_executions=settings.reserved_concurrency,
            tracing=lambda_.Tracing.ACTIVE if settings.tracing else None,
        )
        if self.function.is_bound_to_vpc:  # also by a property injector of the app
            self.role.add_to_policy(may_have_network_interfaces())
        encryption.grant_queues(self.role)
        self._schedule: scheduler.Schedule | None = None
        if every:
            target = targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(
                    payload(Lazy.any(context.spec), field=payload_field)
                ),
                max_event_age=every,
                retry_attempts=1,
                dead_letter_queue=self.dead_letters,
                role=encryption.role_of_schedules(self),
            )
            self._schedule = scheduler.Schedule(
                self,
                "Schedule",
                description=purpose,
                schedule=scheduler.ScheduleExpression.rate(every),
                time_window=scheduler.TimeWindow.off(),
                target=target,
            )

    @property
    def schedule(self) -> scheduler.Schedule:
        """What runs it again and again.

        Raises:
            ValueError: It only runs when it is called.
        """
        if self._schedule is None:
            raise ValueError(f"{self.node.path} has no schedule")
        return self._schedule


def _event_age(every: Duration | None) -> Duration | None:
    return every and Duration.seconds(min(every.to_seconds(), _MOST_EVENT_AGE_SECONDS))
