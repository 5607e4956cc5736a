"""Auto Scaling groups of moto that obey the laws of a world instead of moto's own.

What stock moto grants at once has to be earned here: instances boot, zones run dry,
bounds are enforced, weights count, terminations take time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto.autoscaling.models import (
    AutoScalingBackend,
    FakeAutoScalingGroup,
    TerminateInstanceActivity,
)
from moto.ec2.models.instances import Instance

from peakfleet_local.groups.activities import ActivityLog
from peakfleet_local.groups.api import GroupApi
from peakfleet_local.groups.calls import Calls
from peakfleet_local.groups.configuration import COUNTED_STATES, as_requested
from peakfleet_local.groups.hooks import LifecycleHooks
from peakfleet_local.groups.launching import end_in_ec2
from peakfleet_local.groups.listeners import listener_patches
from peakfleet_local.groups.reconciler import Reconciler
from peakfleet_local.groups.scaling_policies import ScalingPolicies
from peakfleet_local.groups.spot_prices import SpotPriceApi
from peakfleet_local.metrics import MetricStore
from peakfleet_local.moto import (
    ApiError,
    MotoObject,
    Patch,
    as_method,
    patched,
    serial_patches,
    speed_patches,
    stock,
)
from peakfleet_local.world import World, timestamp

_SWEPT = "a retained instance was terminated in response to a user request"


@contextmanager
def installed(world: World, *, metrics: MetricStore | None = None) -> Iterator[World]:
    """Put the groups of moto, in this process, under the laws of a world.

    Works within `mock_aws()` and within a moto server of the same process.

    Args:
        world: Its clock, capacity and faults; its `calls` counts every API call.
        metrics: What native scaling policies read. Default: they never act.

    Yields:
        The same world.

    Raises:
        MotoVersionError: The installed moto is not the one that this module knows.

    Limitations:
        No cooldowns, no capacity rebalancing, no scheduled actions, and no group chooses types
        by InstanceRequirements. Machines of a warm pool are terminated without
        a hook. Terminated instances vanish from EC2 at once.

    Example:
        with mock_aws(), installed(World(boot_seconds=120)) as world:
            autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=3)
            world.advance(120)
    """
    activities = ActivityLog()
    hooks = LifecycleHooks(world)
    reconciler = Reconciler(world=world, activities=activities, hooks=hooks)
    groups = _GroupPhysics(world=world, reconciler=reconciler)
    api = GroupApi(world=world, activities=activities, hooks=hooks, reconciler=reconciler)
    patches = [
        *groups.patches(),
        *api.patches(),
        *Calls(world).patches(),
        *SpotPriceApi(world).patches(),
        *listener_patches(),
        *serial_patches(),
        *speed_patches(),
    ]
    policies = metrics and ScalingPolicies(world=world, store=metrics, reconciler=reconciler)
    with patched(patches):
        if policies:
            policies.start()
        try:
            yield world
        finally:
            if policies:
                policies.stop()


class _GroupPhysics:
    """What a group does when it is asked to change."""

    def __init__(self, *, world: World, reconciler: Reconciler) -> None:
        self._world = world
        self._reconciler = reconciler
        self._stock_update = stock(FakeAutoScalingGroup, "update")
        self._stock_delete = stock(AutoScalingBackend, "delete_auto_scaling_group")
        self._stock_resume = stock(AutoScalingBackend, "resume_processes")
        self._stock_ended = stock(Instance, "terminate")

    def patches(self) -> list[Patch]:
        group, backend = FakeAutoScalingGroup, AutoScalingBackend
        replaced = (
            (group, "set_desired_capacity", self.set_desired),
            (group, "update", self.update),
            (group, "active_instances", _counted),
            (backend, "set_desired_capacity", _set_checked),
            (backend, "delete_auto_scaling_group", self.delete),
            (backend, "terminate_instance", self.terminate),
            (backend, "notify_terminate_instances", self.lost),
            (backend, "resume_processes", self.resume),
            (Instance, "terminate", self.ended),
        )
        return [Patch(owner=o, name=n, value=as_method(f)) for o, n, f in replaced]

    def set_desired(self, group: MotoObject, new_capacity: int | None) -> None:
        with self._world.lock:
            before = getattr(group, "desired_capacity", None) or 0
            group.desired_capacity = int(group.min_size if new_capacity is None else new_capacity)
            cause = _cause(self._world, before=before, after=group.desired_capacity)
            self._reconciler.reconcile(group, cause=cause)

    def update(self, group: MotoObject, **changes: MotoObject) -> None:
        low = group.min_size if changes["min_size"] is None else changes["min_size"]
        high = group.max_size if changes["max_size"] is None else changes["max_size"]
        if changes["desired_capacity"] is None:
            changes["desired_capacity"] = min(max(group.desired_capacity, low), high)
        _check_bounds(changes["desired_capacity"], low=low, high=high)
        if changes["mixed_instances_policy"] is None and not changes["launch_template"]:
            changes["mixed_instances_policy"] = as_requested(group.mixed_instances_policy)
        self._stock_update(group, **changes)

    def delete(self, backend: MotoObject, group_name: str) -> None:
        group = backend.autoscaling_groups.get(group_name)
        if group is not None:
            group.min_size = 0
        self._stock_delete(backend, group_name)
        if group is not None:
            self._reconciler.delete(group)

    def resume(self, backend: MotoObject, group_name: str, scaling_processes: list[str]) -> None:
        self._stock_resume(backend, group_name, scaling_processes)
        with self._world.lock:
            self._reconciler.reconcile_on_time(backend.autoscaling_groups[group_name])

    def ended(self, instance: MotoObject) -> MotoObject:
        """End an instance with its network interfaces, whose addresses are free then."""
        before = self._stock_ended(instance)
        for interface in instance.nics.values():
            if interface.id in instance.ec2_backend.enis:
                interface.delete()
        return before

    def terminate(
        self, backend: MotoObject, instance_id: str, *decrement: bool, **named: bool
    ) -> MotoObject:
        should_decrement = any((*decrement, *named.values()))
        if retained := self._retained_in_warm_pool(backend, instance_id):
            group, state = retained
            end_in_ec2(group, {instance_id})
            self._reconciler.lost(group, {instance_id}, cause=_SWEPT)
            return TerminateInstanceActivity(state.instance, group.desired_capacity)
        group, state = _find(backend, instance_id)
        before = group.desired_capacity
        if state.lifecycle_state == "Terminating:Retained":
            return self._sweep(group, state)
        if state.lifecycle_state not in COUNTED_STATES:
            raise ApiError(
                "ScalingActivityInProgress",
                f"Instance {instance_id} is {state.lifecycle_state} already.",
            )
        if should_decrement and before <= group.min_size:
            raise ApiError(
                "ValidationError",
                f"Currently, desiredSize equals minSize ({before}). Terminating instance without "
                "replacement will violate group's min size constraint. Either set "
                "shouldDecrement flag to false or lower group's min size.",
            )
        with self._world.lock:
            machine = self._reconciler.machine_of(group, state)
            cause = f"instance {instance_id} was taken out of service in response to a user request"
            self._reconciler.terminate(group, machine, cause=cause)
            self.set_desired(group, before - 1 if should_decrement else before)
        return TerminateInstanceActivity(state.instance, before)

    def _retained_in_warm_pool(
        self, backend: MotoObject, instance_id: str
    ) -> tuple[MotoObject, MotoObject] | None:
        for group in backend.autoscaling_groups.values():
            for state in self._reconciler.warm_pools.states(group.name):
                if state.instance.id == instance_id and state.lifecycle_state.endswith(":Retained"):
                    return group, state
        return None

    def _sweep(self, group: MotoObject, state: MotoObject) -> MotoObject:
        """End an instance that was retained; it counts for nothing."""
        with self._world.lock:
            machine = self._world.machines[state.instance.id]
            self._reconciler.terminate(group, machine, cause=_SWEPT)
        return TerminateInstanceActivity(state.instance, group.desired_capacity)

    def lost(self, backend: MotoObject, instance_ids: list[str]) -> None:
        for group in list(backend.autoscaling_groups.values()):
            waiting = self._reconciler.warm_pools.states(group.name)
            own = {s.instance.id for s in (*group.instance_states, *waiting)} & set(instance_ids)
            if own:
                cause = "an instance was terminated outside the group"
                self._reconciler.lost(group, own, cause=cause)


def _cause(world: World, *, before: int, after: int) -> str:
    """Say why a change of desired capacity moved machines, in the words of AWS."""
    return (
        f"At {timestamp(world.now_epoch_seconds)} a user request explicitly set group desired "
        f"capacity changing the desired capacity from {before} to {after}."
    )


def _counted(group: MotoObject) -> list[MotoObject]:
    return [s for s in group.instance_states if s.lifecycle_state in COUNTED_STATES]


def _set_checked(backend: MotoObject, group_name: str, desired_capacity: int | None) -> None:
    group = backend.autoscaling_groups.get(group_name)
    if group is None:
        raise ApiError("ValidationError", "AutoScalingGroup name not found - null")
    if desired_capacity is not None:
        _check_bounds(desired_capacity, low=group.min_size, high=group.max_size)
    group.set_desired_capacity(desired_capacity)
    backend.update_attached_elbs(group_name)


def _check_bounds(desired: int, *, low: int, high: int) -> None:
    if desired > high:
        raise ApiError(
            "ValidationError",
            f"New SetDesiredCapacity value {desired} is above max value {high} "
            "for the AutoScalingGroup.",
        )
    if desired < low:
        raise ApiError(
            "ValidationError",
            f"New SetDesiredCapacity value {desired} is below min value {low} "
            "for the AutoScalingGroup.",
        )


def _find(backend: MotoObject, instance_id: str) -> tuple[MotoObject, MotoObject]:
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance.id == instance_id:
                return group, state
    raise ApiError(
        "ValidationError",
        f"Instance Id not found - No managed instance found for instance ID: {instance_id}",
    )
