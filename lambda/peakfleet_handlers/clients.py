"""AWS clients, made once per execution environment, with bounded patience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

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


@cache
def clients() -> Clients:
    """Return the clients of this execution environment."""
    return Clients()
