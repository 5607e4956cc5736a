from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG
from moto.elbv2.exceptions import TargetGroupNotFoundError

from peakfleet_local.groups.placement import TypeChoice
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import Machine, Purchase, World

Group = MotoObject
"""A FakeAutoScalingGroup."""
STAYING = frozenset({"Pending", "Pending:Wait", "InService"})
"""States that count towards the desired capacity."""
_ALL = 100


def type_choices(group: Group) -> list[TypeChoice]:
    """The instance types of a group with their weights, in the order of its overrides."""
    policy: Mapping[str, Any] = group.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    if any("InstanceRequirements" in override for override in overrides):
        raise NotImplementedError(
            f"group {group.name}: the local AWS does not choose types by InstanceRequirements"
        )
    return [
        TypeChoice(
            instance_type=override.get("InstanceType") or group.instance_type,
            weight=int(override.get("WeightedCapacity") or 1),
        )
        for override in overrides
    ] or [TypeChoice(instance_type=group.instance_type, weight=1)]


def has_weights(group: Group) -> bool:
    """Whether the group's own template gives its types weights."""
    policy: Mapping[str, Any] = group.mixed_instances_policy or {}
    overrides = policy.get("LaunchTemplate", {}).get("Overrides") or []
    return any("WeightedCapacity" in override for override in overrides)


def as_requested(policy: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a stored mixed instances policy as a request may have it.

    moto stores the template's id and name, and refuses a request that gives both.
    """
    if not policy:
        return None
    template = policy["LaunchTemplate"]
    specification = {
        name: value
        for name, value in template["LaunchTemplateSpecification"].items()
        if name != "LaunchTemplateName"
    }
    return {**policy, "LaunchTemplate": {**template, "LaunchTemplateSpecification": specification}}


def cause_of(world: World, *, before: int, after: int) -> str:
    """Why a change of desired capacity moved machines, in the words of AWS."""
    at = datetime.fromtimestamp(world.now_epoch_seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"At {at} a user request explicitly set group desired capacity changing the desired "
        f"capacity from {before} to {after}."
    )


def buys_spot(group: Group) -> bool:
    """Whether some of a group's capacity may be Spot."""
    distribution = _distribution(group)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    return share is not None and int(share) < _ALL


def only_purchase(group: Group) -> Purchase | None:
    """Return how all of a group's capacity is bought; None if in more than one way."""
    if not buys_spot(group):
        return "on-demand"
    distribution = _distribution(group)
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    percent = int(distribution["OnDemandPercentageAboveBaseCapacity"])
    return "spot" if (base, percent) == (0, 0) else None


def _distribution(group: Group) -> Mapping[str, Any]:
    policy: Mapping[str, Any] = group.mixed_instances_policy or {}
    return policy.get("InstancesDistribution") or {}


def next_purchase(group: Group, staying: list[Machine]) -> Purchase:
    distribution = _distribution(group)
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    percent = _ALL if share is None else int(share)
    above_base = max(0, group.desired_capacity - base)
    needed = min(base, group.desired_capacity) + ceil(above_base * percent / _ALL)
    on_demand = sum(m.weight for m in staying if m.purchase == "on-demand")
    return "on-demand" if on_demand < needed else "spot"


def subnets(group: Group) -> dict[str, str | None]:
    if not group.vpc_zone_identifier:
        return dict.fromkeys(group.availability_zones)
    found = group.ec2_backend.describe_subnets(subnet_ids=group.vpc_zone_identifier.split(","))
    return {subnet.availability_zone: subnet.id for subnet in found}


def template_version(group: Group) -> str:
    """Return the number of the launch template's version that a group launches; empty without."""
    template = group.ec2_launch_template
    if template is None:
        return ""
    return str(template.get_version(group.launch_template_version).number)


def run_instance(
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


def end_in_ec2(group: Group, instance_ids: set[str]) -> None:
    """End instances in EC2, which forgets them at once."""
    group.ec2_backend.terminate_instances(sorted(instance_ids))
    forget_reservations(group.ec2_backend, instance_ids)


def forget_reservations(ec2_backend: MotoObject, instance_ids: set[str]) -> None:
    for reservation_id, reservation in list(ec2_backend.reservations.items()):
        if all(instance.id in instance_ids for instance in reservation.instances):
            del ec2_backend.reservations[reservation_id]


def register(group: Group) -> None:
    """Make every instance that stays a target; moto would search all of EC2 for each again."""
    backend = group.autoscaling_backend.elbv2_backend
    for arn in group.target_group_arns:
        if arn not in backend.target_groups:
            continue
        known = backend.target_groups[arn].targets
        fresh = [
            {"Id": state.instance.id}
            for state in group.instance_states
            if state.instance.id not in known and state.lifecycle_state in STAYING
        ]
        if fresh:
            backend.register_targets(arn, fresh)


def deregister(group: Group, instance_id: str) -> None:
    backend = group.autoscaling_backend.elbv2_backend
    for arn in group.target_group_arns:
        try:
            backend.deregister_targets(arn, [{"Id": instance_id}])
        except TargetGroupNotFoundError:
            continue


def retains(group: Group) -> bool:
    """Whether a machine whose terminate hook is abandoned is kept running."""
    policy: Mapping[str, Any] = getattr(group, "instance_lifecycle_policy", None) or {}
    triggers = policy.get("RetentionTriggers") or {}
    return bool(triggers.get("TerminateHookAbandon") == "retain")
