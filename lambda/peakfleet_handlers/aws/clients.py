"""AWS clients, made once per execution environment, with bounded patience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient

ATTEMPTS = 2
CONNECT_SECONDS = 1
READ_SECONDS = 3
BACKOFF_SECONDS = 6
"""botocore's standard mode waits up to 1 s before the second attempt, and up to 5 s more
where a service asks for it (`x-amz-retry-after`)."""
CALL_SECONDS = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + (ATTEMPTS - 1) * BACKOFF_SECONDS
"""Longest that one call may take. Resolving a name is not covered, nor is a service that
trickles its answer: there the function's own timeout is the bound."""

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
)


class ListenerClient(Protocol):
    """The one call of Elastic Load Balancing that a tick makes."""

    def modify_listener(
        self,
        *,
        ListenerArn: str,  # noqa: N803  AWS's name
        DefaultActions: Sequence[Mapping[str, object]],  # noqa: N803  AWS's name
    ) -> Mapping[str, object]:
        """Change the default action of a listener."""


class InstanceClient(Protocol):
    """The one call of EC2 that a tick makes."""

    def terminate_instances(
        self,
        *,
        InstanceIds: Sequence[str],  # noqa: N803  AWS's name
    ) -> Mapping[str, object]:
        """Terminate instances."""


class CapacityClient(Protocol):
    """The calls of EC2 with which a gang is observed."""

    def describe_capacity_reservations(
        self,
        *,
        CapacityReservationIds: Sequence[str],  # noqa: N803  AWS's name
    ) -> Mapping[str, Any]:
        """Return capacity reservations, capacity blocks too."""

    def describe_instances(
        self,
        *,
        InstanceIds: Sequence[str],  # noqa: N803  AWS's name
    ) -> Mapping[str, Any]:
        """Return instances with their addresses."""


class ObjectClient(Protocol):
    """The calls of S3 with which a gang and its machines tell each other."""

    def list_objects_v2(
        self,
        *,
        Bucket: str,  # noqa: N803  AWS's name
        Prefix: str,  # noqa: N803  AWS's name
        StartAfter: str,  # noqa: N803  AWS's name
    ) -> Mapping[str, Any]:
        """Return the first thousand keys after one."""

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803  AWS's name
        Key: str,  # noqa: N803  AWS's name
        Body: bytes,  # noqa: N803  AWS's name
    ) -> Mapping[str, object]:
        """Write an object."""


class ScheduleClient(Protocol):
    """The one call of EventBridge Scheduler that an event makes."""

    def get_schedule(self, *, Name: str) -> Mapping[str, Any]:  # noqa: N803  AWS's name
        """Return a schedule of the default group."""


class FunctionClient(Protocol):
    """The one call of Lambda that an event makes."""

    def invoke(
        self,
        *,
        FunctionName: str,  # noqa: N803  AWS's name
        InvocationType: str,  # noqa: N803  AWS's name
        Payload: bytes,  # noqa: N803  AWS's name
    ) -> Mapping[str, object]:
        """Run a function."""


class Clients:
    """The services a tick talks to; each client is made when it is first used."""

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Where demand and baseline are read."""
        client: CloudWatchClient = boto3.client("cloudwatch", config=_CONFIG)
        return client

    @cached_property
    def autoscaling(self) -> AutoScalingClient:
        """Where groups are read and sized."""
        client: AutoScalingClient = boto3.client("autoscaling", config=_CONFIG)
        return client

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Where holds and decisions are kept."""
        client: DynamoDBClient = boto3.client("dynamodb", config=_CONFIG)
        return client

    @cached_property
    def elbv2(self) -> ListenerClient:
        """Where traffic is split."""
        client: ListenerClient = boto3.client("elbv2", config=_CONFIG)
        return client

    @cached_property
    def ec2(self) -> InstanceClient:
        """Where instances that outlived their drain are terminated."""
        client: InstanceClient = boto3.client("ec2", config=_CONFIG)
        return client

    @cached_property
    def capacity(self) -> CapacityClient:
        """Where the reservation and the addresses of a gang are read."""
        client: CapacityClient = boto3.client("ec2", config=_CONFIG)
        return client

    @cached_property
    def objects(self) -> ObjectClient:
        """Where the formation of a gang is written."""
        client: ObjectClient = boto3.client("s3", config=_CONFIG)
        return client

    @cached_property
    def scheduler(self) -> ScheduleClient:
        """Where an event finds the fleet that it is about."""
        client: ScheduleClient = boto3.client("scheduler", config=_CONFIG)
        return client

    @cached_property
    def functions(self) -> FunctionClient:
        """Where an event asks for a tick."""
        client: FunctionClient = boto3.client("lambda", config=_CONFIG)
        return client


@cache
def clients() -> Clients:
    """Return the clients of this execution environment."""
    return Clients()
