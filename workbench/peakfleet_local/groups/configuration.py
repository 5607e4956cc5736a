"""What the configuration of a group says, as moto keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from peakfleet_local.moto import MotoObject
from peakfleet_local.world import Purchase

Group = MotoObject
"""A FakeAutoScalingGroup."""
COUNTED_STATES = frozenset({"Pending", "Pending:Wait", "InService"})
"""States that count towards the desired capacity."""
_ALL_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeChoice:
    """An instance type of a group and the points of capacity that it counts for."""

    instance_type: str
    weight: int


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


def buys_spot(group: Group) -> bool:
    """Whether some of a group's capacity may be Spot."""
    distribution = _distribution(group)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    return share is not None and int(share) < _ALL_PERCENT


def only_purchase(group: Group) -> Purchase | None:
    """Return how all of a group's capacity is bought; None if in more than one way."""
    if not buys_spot(group):
        return "on-demand"
    distribution = _distribution(group)
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    percent = int(distribution["OnDemandPercentageAboveBaseCapacity"])
    return "spot" if (base, percent) == (0, 0) else None


def on_demand_points(group: Group) -> int:
    """Return how many points of the desired capacity are to be bought on demand."""
    distribution = _distribution(group)
    base = int(distribution.get("OnDemandBaseCapacity") or 0)
    share = distribution.get("OnDemandPercentageAboveBaseCapacity")
    percent = _ALL_PERCENT if share is None else int(share)
    desired = int(group.desired_capacity)
    above_base = max(0, desired - base)
    return min(base, desired) + ceil(above_base * percent / _ALL_PERCENT)


def subnets(group: Group) -> dict[str, str | None]:
    """Return the subnet of each zone of a group; None where EC2 chooses one."""
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


def retains(group: Group) -> bool:
    """Whether a machine whose terminate hook is abandoned is kept running."""
    policy: Mapping[str, Any] = getattr(group, "instance_lifecycle_policy", None) or {}
    triggers = policy.get("RetentionTriggers") or {}
    return bool(triggers.get("TerminateHookAbandon") == "retain")


def suspended(group: Group) -> set[str]:
    """Return the processes of a group that are suspended."""
    return {process["ProcessName"] for process in group.suspended_processes}


def stage_of_pool(group: Group) -> str:
    """Return the lifecycle state in which machines wait in the warm pool of a group."""
    return f"Warmed:{group.warm_pool.pool_state if group.warm_pool else 'Stopped'}"


def _distribution(group: Group) -> Mapping[str, Any]:
    policy: Mapping[str, Any] = group.mixed_instances_policy or {}
    return policy.get("InstancesDistribution") or {}
