"""Auto Scaling groups, read with DescribeAutoScalingGroups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_handlers.calls import Calls, Cause
from peakfleet_planner import PoolReading, PoolSpec

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import (
        AutoScalingGroupsTypeTypeDef,
        InstanceTypeDef,
    )

GROUPS_PER_CALL = 100
OPERATION = "DescribeAutoScalingGroups"


def read_pools(
    pools: tuple[PoolSpec, ...], *, autoscaling: AutoScalingClient, calls: Calls
) -> tuple[PoolReading, ...]:
    """Return the groups of *pools* as they are; a group that could not be read is left out."""
    read: dict[str, PoolReading] = {}
    for first in range(0, len(pools), GROUPS_PER_CALL):
        batch = pools[first : first + GROUPS_PER_CALL]
        read |= _read_batch({pool.group: pool for pool in batch}, autoscaling, calls)
    return tuple(read[pool.name] for pool in pools if pool.name in read)


def _read_batch(
    by_group: Mapping[str, PoolSpec], autoscaling: AutoScalingClient, calls: Calls
) -> dict[str, PoolReading]:
    """Read one batch, page by page."""
    get_page = partial(
        autoscaling.describe_auto_scaling_groups,
        AutoScalingGroupNames=list(by_group),
        MaxRecords=GROUPS_PER_CALL,
    )
    subject = f"{len(by_group)} groups"
    read: dict[str, PoolReading] = {}
    token = calls.attempt(OPERATION, subject, partial(_take, get_page, by_group, read))
    while token:
        next_page = partial(get_page, NextToken=token)
        token = calls.attempt(OPERATION, subject, partial(_take, next_page, by_group, read))
    if token is not None:
        for group, pool in by_group.items():
            if pool.name not in read:
                calls.note(OPERATION, group, Cause.NOT_FOUND, f"pool '{pool.name}' has no group")
    return read


def _take(
    get_page: Callable[[], AutoScalingGroupsTypeTypeDef],
    by_group: Mapping[str, PoolSpec],
    read: dict[str, PoolReading],
) -> str:
    """Keep what a page says, and return the token of the next one, empty after the last."""
    page = get_page()
    for group in page.get("AutoScalingGroups", ()):
        pool = by_group[group["AutoScalingGroupName"]]
        read[pool.name] = PoolReading(
            name=pool.name,
            desired_capacity=group["DesiredCapacity"],
            in_service_capacity=sum(map(_points, group.get("Instances", ()))),
            min_capacity=group["MinSize"],
            max_capacity=group["MaxSize"],
        )
    return page.get("NextToken", "")


def _points(instance: InstanceTypeDef) -> int:
    """Return the points of capacity that an instance serves: its weight, if it has one."""
    if instance["LifecycleState"] != "InService" or instance["HealthStatus"].lower() != "healthy":
        return 0
    return int(instance.get("WeightedCapacity") or 1)
