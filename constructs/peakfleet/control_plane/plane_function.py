"""One function of a control plane: code, role, log group; and the schedules that run it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from aws_cdk import Duration, IResolvable, RemovalPolicy
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
from peakfleet.control_plane.permissions import (
    PLANE_WILDCARDS,
    Permission,
    may_have_network_interfaces,
)
from peakfleet.control_plane.spec_document import payload
from peakfleet.findings import acknowledge, acknowledge_policies
from peakfleet_planner import SpecError

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
_AWS_KEY = "encrypted with the key that AWS manages; Encryption(logs=...) gives another"
_TESTED = "what decides is tested on this Python, and moves to the next with a release"
_MOST_EVENT_AGE_SECONDS = 6 * 3600  # of Lambda; EventBridge Scheduler keeps an event for a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """How the Lambda functions of a control plane run.

    Args:
        vpc: Network that they are attached to. Default: none, they run outside of your networks.
        vpc_subnets: Default: the private subnets of *vpc*. They need a way to the endpoints of
            the AWS services that the functions call.
        security_groups: Of their network interfaces. Default: one for each function.
        reserved_concurrency: Concurrent runs that are set aside for each function, and the most
            that it has; at least 1. The scaler needs one for each fleet that decides at the same
            time. Default: none, they share what the account has.
        log_retention: How long their logs are kept. Default: one month.
        tracing: Whether AWS X-Ray traces their runs. Default: no.
        code_signing: Whose signatures their code must have. The code is an asset of the CDK, which
            your pipeline signs before it deploys. Default: nobody's.
        permissions_boundary: The most that the roles of the control plane may ever do. Default:
            what their policies say.

    Raises:
        SpecError: Subnets or security groups are given without a network, or the concurrency is 0.
    """

    vpc: ec2.IVpc | None = None
    vpc_subnets: ec2.SubnetSelection | None = None
    security_groups: Sequence[ec2.ISecurityGroup] = ()
    reserved_concurrency: int | None = None
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
    tracing: bool = False
    code_signing: lambda_.ICodeSigningConfig | None = None
    permissions_boundary: iam.IManagedPolicy | None = None

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
class Spread:
    """When within its minute a fleet decides. Use `at_once` or `over_the_minute`.

    Args:
        minutes: Within how many minutes of its time a schedule may run. 0: at its time.
    """

    minutes: int

    @classmethod
    def at_once(cls) -> Spread:
        """Decide at the beginning of the minute, within the precision of EventBridge Scheduler."""
        return cls(minutes=0)

    @classmethod
    def over_the_minute(cls) -> Spread:
        """Decide at any moment of the minute, half a minute later on average.

        For an account whose fleets, all at once, would exceed the quotas of the services that a
        tick reads; see docs/scale.md.
        """
        return cls(minutes=1)

    @property
    def window(self) -> scheduler.TimeWindow:
        """The time window of a schedule."""
        if not self.minutes:
            return scheduler.TimeWindow.off()
        return scheduler.TimeWindow.flexible(Duration.minutes(self.minutes))


_MOST_RESOURCES = 10
"""Of a statement: about 2 KB, as each is an ARN with a name that CloudFormation makes."""


class PlaneFunction(Construct):
    """A function that does one thing for every fleet of a control plane.

    Args:
        purpose: What it does, for descriptions.
        handler: Where its code begins.
        timeout: How long it may take.
        memory_mib: How much memory it has, and with it how much of a processor.
        functions: How the functions of the control plane run.
        encryption: Keys of logs and queues.
        dead_letters: Where runs go that could not be delivered or failed.
        max_event_age: What is older than this is not delivered any more.
        retry_attempts: How often what failed is delivered again. Default: never: the next run is
            the retry, and an old one would only see old time.
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
        functions: Functions,
        encryption: Encryption,
        dead_letters: sqs.IQueue,
        max_event_age: Duration,
        retry_attempts: int = 0,
        layers: Sequence[lambda_.ILayerVersion] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=functions.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
            encryption_key=encryption.key_of_logs(self),
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=purpose,
            permissions_boundary=functions.permissions_boundary,
        )
        self._allowed: dict[str, list[tuple[iam.PolicyStatement, list[str]]]] = {}
        log_group.grant_write(self.role)
        self.dead_letters = dead_letters
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
            max_event_age=Duration.seconds(
                min(max_event_age.to_seconds(), _MOST_EVENT_AGE_SECONDS)
            ),
            dead_letter_queue=dead_letters,
            vpc=functions.vpc,
            vpc_subnets=functions.vpc_subnets,
            security_groups=list(functions.security_groups) or None,
            reserved_concurrent_executions=functions.reserved_concurrency,
            tracing=lambda_.Tracing.ACTIVE if functions.tracing else None,
            code_signing_config=functions.code_signing,
        )
        if self.function.is_bound_to_vpc:  # also by a property injector of the app
            self.role.add_to_policy(may_have_network_interfaces().statement)
        encryption.grant_queues(self.role)
        acknowledge_policies(self, self.role, PLANE_WILDCARDS)
        logs_left = {} if encryption.logs else {"CloudWatchLogGroupEncrypted": _AWS_KEY}
        acknowledge(self, {**_left_as_it_is(functions), **logs_left})

    def allow(self, *permissions: Permission) -> None:
        """Allow what a fleet needs, in the words that are there already where they are the same.

        A role has 10 KB for its policies, so the fleets of a control plane share statements, and
        each adds its own resources to them, up to as many as leave the CDK room to divide the
        policy: it moves whole statements to managed policies, of which each has 6 KB.
        """
        for permission in permissions:
            said = {"actions": sorted(permission.actions), "if": permission.conditions}
            allowed = self._allowed.setdefault(json.dumps(said, sort_keys=True, default=str), [])
            known = {name for _, names in allowed for name in names}
            new = [name for name in permission.resources if name not in known]
            if allowed and len(allowed[-1][1]) + len(new) <= _MOST_RESOURCES:
                if new:
                    last, names = allowed[-1]
                    last.add_resources(*new)
                    names += new
            elif new:
                one = replace(permission, resources=new).statement
                allowed.append((one, new))
                self.role.add_to_policy(one)

    def define_schedule(
        self,
        scope: Construct,
        *,
        purpose: str,
        every: Duration,
        spec: IResolvable,
        role: iam.IRole,
        payload_field: str = "spec",
        window: scheduler.TimeWindow | None = None,
        more: Mapping[str, object] | None = None,
    ) -> scheduler.Schedule:
        """Define what runs this function for one fleet, again and again. Its id is Schedule.

        Args:
            scope: Where to define it: a part of the fleet.
            purpose: What for.
            every: How often; a run that is that late is given up.
            spec: The specification, see `spec_document`.
            role: What the schedule runs as.
            payload_field: Where its payload has the specification.
            window: Within how long after its time it may run. Default: at its time.
            more: What its payload has besides. Default: nothing.
        """
        target = targets.LambdaInvoke(
            self.function,
            input=scheduler.ScheduleTargetInput.from_object(
                {**payload(spec, field=payload_field), **(more or {})}
            ),
            max_event_age=every,
            retry_attempts=1,
            dead_letter_queue=self.dead_letters,
            role=role,
        )
        return scheduler.Schedule(
            scope,
            "Schedule",
            description=purpose,
            schedule=_rate(every),
            time_window=window,
            target=target,
        )


@cache  # a minute, an hour and a day
def _rate(every: Duration) -> scheduler.ScheduleExpression:
    return scheduler.ScheduleExpression.rate(every)


def _left_as_it_is(functions: Functions) -> dict[str, str]:
    reasons = {
        "AwsSolutions-L1": _TESTED,
        "Serverless-LambdaLatestVersion": _TESTED,
        "Serverless-LambdaAsyncFailureDestination": (
            "a run that failed goes to the dead-letter queue of the control plane, which an alarm "
            "watches"
        ),
    }
    if functions.reserved_concurrency is None:
        reasons["LambdaConcurrency"] = (
            "concurrency set aside is taken from the whole account; Functions("
            "reserved_concurrency=...) does so"
        )
    if functions.vpc is None:
        reasons["LambdaInsideVPC"] = (
            "calls APIs of AWS and nothing in a network, so that no network can stop it; "
            "Functions(vpc=...) attaches it"
        )
    if not functions.tracing:
        reasons["Serverless-LambdaTracing"] = "costs per run; Functions(tracing=True) traces"
    return reasons
