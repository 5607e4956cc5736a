"""Care for single instances and warm pools: what a size alone does not say."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_handlers.calls import Calls
from peakfleet_planner import PoolPlan, PoolReading, PoolSpec

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

    from peakfleet_handlers.clients import InstanceClient

REPLACE_UNHEALTHY = "ReplaceUnhealthy"


def drain(
    plan: PoolPlan,
    reading: PoolReading,
    *,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> int:
    """Let the instances go that AWS takes back; return how many no longer count as desired.

    Their terminate hook runs, so that they finish what they can. A group at its minimum replaces
    them by itself.
    """
    decremented = 0
    for instance_id in plan.drains:
        shrinks = reading.desired_capacity - decremented > reading.min_capacity
        terminate = partial(
            autoscaling.terminate_instance_in_auto_scaling_group,
            InstanceId=instance_id,
            ShouldDecrementDesiredCapacity=shrinks,
        )
        answer = calls.attempt("TerminateInstanceInAutoScalingGroup", instance_id, terminate)
        decremented += shrinks and answer is not None
    return decremented


def sweep(instance_ids: Iterable[str], *, ec2: InstanceClient, calls: Calls) -> tuple[str, ...]:
    """Terminate instances that outlived their drain; return those that were."""
    ids = list(instance_ids)
    if not ids:
        return ()
    answer = calls.attempt(
        "TerminateInstances", ", ".join(ids), partial(ec2.terminate_instances, InstanceIds=ids)
    )
    return tuple(ids) if answer is not None else ()


def keep_warm(
    pool: PoolSpec,
    plan: PoolPlan,
    reading: PoolReading | None,
    *,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> int | None:
    """Size the warm pool, if it has another size; return the new one.

    `MaxGroupPreparedCapacity` 0 leaves the size to `MinSize` alone: without it a warm pool is as
    large as the group's maximum allows.
    """
    wanted = plan.warm_capacity
    if wanted is None or pool.warm is None or reading is None or reading.warm_target == wanted:
        return None
    put = partial(
        autoscaling.put_warm_pool,
        AutoScalingGroupName=pool.group,
        MinSize=wanted,
        MaxGroupPreparedCapacity=0,
        PoolState="Stopped" if pool.warm.state == "stopped" else "Running",
    )
    return None if calls.attempt("PutWarmPool", pool.name, put) is None else wanted


def replace_unhealthy(
    pool: PoolSpec,
    plan: PoolPlan,
    reading: PoolReading | None,
    *,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> None:
    """Halt or resume the replacement of unhealthy instances, where that has to change."""
    if reading is None or reading.replaces_unhealthy == plan.replaces_unhealthy:
        return
    change, operation = (
        (autoscaling.resume_processes, "ResumeProcesses")
        if plan.replaces_unhealthy
        else (autoscaling.suspend_processes, "SuspendProcesses")
    )
    request = partial(change, AutoScalingGroupName=pool.group, ScalingProcesses=[REPLACE_UNHEALTHY])
    calls.attempt(operation, pool.name, request)
