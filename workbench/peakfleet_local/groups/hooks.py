"""Lifecycle hooks: what instances wait for, and the agents on instances that answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import uuid4

from peakfleet_local.groups.activities import group_event
from peakfleet_local.groups.configuration import Group
from peakfleet_local.moto import ApiError, MotoObject
from peakfleet_local.world import Behaviour, CloudEvent, Machine, World

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"

CONTINUE: Final = "CONTINUE"
ABANDON: Final = "ABANDON"
MOST_WAIT_SECONDS = 172_800
MOST_HEARTBEATS = 100
_ACTIONS = {
    LAUNCHING: "EC2 Instance-launch Lifecycle Action",
    TERMINATING: "EC2 Instance-terminate Lifecycle Action",
}
Done = Callable[[str, str], None]
"""Called with the result of a wait and, if it was abandoned, how."""


@dataclass(slots=True, kw_only=True)
class _Action:
    """One hook that an instance waits for."""

    hook: MotoObject
    token: str
    beats: int = 0


@dataclass(slots=True, kw_only=True)
class _Wait:
    """Everything that an instance waits for before it goes on."""

    transition: str
    done: Done
    actions: dict[str, _Action] = field(default_factory=dict)


class LifecycleHooks:
    """Lets instances wait for the hooks of their groups, no longer than their time-outs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waits: dict[str, _Wait] = {}

    def begin(
        self, group: MotoObject, instance_id: str, transition: str, *, route: str, done: Done
    ) -> bool:
        """Let an instance wait for the hooks of a transition; say whether there are any.

        Args:
            group: Whose instance it is.
            instance_id: What waits.
            transition: As hooks name it.
            route: Where it comes from and goes to, such as EC2>AutoScalingGroup.
            done: What happens afterwards.
        """
        hooks = [
            hook
            for hook in group.autoscaling_backend.describe_lifecycle_hooks(group.name)
            if hook.lifecycle_transition == transition
        ]
        if not hooks:
            return False
        wait = self._waits[instance_id] = _Wait(transition=transition, done=done)
        origin, _, destination = route.partition(">")
        for hook in hooks:
            action = wait.actions[hook.name] = _Action(hook=hook, token=str(uuid4()))
            event = _lifecycle_action(
                group,
                hook,
                instance_id=instance_id,
                token=action.token,
                origin=origin,
                destination=destination,
                at=self._world.now_epoch_seconds,
            )
            self._world.events.append(event)
            self._expire_later(instance_id, wait, action)
            seconds = min(MOST_WAIT_SECONDS, MOST_HEARTBEATS * hook.heartbeat_timeout)
            self._world.after(seconds, partial(self._expire, instance_id, wait, action, None))
        return True

    def waits_for(self, instance_id: str) -> str | None:
        """Return the transition whose hooks an instance waits for."""
        wait = self._waits.get(instance_id)
        return wait.transition if wait else None

    def forget(self, instance_id: str) -> None:
        """End the wait of an instance that is no more."""
        self._waits.pop(instance_id, None)

    def finish(self, instance_id: str) -> None:
        """Complete everything that an instance waits for, so that it goes on."""
        if (wait := self._waits.get(instance_id)) is not None:
            for action in list(wait.actions.values()):
                self._complete(instance_id, action, CONTINUE, "")

    def beat(self, instance_id: str) -> None:
        """Begin the time-outs of everything that an instance waits for anew."""
        if (wait := self._waits.get(instance_id)) is not None:
            for action in wait.actions.values():
                self._expire_later(instance_id, wait, action)

    def complete_one(
        self, *, instance_id: str | None, hook_name: str, token: str | None, result: str
    ) -> None:
        """Complete one hook, as CompleteLifecycleAction does.

        Raises:
            ApiError: Nothing waits for it.
        """
        found, action = self._find(instance_id, hook_name, token)
        self._complete(found, action, result, "Lifecycle Action Completed with ABANDON Result")

    def beat_one(self, *, instance_id: str | None, hook_name: str, token: str | None) -> None:
        """Begin the time-out of one hook anew, as RecordLifecycleActionHeartbeat does.

        Raises:
            ApiError: Nothing waits for it.
        """
        found, action = self._find(instance_id, hook_name, token)
        self._expire_later(found, self._waits[found], action)

    def _find(
        self, instance_id: str | None, hook_name: str, token: str | None
    ) -> tuple[str, _Action]:
        for waiting, wait in self._waits.items():
            action = wait.actions.get(hook_name)
            if action is None or (instance_id and waiting != instance_id):
                continue
            if token in {None, action.token}:
                return waiting, action
        named = f"instance ID {instance_id}" if token is None else f"token {token}"
        raise ApiError("ValidationError", f"No active Lifecycle Action found with {named}")

    def _expire_later(self, instance_id: str, wait: _Wait, action: _Action) -> None:
        action.beats += 1
        self._world.after(
            action.hook.heartbeat_timeout,
            partial(self._expire, instance_id, wait, action, action.beats),
        )

    def _expire(self, instance_id: str, wait: _Wait, action: _Action, beats: int | None) -> None:
        """End a wait whose time has passed; a heartbeat since then has begun another."""
        if self._waits.get(instance_id) is wait and beats in {None, action.beats}:
            self._complete(instance_id, action, action.hook.default_result, "Heartbeat Timeout")

    def _complete(self, instance_id: str, action: _Action, result: str, how: str) -> None:
        wait = self._waits.get(instance_id)
        if wait is None or wait.actions.pop(action.hook.name, None) is None:
            return
        if result == CONTINUE and wait.actions:
            return
        del self._waits[instance_id]
        wait.done(result, f"Lifecycle Action with token {action.token} was abandoned: {how}")


class Agents:
    """What runs on machines and answers the hooks of their groups."""

    def __init__(self, *, world: World, hooks: LifecycleHooks) -> None:
        self._world = world
        self._hooks = hooks

    def drain(self, group: Group, machine: Machine) -> None:
        """Let the agent of a machine that was told to leave finish its work and answer."""
        behaviour = self._world.behaviour_of(group.name)
        now = self._world.now_epoch_seconds
        serves = machine.ready_at <= now < machine.fails_at
        boots = machine.ready_at > now and behaviour.becomes_ready
        if serves and behaviour.drain_seconds > 0:
            self._world.busy.add(machine.instance_id)
        if not behaviour.answers_drain and serves and behaviour.drain_seconds > 0:
            # Its agent is silent; its work ends all the same.
            self._world.after(
                behaviour.drain_seconds, lambda: self._world.busy.discard(machine.instance_id)
            )
        if not behaviour.answers_drain or not (serves or boots):
            return
        boot_seconds = machine.launched_at + self._world.boot_seconds_of(group.name) - now
        seconds = behaviour.drain_seconds if serves else max(0.0, boot_seconds)
        self._work(machine.instance_id, seconds, behaviour)

    def answer(self, key: str, transition: str) -> None:
        """Let the agent of a machine complete what it waits for; its work is done."""
        if self._hooks.waits_for(key) == transition:
            self._world.busy.discard(key)
            self._hooks.finish(key)

    def _work(self, key: str, seconds: float, behaviour: Behaviour) -> None:
        pause = behaviour.heartbeat_seconds
        if seconds <= pause:
            self._world.after(seconds, partial(self.answer, key, TERMINATING))
            return

        def beat() -> None:
            if self._hooks.waits_for(key) == TERMINATING:
                self._hooks.beat(key)
                self._work(key, seconds - pause, behaviour)

        self._world.after(pause, beat)


def _lifecycle_action(
    group: MotoObject,
    hook: MotoObject,
    *,
    instance_id: str,
    token: str,
    origin: str,
    destination: str,
    at: float,
) -> CloudEvent:
    metadata = getattr(hook, "notification_metadata", None)
    detail: dict[str, Any] = {
        "LifecycleActionToken": token,
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": hook.name,
        "EC2InstanceId": instance_id,
        "LifecycleTransition": hook.lifecycle_transition,
        **({"NotificationMetadata": metadata} if metadata else {}),
        "Origin": origin,
        "Destination": destination,
    }
    return group_event(group, _ACTIONS[hook.lifecycle_transition], detail, resources=(), at=at)
