from __future__ import annotations

from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from peakfleet_local.cloudformation.resources import Properties
from peakfleet_local.moto import MotoObject, Patch, as_method

ZONE_OF_BALANCERS = "Z35SXDOTRQ7X7K"


def balancer_patches() -> list[Patch]:
    """Return the corrections of load balancers of moto 5.2.5."""
    return [
        Patch(
            owner=ELBv2Backend,
            name="convert_and_validate_properties",
            value=as_method(_default_actions),
        ),
        Patch(
            owner=FakeLoadBalancer,
            name="create_from_cloudformation_json",
            value=staticmethod(_create_balancer),
        ),
        Patch(
            owner=FakeLoadBalancer,
            name="get_cfn_attribute",
            value=as_method(_balancer_attribute),
        ),
        Patch(
            owner=FakeTargetGroup,
            name="get_cfn_attribute",
            value=as_method(_target_group_attribute),
            adds=True,
        ),
    ]


def _create_balancer(
    resource_name: str,
    cloudformation_json: Properties,
    account_id: str,
    region_name: str,
    **_kwargs: object,
) -> MotoObject:
    """Make the kind of balancer that was asked for; moto makes an application one."""
    wanted = cloudformation_json["Properties"]
    balancer = elbv2_backends[account_id][region_name].create_load_balancer(
        resource_name,
        wanted.get("SecurityGroups", []),
        wanted.get("Subnets", []),
        subnet_mappings=wanted.get("SubnetMappings"),
        scheme=wanted.get("Scheme", "internet-facing"),
        loadbalancer_type=wanted.get("Type", "application"),
        tags=wanted.get("Tags", []),
    )
    for attribute in wanted.get("LoadBalancerAttributes", []):
        balancer.attrs[attribute["Key"]] = str(attribute["Value"])
    return balancer


def _balancer_attribute(balancer: MotoObject, attribute_name: str) -> object:
    """Return any attribute; moto leaves out the full name, which metrics need."""
    return {
        "Arn": balancer.arn,
        "DNSName": balancer.dns_name,
        "LoadBalancerName": balancer.name,
        "LoadBalancerArn": balancer.arn,
        "LoadBalancerFullName": balancer.arn.partition("loadbalancer/")[2],
        "CanonicalHostedZoneID": ZONE_OF_BALANCERS,
        "SecurityGroups": balancer.security_groups,
    }[attribute_name]


def _target_group_attribute(group: MotoObject, attribute_name: str) -> object:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "TargetGroupFullName": group.arn.rpartition(":")[2],
        "LoadBalancerArns": list(group.load_balancer_arns),
    }[attribute_name]


def _default_actions(_backend: MotoObject, properties: Properties) -> list[Properties]:
    """Keep forward actions that name several weighted groups; moto expects one."""
    return [
        {"Type": "forward", "TargetGroupArn": action["TargetGroupArn"]}
        if action["Type"] == "forward" and "TargetGroupArn" in action
        else action
        for action in properties["DefaultActions"]
    ]
