"""Care for single instances and warm pools: what a size alone does not say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from peakfleet_handlers.aws.calls import Calls
from peakfleet_planner import (
    FleetSpec,
    Plan,
    PoolPlan,
    PoolReading,
    PoolSpec,
    Snapshot,
    WarmSpec,
)

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

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
        answer = calls.ask(
            autoscaling.terminate_instance_in_auto_scaling_group,
            instance_id,
            InstanceId=instance_id,
            ShouldDecrementDesiredCapacity=shrinks,
        )
        decremented += shrinks and answer is not None
    return decremented


def replace(
    plan: Plan, snapshot: Snapshot, *, autoscaling: AutoScalingClient, calls: Calls
) -> None:
    """End unhealthy instances that their group does not replace, so that it launches others."""
    seen = {reading.name for reading in snapshot.pools}
    ended = [one for told in plan.pools if told.name in seen for one in told.replacements]
    for instance_id in ended:
        calls.ask(
            autoscaling.terminate_instance_in_auto_scaling_group,
            instance_id,
            InstanceId=instance_id,
            ShouldDecrementDesiredCapacity=False,
        )


def sweep(
    instance_ids: Iterable[str], *, autoscaling: AutoScalingClient, calls: Calls
) -> tuple[str, ...]:
    """End instances that their group retains after a failed drain; return those that were.

    A retained instance is not part of the desired capacity, which therefore stays.
    """
    return tuple(
        instance_id
        for instance_id in instance_ids
        if calls.ask(
            autoscaling.terminate_instance_in_auto_scaling_group,
            instance_id,
            InstanceId=instance_id,
            ShouldDecrementDesiredCapacity=False,
        )
        is not None
    )


def keep_warm(
    spec: FleetSpec,
    snapshot: Snapshot,
    plan: Plan,
    *,
    short: Collection[str],
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> dict[str, int]:
    """Size the warm pools that have another size; return the new one of each.

    `MaxGroupPreparedCapacity` 0 leaves the size to `MinSize` alone: without it a warm pool is as
    large as the group's maximum allows. Where what is let go waits, the size is what of the
    prepared capacity does not serve, and `MinSize` stays as specified.

    Args:
        spec: The fleet.
        snapshot: What was observed.
        plan: What was decided.
        short: Pools that did not get what they were to grow by, and are left as they are: prepared
            for it, a group would boot the difference only to wait.
        autoscaling: Client to tell.
        calls: Where failures are noted.
    """
    sized = {}
    for pool, told, reading in _pairs(spec, snapshot, plan):
        warm = pool.warm
        if warm is None or (warm.reuse and pool.name in short):
            continue
        sizes = _reused(warm, told, reading) if warm.reuse else _filled(told, reading)
        if sizes is None:
            continue
        least, prepared = sizes
        answer = calls.ask(
            autoscaling.put_warm_pool,
            pool.name,
            AutoScalingGroupName=pool.group,
            MinSize=least,
            MaxGroupPreparedCapacity=prepared,
            PoolState="Stopped" if warm.state == "stopped" else "Running",
            InstanceReusePolicy={"ReuseOnScaleIn": warm.reuse},
        )
        if answer is not None:
            sized[pool.name] = max(least, prepared - told.desired_capacity)
    return sized


def _filled(plan: PoolPlan, reading: PoolReading) -> tuple[int, int] | None:
    """Return what `MinSize` and prepared capacity should be; None if the size is right."""
    wanted = plan.warm_capacity
    return None if wanted is None or wanted == reading.warm_target else (wanted, 0)


def _reused(warm: WarmSpec, plan: PoolPlan, reading: PoolReading) -> tuple[int, int] | None:
    """Return the same for a pool in which what is let go waits.

    What is outdated ends even if it is among the fewest that wait; they are booted anew later.
    """
    wanted, least = plan.prepared_capacity, 0 if reading.waits_outdated else warm.min_capacity
    is_so = wanted == reading.prepared_capacity and (reading.warm_target or 0) >= least
    is_right = is_so and not reading.waits_outdated
    return None if wanted is None or is_right else (least, wanted)


def replace_unhealthy(
    spec: FleetSpec, snapshot: Snapshot, plan: Plan, *, autoscaling: AutoScalingClient, calls: Calls
) -> None:
    """Halt or resume the replacement of unhealthy instances, where that has to change."""
    for pool, told, reading in _pairs(spec, snapshot, plan):
        if reading.replaces_unhealthy == told.replaces_unhealthy:
            continue
        change = (
            autoscaling.resume_processes
            if told.replaces_unhealthy
            else autoscaling.suspend_processes
        )
        calls.ask(
            change,
            pool.name,
            AutoScalingGroupName=pool.group,
            ScalingProcesses=[REPLACE_UNHEALTHY],
        )


def _pairs(
    spec: FleetSpec, snapshot: Snapshot, plan: Plan
) -> Iterator[tuple[PoolSpec, PoolPlan, PoolReading]]:
    """Return every pool that could be read, with what it is told and how it was seen."""
    pools = {pool.name: pool for pool in spec.pools}
    seen = {reading.name: reading for reading in snapshot.pools}
    for told in plan.pools:
        if told.name in seen:
            yield pools[told.name], told, seen[told.name]
