from __future__ import annotations

from functools import partial

from peakfleet_local.groups.group_events import TERMINATING
from peakfleet_local.groups.hooks import LifecycleHooks
from peakfleet_local.groups.launching import Group
from peakfleet_local.world import Behaviour, Machine, World


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
