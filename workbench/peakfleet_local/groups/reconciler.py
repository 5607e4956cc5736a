"""Groups move towards their desired capacity: launch, terminate, replace, warm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import inf

from peakfleet_local.groups.activities import ActivityLog, place_of
from peakfleet_local.groups.configuration import (
    COUNTED_STATES,
    Group,
    TypeChoice,
    subnets,
    suspended,
    type_choices,
)
from peakfleet_local.groups.hooks import LifecycleHooks
from peakfleet_local.groups.launching import Launcher, end_in_ec2, register
from peakfleet_local.groups.lifecycle import Lifecycle
from peakfleet_local.groups.placement import (
    by_need,
    next_purchase,
    next_victim,
    where_to_launch,
)
from peakfleet_local.groups.warm_pools import WarmPools
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import Machine, Place, Purchase, World

HEALTH_CHECK_SECONDS = 60.0
TO_REACH_DESIRED = "an instance was launched to reach the desired capacity"


class Reconciler:
    """Moves groups towards their desired capacity by the laws of the world."""

    def __init__(self, *, world: World, activities: ActivityLog, hooks: LifecycleHooks) -> None:
        self._world = world
        self._retry_at: dict[str, float] = {}
        self._unhealthy: dict[str, float] = {}
        self._no_targets: dict[str, set[str]] = {}
        self._weights: dict[str, dict[str, int]] = {}
        self.lifecycle = Lifecycle(
            world=world,
            activities=activities,
            hooks=hooks,
            changed=self._changed,
            failed=self._failed_health_check,
        )
        self.launcher = Launcher(world=world, activities=activities, lifecycle=self.lifecycle)
        self.warm_pools = WarmPools(world=world, lifecycle=self.lifecycle, launcher=self.launcher)

    def delete(self, group: Group) -> None:
        """End every instance of a deleted group at once, whatever it does, and drop the group."""
        with self._world.lock:
            machines = self._world.machines_of(group.name)
            for machine in machines:
                self._forget_machine(group, machine, cause="its Auto Scaling group was deleted")
            if machines:
                end_in_ec2(group, {machine.instance_id for machine in machines})
            self._forget(group.name)

    def _forget(self, group_name: str) -> None:
        self._world.forget(group_name)
        for known in (self._retry_at, self._no_targets, self._weights):
            known.pop(group_name, None)
        self.warm_pools.forget(group_name)

    def reconcile(self, group: Group, *, cause: str) -> None:
        """Launch or terminate until capacity is what is desired, or nothing can be done."""
        with self._world.lock:
            self._world.control(group.name, _Controller(reconciler=self, group=group))
            self._remove_gone(group)
            self._apply_weights(group)
            stopped = suspended(group)
            if "Launch" not in stopped:
                self._launch_missing(group, cause)
            if "Terminate" not in stopped:
                self._terminate_surplus(group, cause)
            self.warm_pools.refill(group)
            no_targets = self._no_targets.setdefault(group.name, set())
            if "AddToLoadBalancer" in stopped:
                no_targets |= {state.instance.id for state in group.instance_states}
            register(group, left_out=no_targets)

    def lost(self, group: Group, instance_ids: set[str], *, cause: str) -> None:
        """Take instances that ended outside the group out of it, and replace them."""
        with self._world.lock:
            for instance_id in instance_ids:
                machine = self._world.machines.get(instance_id)
                if machine is not None:
                    self._forget_machine(group, machine, cause=cause)
            group.instance_states = [
                s for s in group.instance_states if s.instance.id not in instance_ids
            ]
            self.reconcile(group, cause=cause)

    def terminate(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Begin the termination of one machine."""
        self.lifecycle.leave(group, machine, cause=cause)
        if self._world.terminate_seconds <= 0:
            self._remove_gone(group)

    def found_unhealthy(self, group: Group, instance_id: str) -> None:
        """Replace an instance that is unhealthy, unless that is suspended."""
        for state in group.instance_states:
            if state.instance.id == instance_id and state.lifecycle_state in COUNTED_STATES:
                state.health_status = "Unhealthy"
                world = self._world
                self._unhealthy[instance_id] = world.now_epoch_seconds + world.replacement_seconds
                self.reconcile_on_time(group)

    def reconcile_on_time(self, group: Group) -> None:
        """Do what is due now that time has passed."""
        self._remove_gone(group)
        self._replace_unhealthy(group)
        if self._retry_at.get(group.name, 0.0) <= self._world.now_epoch_seconds:
            self.reconcile(group, cause=TO_REACH_DESIRED)

    def machine_of(self, group: Group, state: MotoObject) -> Machine:
        """Return an instance as the world knows it, which adopts one that is new to it."""
        known = self._world.machines.get(state.instance.id)
        if known is not None:
            return known
        now = self._world.now_epoch_seconds
        adopted = Machine(
            instance_id=state.instance.id,
            group=group.name,
            instance_type=state.instance.instance_type,
            zone=state.availability_zone,
            weight=1,
            purchase="on-demand",
            launched_at=now,
            ready_at=now,
        )
        self._world.machines[adopted.instance_id] = adopted
        return adopted

    def fail(self, group: Group, instance_id: str) -> None:
        """Let the next health check of an instance fail."""
        check = partial(self._failed_health_check, group, instance_id)
        self._world.after(HEALTH_CHECK_SECONDS, check)

    def _failed_health_check(self, group: Group, instance_id: str) -> None:
        """Mark an instance unhealthy; while health checks are suspended, look again later."""
        if "HealthCheck" in suspended(group):
            self.fail(group, instance_id)
        else:
            self.found_unhealthy(group, instance_id)

    def _apply_weights(self, group: Group) -> None:
        """Let running instances count what the group's types weigh now.

        An instance whose type the group no longer has keeps its last weight.
        """
        weights = {choice.instance_type: choice.weight for choice in type_choices(group)}
        if self._weights.get(group.name) == weights:
            return
        self._weights[group.name] = weights
        for machine in self._world.machines_of(group.name):
            weight = weights.get(machine.instance_type, machine.weight)
            self._world.machines[machine.instance_id] = replace(machine, weight=weight)

    def _changed(self, group: Group) -> None:
        self.reconcile(group, cause=TO_REACH_DESIRED)

    def _counted(self, group: Group) -> list[Machine]:
        return [
            self.machine_of(group, state)
            for state in group.instance_states
            if state.lifecycle_state in COUNTED_STATES
        ]

    def _remove_gone(self, group: Group) -> None:
        now = self._world.now_epoch_seconds
        gone = [m for m in self._world.machines_of(group.name) if m.gone_at <= now]
        if not gone:
            return
        for machine in gone:
            self._forget_machine(group, machine)
        ids = {machine.instance_id for machine in gone}
        end_in_ec2(group, ids)
        group.instance_states = [s for s in group.instance_states if s.instance.id not in ids]

    def _forget_machine(self, group: Group, machine: Machine, *, cause: str = "") -> None:
        self.lifecycle.remove(group, machine, cause=cause)
        self._unhealthy.pop(machine.instance_id, None)
        self.warm_pools.drop(group.name, machine.instance_id)

    def _replace_unhealthy(self, group: Group) -> None:
        if not self._unhealthy or suspended(group) & {"ReplaceUnhealthy", "Terminate"}:
            return
        for state in list(group.instance_states):
            due = self._unhealthy.get(state.instance.id, inf) <= self._world.now_epoch_seconds
            if due and state.lifecycle_state in COUNTED_STATES:
                del self._unhealthy[state.instance.id]
                self.terminate(
                    group,
                    self.machine_of(group, state),
                    cause="an instance was taken out of service in response to a health check "
                    "that found it unhealthy",
                )

    def _launch_missing(self, group: Group, cause: str) -> None:
        staying = self._counted(group)
        missing = group.desired_capacity - sum(m.weight for m in staying)
        if missing <= 0:
            return
        staying += self.warm_pools.draw(group, missing, cause=cause)
        types = type_choices(group)
        subnet_of = subnets(group)
        while sum(m.weight for m in staying) < group.desired_capacity:
            purchase = next_purchase(group, staying)
            place = where_to_launch(
                zones=list(subnet_of),
                types=types,
                machines=staying,
                has_capacity=self.launcher.has_capacity(group, purchase),
            )
            if place is None:
                self._refused(group, types, by_need(list(subnet_of), staying)[0], purchase)
                return
            choice, zone = place
            machine, state = self.launcher.launch(
                group,
                choice=choice,
                zone=zone,
                subnet_id=subnet_of[zone],
                purchase=purchase,
                cause=cause,
            )
            group.instance_states.append(state)
            staying.append(machine)
        self._retry_at.pop(group.name, None)

    def _refused(
        self, group: Group, types: list[TypeChoice], zone: str, purchase: Purchase
    ) -> None:
        world = self._world
        self._retry_at[group.name] = world.now_epoch_seconds + world.retry_seconds
        refusal = self.launcher.refusal(group, choice=types[0], zone=zone, purchase=purchase)
        if refusal is not None:
            self.launcher.failed(group, refusal, zone=zone, purchase=purchase)

    def _terminate_surplus(self, group: Group, cause: str) -> None:
        while True:
            staying = self._counted(group)
            victim = next_victim(
                machines=staying,
                surplus=sum(m.weight for m in staying) - group.desired_capacity,
                policies=group.termination_policies,
                is_protected=lambda m: m.instance_id in self._world.protected,
            )
            if victim is None:
                return
            healthy = victim.instance_id not in self._unhealthy
            if healthy and self.warm_pools.has_room(group, victim):
                self.warm_pools.take_back(group, victim, cause=cause)
            else:
                self.terminate(group, victim, cause=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Controller:
    """Runs one group as time passes."""

    reconciler: Reconciler
    group: Group

    @property
    def place(self) -> Place:
        return place_of(self.group)

    def on_time(self) -> None:
        self.reconciler.reconcile_on_time(self.group)

    def fail(self, instance_id: str) -> None:
        self.reconciler.fail(self.group, instance_id)

    def remove_ended(self, instance_id: str, *, cause: str) -> None:
        end_in_ec2(self.group, {instance_id})
        self.reconciler.lost(self.group, {instance_id}, cause=cause)
