from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import inf

from peakfleet_local.groups.activities import Activity, ActivityLog
from peakfleet_local.groups.agents import Agents
from peakfleet_local.groups.group_events import TERMINATING, activity_event
from peakfleet_local.groups.hooks import ABANDON, LifecycleHooks
from peakfleet_local.groups.launching import Group, deregister, retains
from peakfleet_local.groups.lifecycle import Lifecycle, ends_of, stage_of_pool
from peakfleet_local.world import ASLEEP, Machine, World

RETAINED = "Warmed:Pending:Retained"
_ROUTE = "AutoScalingGroup>WarmPool"
_STOPPING = "Warmed:Pending"


class Returning:
    """Moves machines that a group lets go out of service and into its warm pool.

    Limitations:
        AWS does not say what becomes of a machine whose hook is abandoned on the way. Here it
        is terminated, or retained where the group retains those that abandon a termination.
    """

    def __init__(
        self,
        *,
        world: World,
        activities: ActivityLog,
        hooks: LifecycleHooks,
        agents: Agents,
        lifecycle: Lifecycle,
    ) -> None:
        self._world = world
        self._activities = activities
        self._hooks = hooks
        self._agents = agents
        self._lifecycle = lifecycle

    def drains(self, machine: Machine) -> bool:
        """Whether a machine is on its way back and still waits for its hooks."""
        return machine.warm and self._hooks.waits_for(machine.instance_id) == TERMINATING

    def begin(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Begin the return of a machine: its hooks first, then its stop."""
        world, key = self._world, machine.instance_id
        activity = self._activities.record(
            group=group.name,
            description=f"Terminating EC2 instance: {key}",
            cause=cause,
            started_at=world.now_epoch_seconds,
            ended_at=inf,
        )
        deregister(group, key)

        def done(result: str, how: str) -> None:
            if result == ABANDON:
                self._abandoned(group, key, activity, how=how)
            else:
                self._stop(group, key, activity)

        if self._hooks.begin(group, key, TERMINATING, route=_ROUTE, done=done):
            world.machines[key] = replace(machine, stage="Warmed:Pending:Wait")
            self._agents.drain(group, machine)
        else:
            self._stop(group, key, activity)

    def _stop(self, group: Group, key: str, activity: Activity) -> None:
        world = self._world
        world.busy.discard(key)  # a machine that stops has no work in hand
        world.machines[key] = replace(world.machines[key], stage=_STOPPING)
        seconds = world.terminate_seconds if stage_of_pool(group) in ASLEEP else 0.0
        if seconds > 0:
            world.after(seconds, partial(self._settle, group, key, activity))
        else:
            self._settle(group, key, activity)

    def _settle(self, group: Group, key: str, activity: Activity) -> None:
        world = self._world
        machine = world.machines.get(key)
        if machine is None or machine.gone_at < inf:
            return
        world.machines[key] = replace(machine, stage=stage_of_pool(group))
        self._say(group, machine, self._activities.finish(activity, at=world.now_epoch_seconds))

    def _abandoned(self, group: Group, key: str, activity: Activity, *, how: str) -> None:
        world = self._world
        machine = world.machines[key]
        failed = self._activities.finish(activity, at=world.now_epoch_seconds, failure=how)
        self._say(group, machine, failed)
        if retains(group):
            world.machines[key] = replace(machine, stage=RETAINED)
        else:
            self._lifecycle.leave(group, machine, cause=how)

    def _say(self, group: Group, machine: Machine, activity: Activity) -> None:
        event = activity_event(
            group,
            activity,
            launch=False,
            instance_id=machine.instance_id,
            zone=machine.zone,
            ends=ends_of(_ROUTE),
        )
        self._world.events.append(event)
