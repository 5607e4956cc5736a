from __future__ import annotations

from typing import cast

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


def network_interfaces(count: int, *, security_group_ids: list[str]) -> list[dict[str, object]]:
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


def open_to_itself(scope: Construct, group: ec2.SecurityGroup) -> None:
    """Let the members of a security group talk to each other in every way.

    The outgoing rule is a resource of its own. The CDK leaves it out of a group that may reach
    every address, but the traffic of the adapters has no addresses: only a rule that names the
    group lets it through.
    """
    group.add_ingress_rule(group, ec2.Port.all_traffic(), "Adapters of the gang")
    ec2.CfnSecurityGroupEgress(
        scope,
        "ToItself",
        group_id=group.security_group_id,
        destination_security_group_id=group.security_group_id,
        ip_protocol="-1",
        description="Adapters of the gang",
    )


def launch_data(template: ec2.LaunchTemplate, name: str, value: object) -> None:
    """Set one entry of what a launch template launches with, which the CDK has no word for."""
    resource = cast("ec2.CfnLaunchTemplate", template.node.default_child)
    resource.add_property_override(f"LaunchTemplateData.{name}", value)
