"""Lifecycle of single instances: boot, service, warm pool, termination, with hooks between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf

from moto.elbv2.exceptions import InvalidTargetError, TargetGroupNotFoundError

from peakfleet_local.groups.activities import Activity, ActivityLog, activity_event
from peakfleet_local.groups.configuration import Group, retains, stage_of_pool
from peakfleet_local.groups.hooks import (
    ABANDON,
    LAUNCHING,
    TERMINATING,
    Agents,
    LifecycleHooks,
)
from peakfleet_local.world import ASLEEP, Behaviour, Ending, Machine, World

Changed = Callable[[Group], None]
"""Called with a group whose capacity is no longer what it was."""
Failed = Callable[[Group, str], None]
"""Called with a group and its machine that is found unhealthy."""
RETAINED_WARM = "Warmed:Pending:Retained"
_TO_WARM_POOL = "AutoScalingGroup>WarmPool"
_MOMENT = 1.0
"""Seconds: more than sums of times are off, less than a machine needs to start again."""


class Lifecycle:
    """Moves machines from their launch into service or a warm pool, and out again.

    Args:
        world: Its clock, and how machines behave.
        activities: Where launches and terminations are written down.
        hooks: What machines wait for.
        changed: Called when a group has lost a machine.
        failed: Called when a machine is found unhealthy.

    Limitations:
        AWS does not say what becomes of a machine whose hook is abandoned on its way into a
        warm pool. Here it is terminated, or retained where the group retains those that
        abandon a termination.
    """

    def __init__(
        self,
        *,
        world: World,
        activities: ActivityLog,
        hooks: LifecycleHooks,
        changed: Changed,
        failed: Failed,
    ) -> None:
        self._world = world
        self._activities = activities
        self._hooks = hooks
        self._agents = Agents(world=world, hooks=hooks)
        self._changed = changed
        self._failed = failed
        self._leaving: dict[str, Activity] = {}

    def arrive(
        self, group: Group, machine: Machine, activity: Activity, *, seconds: float, route: str
    ) -> Machine:
        """Let a launched machine boot, wait for its hooks and reach its destination.

        Args:
            group: Whose machine it is.
            machine: Not yet in the world, or out of a warm pool.
            activity: Its launch.
            seconds: How long it boots, or starts.
            route: Where it comes from and goes to, such as EC2>AutoScalingGroup.
        """
        world, key = self._world, machine.instance_id
        behaviour = world.behaviour_of(group.name)
        to_pool = route.endswith(">WarmPool")
        arrived = partial(self._arrived, group, key, activity, route=route, behaviour=behaviour)

        def done(result: str, how: str) -> None:
            if result == ABANDON:
                self._launch_abandoned(group, key, activity, how=how, route=route)
            else:
                arrived()

        state = "Warmed:Pending" if to_pool else "Pending"
        if self._hooks.begin(group, key, LAUNCHING, route=route, done=done):
            waiting = replace(machine, ready_at=inf, stage=f"{state}:Wait")
            if behaviour.becomes_ready:
                world.after(seconds, partial(self._agents.answer, key, LAUNCHING))
        else:
            ready_at = world.now_epoch_seconds + seconds
            waiting = replace(machine, ready_at=ready_at, stage=state if to_pool else "")
            waiting = _failing(waiting, behaviour)
            world.after(seconds, arrived)
        world.machines[key] = waiting
        return waiting

    def leave(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Begin the termination of a machine: its hooks first, then its end."""
        world, key = self._world, machine.instance_id
        activity = self._terminating(group, key, cause)
        self._hooks.forget(key)
        _deregister(group, key)

        def done(result: str, how: str) -> None:
            if result == ABANDON and retains(group):
                self._activities.finish(activity, at=world.now_epoch_seconds, failure=how)
                world.machines[key] = replace(world.machines[key], stage="Terminating:Retained")
            else:
                self._end(key, activity)

        hooked = not (machine.warm or machine.leaving) and self._hooks.begin(
            group, key, TERMINATING, route="AutoScalingGroup>EC2", done=done
        )
        if not hooked:
            self._end(key, activity)
            return
        world.machines[key] = replace(machine, stage="Terminating:Wait")
        self._agents.drain(group, machine)

    def enter_warm_pool(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Begin the return of a machine to the warm pool: its hooks first, then its stop."""
        world, key = self._world, machine.instance_id
        activity = self._terminating(group, key, cause)
        _deregister(group, key)

        def done(result: str, how: str) -> None:
            if result == ABANDON:
                self._return_abandoned(group, key, activity, how=how)
            else:
                self._stop(group, key, activity)

        if self._hooks.begin(group, key, TERMINATING, route=_TO_WARM_POOL, done=done):
            world.machines[key] = replace(machine, stage="Warmed:Pending:Wait")
            self._agents.drain(group, machine)
        else:
            self._stop(group, key, activity)

    def drains_into_warm_pool(self, machine: Machine) -> bool:
        """Whether a machine is on its way back and still waits for its hooks."""
        return machine.warm and self._hooks.waits_for(machine.instance_id) == TERMINATING

    def remove(self, group: Group, machine: Machine, *, cause: str = "") -> None:
        """Strike a machine that is gone off the world, and say so."""
        world, key = self._world, machine.instance_id
        at = min(machine.gone_at, world.now_epoch_seconds)
        activity = self._leaving.pop(key, None) or self._activities.finish(
            self._terminating(group, key, cause), at=at
        )
        origin = "WarmPool" if machine.warm else "AutoScalingGroup"
        self._tell(group, machine, activity, route=f"{origin}>EC2", launch=False)
        ending = Ending(
            instance_id=key,
            group=group.name,
            purchase=machine.purchase,
            zone=machine.zone,
            ended_at=at,
            cause=cause or activity.cause,
            busy=key in world.busy,
        )
        world.endings.append(ending)
        self._hooks.forget(key)
        world.busy.discard(key)
        world.protected.discard(key)
        del world.machines[key]

    def _arrived(
        self, group: Group, key: str, activity: Activity, *, route: str, behaviour: Behaviour
    ) -> None:
        machine = self._world.machines.get(key)
        if machine is None or machine.leaving or machine.gone_at < inf:
            return
        world, now = self._world, self._world.now_epoch_seconds
        if route.endswith(">WarmPool"):
            world.machines[key] = replace(machine, stage=stage_of_pool(group))
        elif machine.stage:
            world.machines[key] = _failing(replace(machine, stage="", ready_at=now), behaviour)
        self._watch_health(group, key)
        if activity.ended_at == inf:
            activity = self._activities.finish(activity, at=now)
        self._tell(group, machine, activity, route=route, launch=True)

    def _watch_health(self, group: Group, key: str) -> None:
        """Find a machine that fails unhealthy, once its grace period has passed."""
        machine, now = self._world.machines[key], self._world.now_epoch_seconds
        if machine.fails_at < inf and not machine.warm:
            grace_seconds = float(group.health_check_grace_period or 0)
            seconds = max(machine.fails_at - now, grace_seconds)
            self._world.after(seconds, partial(self._found_failed, group, key))

    def _found_failed(self, group: Group, key: str) -> None:
        """Tell that a machine has failed, unless it waited in a warm pool since it was watched."""
        machine = self._world.machines.get(key)
        if machine is not None and machine.fails_at < self._world.now_epoch_seconds + _MOMENT:
            self._failed(group, key)

    def _launch_abandoned(
        self, group: Group, key: str, activity: Activity, *, how: str, route: str
    ) -> None:
        failed = self._activities.finish(
            activity,
            at=self._world.now_epoch_seconds,
            failure=f"Instance failed to complete user's Lifecycle Action: {how}",
        )
        self._tell(group, self._world.machines[key], failed, route=route, launch=True)
        self._end(key, self._terminating(group, key, failed.failure))
        self._changed(group)

    def _return_abandoned(self, group: Group, key: str, activity: Activity, *, how: str) -> None:
        machine = self._world.machines[key]
        failed = self._activities.finish(activity, at=self._world.now_epoch_seconds, failure=how)
        self._tell(group, machine, failed, route=_TO_WARM_POOL, launch=False)
        if retains(group):
            self._world.machines[key] = replace(machine, stage=RETAINED_WARM)
        else:
            self.leave(group, machine, cause=how)

    def _stop(self, group: Group, key: str, activity: Activity) -> None:
        world = self._world
        world.busy.discard(key)  # a machine that stops has no work in hand
        world.machines[key] = replace(world.machines[key], stage="Warmed:Pending")
        seconds = world.terminate_seconds if stage_of_pool(group) in ASLEEP else 0.0
        if seconds > 0:
            world.after(seconds, partial(self._stopped, group, key, activity))
        else:
            self._stopped(group, key, activity)

    def _stopped(self, group: Group, key: str, activity: Activity) -> None:
        machine = self._world.machines.get(key)
        if machine is None or machine.gone_at < inf:
            return
        self._world.machines[key] = replace(machine, stage=stage_of_pool(group))
        activity = self._activities.finish(activity, at=self._world.now_epoch_seconds)
        self._tell(group, machine, activity, route=_TO_WARM_POOL, launch=False)

    def _terminating(self, group: Group, key: str, cause: str) -> Activity:
        return self._activities.record(
            group=group.name,
            description=f"Terminating EC2 instance: {key}",
            cause=cause,
            started_at=self._world.now_epoch_seconds,
            ended_at=inf,
        )

    def _end(self, key: str, activity: Activity) -> None:
        world = self._world
        gone_at = world.now_epoch_seconds + world.terminate_seconds
        world.machines[key] = replace(world.machines[key], gone_at=gone_at)
        self._leaving[key] = self._activities.finish(activity, at=gone_at)

    def _tell(
        self, group: Group, machine: Machine, activity: Activity, *, route: str, launch: bool
    ) -> None:
        """Tell EventBridge of an activity that ended."""
        origin, _, destination = route.partition(">")
        event = activity_event(
            group,
            activity,
            launch=launch,
            instance_id=machine.instance_id,
            zone=machine.zone,
            ends={"Origin": origin, "Destination": destination},
        )
        self._world.events.append(event)


def _failing(machine: Machine, behaviour: Behaviour) -> Machine:
    serves_seconds = behaviour.fails_after_seconds if behaviour.becomes_ready else 0.0
    return replace(machine, fails_at=machine.ready_at + serves_seconds)


def _deregister(group: Group, instance_id: str) -> None:
    backend = group.autoscaling_backend.elbv2_backend
    for arn in group.target_group_arns:
        try:
            backend.deregister_targets(arn, [{"Id": instance_id}])
        except (InvalidTargetError, TargetGroupNotFoundError):  # what waits is no target
            continue
