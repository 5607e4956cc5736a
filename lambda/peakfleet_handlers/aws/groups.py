"""Auto Scaling groups, read with DescribeAutoScalingGroups, and their warm pools."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_handlers.aws.calls import Calls, Cause
from peakfleet_planner import Hold, PoolReading, PoolSpec
from peakfleet_planner.pools import too_many_unhealthy
from peakfleet_table import HOLD_TAG, read_hold_tag

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import (
        AutoScalingGroupTypeDef,
        InstanceTypeDef,
    )

GROUPS_PER_CALL = 100
WARM_INSTANCES_PER_CALL = 50
OPERATION, WARM_OPERATION = "DescribeAutoScalingGroups", "DescribeWarmPool"
REPLACE_UNHEALTHY = "ReplaceUnhealthy"
_BOOTING = ("Pending", "Pending:Wait", "Pending:Proceed")
_LEAVING = ("Terminating", "Terminating:Wait", "Terminating:Proceed")
_WAITING = ("Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated")
_RETAINED = ":Retained"


def read_pools(
    pools: tuple[PoolSpec, ...],
    *,
    autoscaling: AutoScalingClient,
    calls: Calls,
    halted: Collection[str] | None = None,
) -> tuple[PoolReading, ...]:
    """Return the groups of *pools* as they are; a group that could not be read is left out.

    One that does not exist has nothing, and can have nothing. A warm pool that could not be read
    counts as empty.

    Args:
        pools: Whose groups.
        autoscaling: Client to ask.
        calls: Where failures are noted.
        halted: Pools whose replacement of unhealthy instances the fleet itself has suspended;
            where another process, or that of another pool, is suspended, somebody else did it,
            unless so many are unhealthy that the fleet would. Default: nobody knows, so that
            replacement counts as suspended by the fleet.
    """
    read: dict[str, PoolReading] = {}
    for first in range(0, len(pools), GROUPS_PER_CALL):
        batch = pools[first : first + GROUPS_PER_CALL]
        read |= _read_batch({pool.group: pool for pool in batch}, halted, autoscaling, calls)
    for pool in pools:
        if pool.warm and pool.name in read:
            read[pool.name] = _with_warm_pool(read[pool.name], pool, autoscaling, calls)
    return tuple(read[pool.name] for pool in pools if pool.name in read)


def _read_batch(
    by_group: Mapping[str, PoolSpec],
    halted: Collection[str] | None,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> dict[str, PoolReading]:
    paginator = autoscaling.get_paginator("describe_auto_scaling_groups")
    listed = calls.listed(
        OPERATION,
        f"{len(by_group)} groups",
        paginator.paginate(
            AutoScalingGroupNames=list(by_group), PaginationConfig={"PageSize": GROUPS_PER_CALL}
        ),
        "AutoScalingGroups",
    )
    groups = {str(group.get("AutoScalingGroupName")): group for group in listed.found}
    read: dict[str, PoolReading] = {}
    for name, pool in by_group.items():
        if name in groups:
            read_one = partial(_reading, pool, groups[name], halted)
            reading = calls.reading(OPERATION, pool.name, read_one)
            if reading:
                hold = calls.reading(OPERATION, pool.name, partial(_hold, groups[name]))
                read[pool.name] = replace(reading, hold=hold)
        elif listed.complete:
            calls.note(OPERATION, name, Cause.NOT_FOUND, f"pool '{pool.name}' has no group")
            if groups.keys() <= by_group.keys():  # else the answer is of another shape
                read[pool.name] = _deleted(pool)
    return read


def _reading(
    pool: PoolSpec, group: AutoScalingGroupTypeDef, halted: Collection[str] | None
) -> PoolReading:
    suspended = {str(process.get("ProcessName")) for process in group.get("SuspendedProcesses", ())}
    instances = group.get("Instances", [])
    in_service = [one for one in instances if one["LifecycleState"] == "InService"]
    serving = [one for one in in_service if one["HealthStatus"].lower() == "healthy"]
    busy = [one for one in serving if one.get("ProtectedFromScaleIn")]
    booting = [one for one in instances if one["LifecycleState"] in _BOOTING]
    zones = dict.fromkeys(map(str, group.get("AvailabilityZones", ())), 0)
    types: dict[str, int] = {}
    for one in (*serving, *booting):
        if kind := one.get("InstanceType"):
            types[str(kind)] = types.get(str(kind), 0) + _points(one)
        if zone := one.get("AvailabilityZone"):
            zones[str(zone)] = zones.get(str(zone), 0) + _points(one)
    unhealthy_capacity = _sum(in_service) - _sum(serving)
    is_ours = halted is None or pool.name in halted
    would_be = too_many_unhealthy(unhealthy_capacity, _sum(serving))
    ours = {REPLACE_UNHEALTHY} if is_ours or would_be else set()
    return PoolReading(
        name=pool.name,
        desired_capacity=int(group["DesiredCapacity"]),
        in_service_capacity=_sum(serving),
        min_capacity=int(group["MinSize"]),
        max_capacity=int(group["MaxSize"]),
        booting_capacity=_sum(booting),
        busy_capacity=_sum(busy),
        busy_instances=len(busy),
        leaving_capacity=_sum(one for one in instances if one["LifecycleState"] in _LEAVING),
        unhealthy_capacity=unhealthy_capacity,
        warm_target=_warm_target(group) if pool.warm else None,
        prepared_capacity=_prepared_capacity(group) if pool.warm else None,
        zones=zones,
        types=types if pool.units_by_type or pool.purchase == "spot" else {},
        serving=frozenset(_ids(serving)),
        booting=frozenset(_ids(booting)),
        unhealthy=frozenset(_ids(in_service)) - frozenset(_ids(serving)),
        retained=_retained(instances),
        replaces_unhealthy=REPLACE_UNHEALTHY not in suspended,
        suspended=tuple(sorted(suspended - ours)),
        template_version=_template_version(group),
    )


def _hold(group: AutoScalingGroupTypeDef) -> Hold | None:
    """Return the hold that a group's tags tell of.

    Raises:
        ValueError: They say something else. Nobody can know when that ends, so it is no hold.
    """
    for tag in group.get("Tags", ()):
        if tag.get("Key") == HOLD_TAG:
            return read_hold_tag(str(tag.get("Value", "")))
    return None


def _deleted(pool: PoolSpec) -> PoolReading:
    return PoolReading(
        name=pool.name,
        desired_capacity=0,
        in_service_capacity=0,
        min_capacity=0,
        max_capacity=0,
        booting_capacity=0,
    )


def _template_version(group: AutoScalingGroupTypeDef) -> int | None:
    """Return the version that is launched; None if it is by name, such as `$Latest`."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    template = group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification", {})
    version = template.get("Version", "")
    return int(version) if version.isdecimal() else None


def _warm_target(group: AutoScalingGroupTypeDef) -> int | None:
    """Return what the warm pool holds by its settings; None if there is no warm pool."""
    prepared = _prepared_capacity(group)
    if prepared is None:
        return None
    least = int(group["WarmPoolConfiguration"].get("MinSize", 0))
    return max(least, prepared - int(group["DesiredCapacity"]))


def _prepared_capacity(group: AutoScalingGroupTypeDef) -> int | None:
    """Return what may serve or wait together; None if there is no warm pool.

    Where nothing else is set, that is the group's maximum.
    """
    settings = group.get("WarmPoolConfiguration")
    if settings is None or settings.get("Status") == "PendingDelete":
        return None
    prepared = int(settings.get("MaxGroupPreparedCapacity", -1))
    return int(group["MaxSize"]) if prepared < 0 else prepared


def _with_warm_pool(
    reading: PoolReading, pool: PoolSpec, autoscaling: AutoScalingClient, calls: Calls
) -> PoolReading:
    """Add what waits in the warm pool."""
    paginator = autoscaling.get_paginator("describe_warm_pool")
    found = calls.listed(
        WARM_OPERATION,
        pool.name,
        paginator.paginate(
            AutoScalingGroupName=pool.group,
            PaginationConfig={"PageSize": WARM_INSTANCES_PER_CALL},
        ),
        "Instances",
    ).found

    def read() -> PoolReading:
        waiting = [one for one in found if one["LifecycleState"] in _WAITING]
        versions = {one.get("LaunchTemplate", {}).get("Version", "") for one in waiting} - {""}
        version = reading.template_version
        return replace(
            reading,
            warm_capacity=_sum(waiting),
            waits_outdated=version is not None and not versions <= {str(version)},
            retained=(*reading.retained, *_retained(found)),
        )

    return calls.reading(WARM_OPERATION, pool.name, read) or reading


def _retained(instances: Iterable[InstanceTypeDef]) -> tuple[str, ...]:
    return _ids(one for one in instances if one["LifecycleState"].endswith(_RETAINED))


def _ids(instances: Iterable[InstanceTypeDef]) -> tuple[str, ...]:
    return tuple(str(one["InstanceId"]) for one in instances if one.get("InstanceId"))


def _sum(instances: Iterable[InstanceTypeDef]) -> int:
    return sum(map(_points, instances))


def _points(instance: InstanceTypeDef) -> int:
    """Return the points of capacity that an instance counts for: its weight, if it has one."""
    return int(instance.get("WeightedCapacity") or 1)
