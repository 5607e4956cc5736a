"""What the API of Auto Scaling answers, where moto answers nothing or invents it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from peakfleet_local.groups.activities import ActivityLog, as_document
from peakfleet_local.groups.configuration import has_weights
from peakfleet_local.groups.hooks import MOST_HEARTBEATS, MOST_WAIT_SECONDS, LifecycleHooks
from peakfleet_local.groups.launch_instances import DirectLaunches, LaunchRequest
from peakfleet_local.groups.reconciler import Reconciler
from peakfleet_local.moto import ApiError, MotoObject, Patch, as_method, stock
from peakfleet_local.world import World

RETRY = "retry-with-group-configuration"


class GroupApi:
    """What the API says of groups and machines of the world, and what it takes orders for."""

    def __init__(
        self,
        *,
        world: World,
        activities: ActivityLog,
        hooks: LifecycleHooks,
        reconciler: Reconciler,
    ) -> None:
        self._world = world
        self._activities = activities
        self._hooks = hooks
        self._reconciler = reconciler
        self._direct = DirectLaunches(world=world, reconciler=reconciler)
        self._stock_instances = stock(AutoScalingBackend, "describe_auto_scaling_instances")
        self._stock_put_pool = stock(AutoScalingBackend, "put_warm_pool")
        self._stock_delete_pool = stock(AutoScalingBackend, "delete_warm_pool")
        self._stock_put_hook = stock(AutoScalingResponse, "put_lifecycle_hook")
        self._stock_put_policy = stock(AutoScalingResponse, "put_scaling_policy")
        self._stock_create = stock(AutoScalingResponse, "create_auto_scaling_group")
        self._stock_update = stock(AutoScalingResponse, "update_auto_scaling_group")
        self._stock_health = stock(AutoScalingBackend, "set_instance_health")

    def patches(self) -> list[Patch]:
        """Return what stands in moto's place."""
        response, backend, state = AutoScalingResponse, AutoScalingBackend, InstanceState
        added = (
            (state, "lifecycle_state", property(as_method(self._lifecycle_state), _override_state)),
            (state, "weighted_capacity", property(as_method(self._weighted_capacity))),
            (
                state,
                "protected_from_scale_in",
                property(as_method(self._is_protected), as_method(self._protect)),
            ),
            (FakeAutoScalingGroup, "warm_pool_size", property(as_method(self._warm_pool_size))),
            (response, "launch_instances", as_method(self._launch_instances)),
            (response, "complete_lifecycle_action", as_method(self._complete_action)),
            (response, "record_lifecycle_action_heartbeat", as_method(self._record_heartbeat)),
        )
        replaced = (
            (response, "describe_scaling_activities", self._describe_activities),
            (response, "describe_warm_pool", self._describe_warm_pool),
            (response, "put_lifecycle_hook", self._put_hook),
            (response, "put_scaling_policy", self._put_policy),
            (response, "create_auto_scaling_group", self._create_group),
            (response, "update_auto_scaling_group", self._update_group),
            (backend, "describe_auto_scaling_instances", self._describe_instances),
            (backend, "put_warm_pool", self._put_warm_pool),
            (backend, "delete_warm_pool", self._delete_warm_pool),
            (backend, "set_instance_health", self._set_health),
        )
        launched = Patch(
            owner=state, name="launch_template", value=property(as_method(self._launch_template))
        )
        return [
            launched,
            *(Patch(owner=o, name=n, value=v, adds=True) for o, n, v in added),
            *(Patch(owner=o, name=n, value=as_method(f)) for o, n, f in replaced),
        ]

    def _describe_activities(self, response: MotoObject) -> ActionResult:
        asked = _asked(response)
        name, limit = asked["AutoScalingGroupName"], int(asked.get("MaxRecords") or 100)
        now = self._world.now_epoch_seconds
        latest = self._activities.latest(name)[:limit]
        documents = [as_document(activity, now_epoch_seconds=now) for activity in latest]
        return ActionResult({"Activities": documents})

    def _describe_instances(self, backend: MotoObject, instance_ids: list[str]) -> list[MotoObject]:
        waiting = (
            state
            for name in backend.autoscaling_groups
            for state in self._reconciler.warm_pools.states(name)
            if not instance_ids or state.instance.id in instance_ids
        )
        return [*self._stock_instances(backend, instance_ids), *waiting]

    def _launch_instances(self, response: MotoObject) -> ActionResult:
        asked = _asked(response)
        if asked.get("AvailabilityZoneIds"):
            raise NotImplementedError("the local AWS knows zones by their names, not by their ids")
        group = _group(response.autoscaling_backend, asked["AutoScalingGroupName"])
        request = LaunchRequest(
            capacity=int(asked["RequestedCapacity"]),
            token=asked["ClientToken"],
            zones=tuple(asked.get("AvailabilityZones") or ()),
            subnet_ids=tuple(asked.get("SubnetIds") or ()),
            retries=asked.get("RetryStrategy") == RETRY,
        )
        return ActionResult(self._direct.launch(group, request))

    def _complete_action(self, response: MotoObject) -> EmptyResult:
        asked = _asked(response)
        _group(response.autoscaling_backend, asked["AutoScalingGroupName"])
        with self._world.lock:
            self._hooks.complete_one(
                instance_id=asked.get("InstanceId"),
                hook_name=asked["LifecycleHookName"],
                token=asked.get("LifecycleActionToken"),
                result=asked["LifecycleActionResult"],
            )
        return EmptyResult()

    def _record_heartbeat(self, response: MotoObject) -> EmptyResult:
        asked = _asked(response)
        _group(response.autoscaling_backend, asked["AutoScalingGroupName"])
        with self._world.lock:
            self._hooks.beat_one(
                instance_id=asked.get("InstanceId"),
                hook_name=asked["LifecycleHookName"],
                token=asked.get("LifecycleActionToken"),
            )
        return EmptyResult()

    def _put_hook(self, response: MotoObject) -> MotoObject:
        """Put a hook as it was asked for; moto invents its target and its longest wait."""
        answer = self._stock_put_hook(response)
        asked = _asked(response)
        complete_hook(response.autoscaling_backend, asked)
        return answer

    def _put_policy(self, response: MotoObject) -> ActionResult:
        """Put a policy and tell its ARN, which moto misspells."""
        return ActionResult({"PolicyARN": self._stock_put_policy(response).result["PolicyArn"]})

    def _create_group(self, response: MotoObject) -> MotoObject:
        """Create a group with its hooks and its lifecycle policy, which moto drops."""
        answer = self._stock_create(response)
        asked = _asked(response)
        complete_group(response.autoscaling_backend, asked["AutoScalingGroupName"], asked)
        return answer

    def _update_group(self, response: MotoObject) -> MotoObject:
        answer = self._stock_update(response)
        asked = _asked(response)
        complete_group(response.autoscaling_backend, asked["AutoScalingGroupName"], asked)
        return answer

    def _put_warm_pool(self, backend: MotoObject, group_name: str, **wanted: MotoObject) -> None:
        group = _group(backend, group_name)
        self._reconciler.warm_pools.check(group)
        with self._world.lock:
            self._stock_put_pool(backend, group_name, **wanted)
            self._reconciler.reconcile(group, cause="the warm pool was changed")

    def _delete_warm_pool(self, backend: MotoObject, group_name: str) -> None:
        group = _group(backend, group_name)
        with self._world.lock:
            self._stock_delete_pool(backend, group_name)
            self._reconciler.reconcile(group, cause="the warm pool was deleted")

    def _describe_warm_pool(self, response: MotoObject) -> ActionResult:
        name = _asked(response)["AutoScalingGroupName"]
        pool = _group(response.autoscaling_backend, name).warm_pool
        states = self._reconciler.warm_pools.states(name)
        return ActionResult({"WarmPoolConfiguration": pool, "Instances": states})

    def _set_health(self, backend: MotoObject, instance_id: str, health_status: str) -> None:
        self._stock_health(backend, instance_id, health_status)
        if health_status == "Unhealthy":
            with self._world.lock:
                for group in backend.autoscaling_groups.values():
                    self._reconciler.found_unhealthy(group, instance_id)

    def _lifecycle_state(self, state: MotoObject) -> str:
        override = str(state.__dict__.get("_override", "InService"))
        return override if override != "InService" else self._world.state_of(state.instance.id)

    def _weighted_capacity(self, state: MotoObject) -> str | None:
        machine = self._world.machines.get(state.instance.id)
        return str(machine.weight) if machine and has_weights(state.auto_scaling_group) else None

    def _launch_template(self, state: MotoObject) -> dict[str, str] | None:
        template = state.auto_scaling_group.ec2_launch_template
        machine = self._world.machines.get(state.instance.id)
        if template is None or machine is None:
            return None
        version = machine.template_version
        named = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name}
        return {**named, "Version": version}

    def _is_protected(self, state: MotoObject) -> bool:
        return state.instance.id in self._world.protected

    def _protect(self, state: MotoObject, protected: bool | None) -> None:  # noqa: FBT001 - a setter
        ids = self._world.protected
        (ids.add if protected else ids.discard)(state.instance.id)

    def _warm_pool_size(self, group: MotoObject) -> int | None:
        states = self._reconciler.warm_pools.states(group.name)
        return len(states) if group.warm_pool is not None else None


def complete_group(backend: MotoObject, name: str, wanted: Mapping[str, Any]) -> None:
    """Give a group what moto drops of a request or a template."""
    group = backend.autoscaling_groups[name]
    if "InstanceLifecyclePolicy" in wanted:
        group.instance_lifecycle_policy = wanted["InstanceLifecyclePolicy"]
    if "LifecycleHookSpecificationList" in wanted:
        hooks = wanted["LifecycleHookSpecificationList"]
        group.template_hooks = {hook["LifecycleHookName"] for hook in hooks}
    for hook in wanted.get("LifecycleHookSpecificationList") or ():
        backend.create_lifecycle_hook(
            name=hook["LifecycleHookName"],
            as_name=name,
            transition=hook["LifecycleTransition"],
            timeout=int(hook["HeartbeatTimeout"]) if "HeartbeatTimeout" in hook else None,
            result=hook.get("DefaultResult"),
        )
        complete_hook(backend, {**hook, "AutoScalingGroupName": name})


def complete_hook(backend: MotoObject, wanted: Mapping[str, Any]) -> None:
    """Give a hook what moto drops of a request, and take away what moto invents."""
    name, group_name = wanted["LifecycleHookName"], wanted["AutoScalingGroupName"]
    hook = backend.describe_lifecycle_hooks(group_name, [name])[0]
    hook.global_timeout = min(MOST_WAIT_SECONDS, MOST_HEARTBEATS * hook.heartbeat_timeout)
    hook.role_arn = wanted.get("RoleARN")
    hook.notification_target_arn = wanted.get("NotificationTargetARN")
    hook.notification_metadata = wanted.get("NotificationMetadata")


def _override_state(state: MotoObject, value: str) -> None:
    state.__dict__["_override"] = value


def _asked(response: MotoObject) -> dict[str, Any]:
    """Return the parameters of a request."""
    parameters: dict[str, Any] = response._get_params()  # noqa: SLF001 - moto's own way
    return parameters


def _group(backend: MotoObject, name: str) -> MotoObject:
    group = backend.autoscaling_groups.get(name)
    if group is None:
        raise ApiError(
            "ValidationError",
            f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found",
        )
    return group
