"""The machines of a gang: what they must be, their group, their network adapters."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet.findings import acknowledge
from peakfleet.machines import GroupSettings, PoolGroup, define_groups, selected_subnets
from peakfleet.pools import CapacityPool, check_capacity_block, check_chips, check_efa, check_gang
from peakfleet.training.capacity_block import CapacityBlock, OffPeak
from peakfleet_chips import Chip
from peakfleet_planner import SpecError

_DUMMY_VPC = "vpc-12345"
"""What `Vpc.from_lookup` is until the CDK's command line has looked it up."""
_ADAPTERS = "adapters need all traffic among the machines of one gang, and from nobody else"
_TRAINING_CHIPS = (Chip.TRAINIUM1, Chip.TRAINIUM2)


def check_machines(
    pool: CapacityPool,
    *,
    reservation: CapacityBlock | OffPeak | None,
    placement_group: ec2.IPlacementGroup | None,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection,
) -> int:
    """Refuse machines that cannot train as one; return the adapters that each of them has.

    Raises:
        SpecError: Chips, ways of buying or places contradict each other.
    """
    owner = f"pool '{pool.name}'"
    if isinstance(reservation, CapacityBlock):
        name = placement_group.placement_group_name if placement_group else None
        check_capacity_block(owner, pool.instance_types, placement_group=name)
    check_chips(owner, pool.instance_types, _TRAINING_CHIPS)
    if len(pool.instance_types) != 1:
        raise SpecError(
            f"{owner}: all machines of a gang are of one instance type, got "
            f"{', '.join(pool.instance_types)}; keep one"
        )
    if pool.warm or pool.min_instances:
        raise SpecError(
            f"{owner}: a gang comes and goes whole, so that none of its machines hibernates, waits "
            f"in a warm pool or is always kept; leave warm and min_instances out"
        )
    if pool.user_data:
        raise SpecError(f"{owner}: give user_data to the fleet, which puts the training after it")
    if reservation and pool.purchase.is_spot:
        raise SpecError(
            f"{owner}: purchase is spot, but a reservation is never bought so; leave one of "
            f"purchase and reservation out"
        )
    if isinstance(reservation, OffPeak) and placement_group:
        raise SpecError(
            f"{owner}: placement_group is given beside a reservation, which runs only in the "
            f"group that it was made in; give it to OffPeak.of"
        )
    if vpc.vpc_id != _DUMMY_VPC:
        check_gang(owner, selected_subnets(vpc, vpc_subnets).availability_zones)
    if pool.max_instances == 1:
        return 0
    return check_efa(owner, pool.instance_types, otherwise="train on one machine")


def define_machines(
    scope: Construct,
    pool: CapacityPool,
    settings: GroupSettings,
    *,
    fleet: str,
    adapters: int,
    reservation: CapacityBlock | OffPeak | None,
    placement_group: ec2.IPlacementGroup | None,
) -> PoolGroup:
    """Define the group of a gang: empty until the ticks launch all of it."""
    empty = replace(pool, min_instances=0)
    made = define_groups(scope, [empty], settings, fleet=fleet)[pool.name]
    template = made.template
    if adapters:
        interfaces = _network_interfaces(
            adapters,
            security_group_ids=[group.security_group_id for group in settings.security_groups],
        )
        _launch_data(template, "NetworkInterfaces", interfaces)
    if reservation:
        _launch_data(
            template,
            "CapacityReservationSpecification",
            {"CapacityReservationTarget": {"CapacityReservationId": reservation.reservation_id}},
        )
        if reservation.market:
            _launch_data(template, "InstanceMarketOptions", reservation.market)
    if placement_group:
        name = placement_group.placement_group_name
        _launch_data(template, "Placement", {"GroupName": name})
    resource = cast("autoscaling.CfnAutoScalingGroup", made.group.node.default_child)
    # A broken machine goes before the next one comes: there is no room for both.
    resource.instance_maintenance_policy = (
        autoscaling.CfnAutoScalingGroup.InstanceMaintenancePolicyProperty(
            min_healthy_percentage=0, max_healthy_percentage=100
        )
    )
    return made


def _network_interfaces(count: int, *, security_group_ids: list[str]) -> list[dict[str, object]]:
    """Return the interfaces of an instance with so many Elastic Fabric Adapters.

    One adapter on each network card. The first one of an instance is its primary interface, so
    that it has device 0; on every other card the adapter is device 1. Nothing is said of a public
    address: EC2 refuses that with several interfaces, and gives none.

    Args:
        count: Adapters, which are as many as its type has network cards.
        security_group_ids: Of every interface.
    """
    return [
        {
            "NetworkCardIndex": card,
            "DeviceIndex": 1 if card else 0,
            "InterfaceType": "efa",
            "Groups": security_group_ids,
            "DeleteOnTermination": True,
        }
        for card in range(count)
    ]


def open_to_itself(scope: Construct, group: ec2.ISecurityGroup) -> None:
    """Let the members of a security group talk to each other in every way.

    The outgoing rule is a resource of its own. The CDK leaves it out of a group that may reach
    every address, but the traffic of the adapters has no addresses: only a rule that names the
    group lets it through.
    """
    before = set(group.node.children)
    group.add_ingress_rule(group, ec2.Port.all_traffic(), "Adapters of the gang")
    for rule in set(group.node.children) - before:
        acknowledge(
            rule, dict.fromkeys(("EC2RestrictedCommonPorts", "EC2RestrictedSSH"), _ADAPTERS)
        )
    ec2.CfnSecurityGroupEgress(
        scope,
        "ToItself",
        group_id=group.security_group_id,
        destination_security_group_id=group.security_group_id,
        ip_protocol="-1",
        description="Adapters of the gang",
    )


def _launch_data(template: ec2.LaunchTemplate, name: str, value: object) -> None:
    """Set one entry of what a launch template launches with, which the CDK has no word for."""
    resource = cast("ec2.CfnLaunchTemplate", template.node.default_child)
    resource.add_property_override(f"LaunchTemplateData.{name}", value)
