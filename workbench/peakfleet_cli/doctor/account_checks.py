"""Who one is, what one may, and whether the region is ready for the CDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from peakfleet_cli.account import Account
from peakfleet_cli.doctor.finding import Finding, checked, error, good, warning

_BOOTSTRAP: Final = "/cdk-bootstrap/hnb659fds/version"
_LEAST_BOOTSTRAP: Final = 6
_READS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "scheduler:ListSchedules": ("scheduler", "list_schedules", {"MaxResults": 1}),
    "autoscaling:DescribeAutoScalingGroups": (
        "autoscaling",
        "describe_auto_scaling_groups",
        {"MaxRecords": 1},
    ),
    "dynamodb:ListTables": ("dynamodb", "list_tables", {"Limit": 1}),
    "cloudformation:DescribeStacks": ("cloudformation", "describe_stacks", {}),
    "cloudwatch:ListMetrics": ("cloudwatch", "list_metrics", {"Namespace": "PeakFleet"}),
}
"""What the commands read, each with a call that asks for next to nothing."""


def on_account(account: Account) -> Iterator[Finding]:
    """Yield what is found of credentials, permissions and bootstrap."""
    identity = account.client("sts").get_caller_identity()
    yield good("account", f"{identity['Account']} as {identity['Arn']}, in {account.place}")
    for action, (service, operation, arguments) in _READS.items():
        call = getattr(account.client(service), operation)
        yield from checked("permissions", action, partial(_allowed, action, call, arguments))
    yield from checked("bootstrap", "ssm:GetParameter", partial(_bootstrap, account))
    yield from checked(
        "deploying", "sts:AssumeRole", partial(_deploys, account, identity["Account"])
    )


def _allowed(
    action: str, call: Callable[..., object], arguments: dict[str, Any]
) -> Iterator[Finding]:
    call(**arguments)
    yield good("permissions", action)


def _bootstrap(account: Account) -> Iterator[Finding]:
    fix = f"cdk bootstrap aws://ACCOUNT/{account.place}"
    try:
        value = account.client("ssm").get_parameter(Name=_BOOTSTRAP)["Parameter"]["Value"]
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "ParameterNotFound":
            raise
        yield error("bootstrap", f"{account.place} is not bootstrapped for the CDK", fix)
        return
    if int(value) < _LEAST_BOOTSTRAP:
        yield warning("bootstrap", f"version {value} is older than {_LEAST_BOOTSTRAP}", fix)
    else:
        yield good("bootstrap", f"version {value}")


def _deploys(account: Account, number: str) -> Iterator[Finding]:
    name = f"cdk-hnb659fds-deploy-role-{number}-{account.place}"
    account.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{number}:role/{name}", RoleSessionName="peakfleet-doctor"
    )
    yield good("deploying", f"may act as {name}")
