"""AWS clients, made once per execution environment, with bounded patience."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.session import get_session

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

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
_SERVICES: Final = {"functions": "lambda"}
MODELS: Final = Path(__file__).parent / "models"
"""Service models that are asked before the runtime's own, so that its version of boto3 does not
decide which calls there are (docs/adr/0020)."""


class Clients:
    """The services that handlers ask; each client is made when it is first used."""

    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    dynamodb: DynamoDBClient
    ec2: EC2Client
    elbv2: ElasticLoadBalancingv2Client
    functions: LambdaClient
    route53: Any  # no stubs of it are pinned
    s3: S3Client
    scheduler: EventBridgeSchedulerClient

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  one of the clients above
        """Make a client."""
        if name not in Clients.__annotations__:
            raise AttributeError(name)
        client = _session().client(_SERVICES.get(name, name), config=_CONFIG)
        setattr(self, name, client)
        return client


@cache
def _session() -> Any:  # noqa: ANN401  boto3's own session
    core = get_session()
    core.get_component("data_loader").search_paths.insert(0, str(MODELS))
    return boto3.Session(botocore_session=core)


@cache
def clients() -> Clients:
    """Return the clients of this execution environment."""
    return Clients()
