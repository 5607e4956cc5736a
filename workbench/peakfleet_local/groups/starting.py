from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from moto.autoscaling.models import InstanceState

from peakfleet_local.groups.activities import ActivityLog
from peakfleet_local.groups.group_events import activity_event
from peakfleet_local.groups.launching import Group, run_instance, template_version
from peakfleet_local.groups.lifecycle import Lifecycle
from peakfleet_local.groups.placement import TypeChoice
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import Machine, Purchase, Refusal, World

TO_GROUP = "EC2>AutoScalingGroup"
TO_WARM_POOL = "EC2>WarmPool"
FROM_WARM_POOL = "WarmPool>AutoScalingGroup"
_MARKETS: Mapping[Purchase, str] = {"spot": "Spot", "on-demand": "On-Demand"}


class Starter:
    """Launches single instances, or says why that fails."""

    def __init__(self, *, world: World, activities: ActivityLog, lifecycle: Lifecycle) -> None:
        self._world = world
        self._activities = activities
        self._lifecycle = lifecycle

    def refusal(
        self, group: Group, *, choice: TypeChoice, zone: str, purchase: Purchase
    ) -> Refusal | None:
        """Return why one more instance cannot be launched, or None."""
        return self._world.refusal(
            group=group.name,
            image_id=group.image_id,
            instance_type=choice.instance_type,
            zone=zone,
            purchase=purchase,
        )

    def has_capacity(self, group: Group, purchase: Purchase) -> Callable[..., bool]:
        """Return whether a zone has one more instance of a type for a group."""

        def has_capacity(*, instance_type: str, zone: str) -> bool:
            choice = TypeChoice(instance_type=instance_type, weight=1)
            return self.refusal(group, choice=choice, zone=zone, purchase=purchase) is None

        return has_capacity

    def launch(
        self,
        group: Group,
        *,
        choice: TypeChoice,
        zone: str,
        subnet_id: str | None,
        purchase: Purchase,
        cause: str,
        route: str = TO_GROUP,
    ) -> tuple[Machine, MotoObject]:
        """Launch an instance; return it and what moto knows of it."""
        world = self._world
        world.tries[group.name, "launched"] += 1
        instance = run_instance(group, choice.instance_type, zone, subnet_id, purchase)
        now, seconds = world.now_epoch_seconds, world.boot_seconds_of(group.name)
        activity = self._activities.record(
            group=group.name,
            description=f"Launching a new EC2 instance: {instance.id}",
            cause=cause,
            zone=zone,
            started_at=now,
            ended_at=inf,
            running_status="PreInService",
        )
        machine = self._lifecycle.arrive(
            group,
            Machine(
                instance_id=instance.id,
                group=group.name,
                instance_type=choice.instance_type,
                zone=zone,
                weight=choice.weight,
                purchase=purchase,
                launched_at=now,
                ready_at=now + seconds,
                template_version=template_version(group),
            ),
            activity,
            seconds=seconds,
            route=route,
        )
        protected = group.new_instances_protected_from_scale_in
        return machine, InstanceState(instance, protected_from_scale_in=protected)

    def wake(self, group: Group, machine: Machine, *, cause: str) -> Machine:
        """Start an instance of the warm pool for its group."""
        activity = self._activities.record(
            group=group.name,
            description=f"Launching a new EC2 instance from warm pool: {machine.instance_id}",
            cause=cause,
            started_at=self._world.now_epoch_seconds,
            ended_at=inf,
            running_status="PreInService",
        )
        seconds = self._world.warm_start_seconds_of(group.name)
        return self._lifecycle.arrive(
            group, machine, activity, seconds=seconds, route=FROM_WARM_POOL
        )

    def failed(self, group: Group, refusal: Refusal, *, zone: str, purchase: Purchase) -> None:
        """Write down, and say, that a launch failed."""
        world, now = self._world, self._world.now_epoch_seconds
        world.tries[group.name, refusal.code] += 1
        short = f"Could not launch {_MARKETS[purchase]} Instances. {refusal.code}"
        activity = self._activities.record(
            group=group.name,
            started_at=now,
            ended_at=now,
            description=f"Launching a new EC2 instance.  Status Reason: {short}",
            cause="an instance was launched to reach the desired capacity",
            zone=zone,
            failure=f"{short} - {refusal.message} Launching EC2 instance failed.",
        )
        ends = {"Origin": "EC2", "Destination": "AutoScalingGroup"}
        world.events.append(activity_event(group, activity, launch=True, zone=zone, ends=ends))
