"""Single launches: EC2 runs an instance, or refuses; load balancers learn of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from math import inf

from moto.autoscaling.models import ASG_NAME_TAG, InstanceState

from peakfleet_local.groups.activities import ActivityLog, activity_event
from peakfleet_local.groups.configuration import (
    COUNTED_STATES,
    Group,
    TypeChoice,
    subnets,
    template_version,
)
from peakfleet_local.groups.lifecycle import Lifecycle
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import NO_ADDRESS, Machine, Purchase, Refusal, World

RESERVED_ADDRESSES = 5
"""AWS keeps the first four addresses and the last one of every subnet."""
TO_GROUP = "EC2>AutoScalingGroup"
TO_WARM_POOL = "EC2>WarmPool"
FROM_WARM_POOL = "WarmPool>AutoScalingGroup"
_MARKETS: Mapping[Purchase, str] = {"spot": "Spot", "on-demand": "On-Demand"}


class Launcher:
    """Launches single instances, or says why that fails."""

    def __init__(self, *, world: World, activities: ActivityLog, lifecycle: Lifecycle) -> None:
        self._world = world
        self._activities = activities
        self._lifecycle = lifecycle

    def refusal(
        self, group: Group, *, choice: TypeChoice, zone: str, purchase: Purchase
    ) -> Refusal | None:
        """Return why one more instance cannot be launched, or None."""
        refused = self._world.refusal(
            group=group.name,
            image_id=group.image_id,
            instance_type=choice.instance_type,
            zone=zone,
            purchase=purchase,
        )
        return refused or (None if _has_address(group, zone) else NO_ADDRESS)

    def has_capacity(self, group: Group, purchase: Purchase) -> Callable[[str, str], bool]:
        """Return whether a zone has one more instance of a type for a group."""

        def has_capacity(instance_type: str, zone: str) -> bool:
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
        world.launch_attempts[group.name, "launched"] += 1
        instance = _run_instance(group, choice.instance_type, zone, subnet_id, purchase)
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
        world.launch_attempts[group.name, refusal.code] += 1
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


def _has_address(group: Group, zone: str) -> bool:
    """Whether the subnet of a zone has an address that no instance has."""
    subnet_id = subnets(group).get(zone)
    if subnet_id is None:
        return True
    subnet = group.ec2_backend.get_subnet(subnet_id)
    taken = len(subnet._subnet_ips)  # noqa: SLF001 - the only place where moto counts them
    return bool(taken < subnet.cidr.num_addresses - RESERVED_ADDRESSES)


def end_in_ec2(group: Group, instance_ids: set[str]) -> None:
    """End instances in EC2, which forgets them at once."""
    group.ec2_backend.terminate_instances(sorted(instance_ids))
    reservations = group.ec2_backend.reservations
    for reservation_id, reservation in list(reservations.items()):
        if all(instance.id in instance_ids for instance in reservation.instances):
            del reservations[reservation_id]


def register(group: Group, *, left_out: Collection[str]) -> None:
    """Make every instance that stays a target; moto would search all of EC2 for each again.

    Args:
        group: Whose instances.
        left_out: Ids of those that are never registered.
    """
    backend = group.autoscaling_backend.elbv2_backend
    for arn in group.target_group_arns:
        if arn not in backend.target_groups:
            continue
        known = backend.target_groups[arn].targets
        fresh = [
            {"Id": state.instance.id}
            for state in group.instance_states
            if state.instance.id not in known
            and state.instance.id not in left_out
            and state.lifecycle_state in COUNTED_STATES
        ]
        if fresh:
            backend.register_targets(arn, fresh)


def _run_instance(
    group: Group, instance_type: str, zone: str, subnet_id: str | None, purchase: Purchase
) -> MotoObject:
    template = group.ec2_launch_template
    tags = {**group.get_propagated_tags(), ASG_NAME_TAG: group.name, **group.instance_tags}
    reservation = group.ec2_backend.run_instances(
        group.image_id,
        1,
        group.user_data,
        group.security_groups,
        instance_type=instance_type,
        tags={"instance": tags},
        placement=zone,
        launch_config=group.launch_config,
        launch_template={"LaunchTemplateId": template.id} if template else None,
        is_instance_type_default=False,
        associate_public_ip=False,
        subnet_id=subnet_id,
        lifecycle="spot" if purchase == "spot" else None,
    )
    instance = reservation.instances[0]
    instance.autoscaling_group = group
    return instance
