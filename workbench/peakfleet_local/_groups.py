from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from moto.autoscaling.models import InstanceState

from peakfleet_local._activities import ActivityLog
from peakfleet_local._launching import (
    Group,
    deregister,
    forget_reservations,
    next_purchase,
    register,
    run_instance,
    subnets,
    type_choices,
)
from peakfleet_local._moto import MotoObject
from peakfleet_local._placement import TypeChoice, by_need, next_victim, where_to_launch
from peakfleet_local.world import Machine, Purchase, World


class Reconciler:
    """Moves groups towards their desired capacity by the laws of the world."""

    def __init__(self, *, world: World, activities: ActivityLog) -> None:
        self._world = world
        self._activities = activities
        self._retry_at: dict[str, float] = {}

    def forget(self, group_name: str) -> None:
        """Drop a deleted group."""
        self._world.unwatch(group_name)
        self._retry_at.pop(group_name, None)

    def reconcile(self, group: Group, *, cause: str) -> None:
        """Launch or terminate until capacity is what is desired, or nothing can be done."""
        with self._world.lock:
            self._world.watch(group.name, lambda: self._on_time(group))
            self._remove_gone(group)
            self._launch_missing(group, cause)
            self._terminate_surplus(group, cause)
            register(group)

    def lost(self, group: Group, instance_ids: set[str], *, cause: str) -> None:
        """Take instances that ended outside the group out of it, and replace them."""
        with self._world.lock:
            for instance_id in instance_ids:
                self._world.machines.pop(instance_id, None)
            group.instance_states = [
                s for s in group.instance_states if s.instance.id not in instance_ids
            ]
            self.reconcile(group, cause=cause)

    def terminate(self, group: Group, machine: Machine, *, cause: str) -> None:
        """Begin the termination of one machine."""
        world = self._world
        gone_at = world.now_epoch_seconds + world.terminate_seconds
        world.machines[machine.instance_id] = replace(machine, gone_at=gone_at)
        self._activities.record(
            group=group.name,
            description=f"Terminating EC2 instance: {machine.instance_id}",
            cause=cause,
            started_at=world.now_epoch_seconds,
            ended_at=gone_at,
        )
        deregister(group, machine.instance_id)
        if world.terminate_seconds <= 0:
            self._remove_gone(group)

    def _on_time(self, group: Group) -> None:
        self._remove_gone(group)
        if self._retry_at.get(group.name, 0.0) <= self._world.now_epoch_seconds:
            self.reconcile(group, cause="an instance was launched to reach the desired capacity")

    def _staying(self, group: Group) -> list[Machine]:
        return [
            self._machine_of(group, state)
            for state in group.instance_states
            if state.lifecycle_state in {"Pending", "InService"}
        ]

    def _machine_of(self, group: Group, state: MotoObject) -> Machine:
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

    def _remove_gone(self, group: Group) -> None:
        now = self._world.now_epoch_seconds
        gone = {m.instance_id for m in self._world.machines_of(group.name) if m.gone_at <= now}
        if not gone:
            return
        for instance_id in gone:
            del self._world.machines[instance_id]
        group.ec2_backend.terminate_instances(sorted(gone))
        forget_reservations(group.ec2_backend, gone)
        group.instance_states = [s for s in group.instance_states if s.instance.id not in gone]

    def _launch_missing(self, group: Group, cause: str) -> None:
        staying = self._staying(group)
        if sum(m.weight for m in staying) >= group.desired_capacity:
            return
        types = type_choices(group)
        subnet_of = subnets(group)
        while sum(m.weight for m in staying) < group.desired_capacity:
            purchase = next_purchase(group, staying)
            place = where_to_launch(
                zones=list(subnet_of),
                types=types,
                machines=staying,
                has_capacity=self._capacity(purchase),
            )
            if place is None:
                self._no_capacity(group, types, by_need(list(subnet_of), staying)[0], purchase)
                return
            choice, zone = place
            machine = self._launch(
                group,
                choice=choice,
                zone=zone,
                subnet_id=subnet_of[zone],
                purchase=purchase,
                cause=cause,
            )
            staying.append(machine)
        self._retry_at.pop(group.name, None)

    def _capacity(self, purchase: Purchase) -> Callable[..., bool]:
        def has_capacity(*, instance_type: str, zone: str) -> bool:
            return self._world.has_capacity(
                instance_type=instance_type, zone=zone, purchase=purchase
            )

        return has_capacity

    def _launch(
        self,
        group: Group,
        *,
        choice: TypeChoice,
        zone: str,
        subnet_id: str | None,
        purchase: Purchase,
        cause: str,
    ) -> Machine:
        world = self._world
        instance = run_instance(group, choice.instance_type, zone, subnet_id, purchase)
        machine = Machine(
            instance_id=instance.id,
            group=group.name,
            instance_type=choice.instance_type,
            zone=zone,
            weight=choice.weight,
            purchase=purchase,
            launched_at=world.now_epoch_seconds,
            ready_at=world.now_epoch_seconds + world.boot_seconds_of(group.name),
        )
        world.machines[machine.instance_id] = machine
        state = InstanceState(
            instance, protected_from_scale_in=group.new_instances_protected_from_scale_in
        )
        group.instance_states.append(state)
        self._activities.record(
            group=group.name,
            description=f"Launching a new EC2 instance: {instance.id}",
            cause=cause,
            started_at=machine.launched_at,
            ended_at=machine.ready_at,
            running_status="PreInService",
        )
        return machine

    def _no_capacity(
        self, group: Group, types: list[TypeChoice], zone: str, purchase: Purchase
    ) -> None:
        world = self._world
        self._retry_at[group.name] = world.now_epoch_seconds + world.retry_seconds
        market = "Spot" if purchase == "spot" else "On-Demand"
        self._activities.record(
            group=group.name,
            started_at=world.now_epoch_seconds,
            ended_at=world.now_epoch_seconds,
            description="Launching a new EC2 instance.  Status Reason: Could not launch "
            f"{market} Instances. InsufficientInstanceCapacity",
            cause="an instance was launched to reach the desired capacity",
            failure=f"Could not launch {market} Instances. InsufficientInstanceCapacity - We "
            f"currently do not have sufficient {types[0].instance_type} capacity in the "
            f"Availability Zone you requested ({zone}). Our system will be working on "
            "provisioning additional capacity. Launching EC2 instance failed.",
        )

    def _terminate_surplus(self, group: Group, cause: str) -> None:
        protected = {s.instance.id for s in group.instance_states if s.protected_from_scale_in}
        while True:
            staying = self._staying(group)
            victim = next_victim(
                machines=staying,
                surplus=sum(m.weight for m in staying) - group.desired_capacity,
                policies=group.termination_policies,
                is_protected=lambda m: m.instance_id in protected,
            )
            if victim is None:
                return
            self.terminate(group, victim, cause=cause)
