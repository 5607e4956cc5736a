"""An internal load balancer that fills the on-premises side first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from constructs import Construct

from peakfleet._values import is_known, is_late, is_to_be_looked_up, known_count, known_list
from peakfleet.findings import acknowledge
from peakfleet_planner import SpecError, TrafficSpec
from peakfleet_planner.pool_plan import apportioned

_ALL = 100
_HTTPS = 443
_OUTSIDE_THE_VPC = "all"
_REACHED = tuple(
    IPv4Network(block)
    for block in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Targets by address outside of the network, says AWS's guide on target groups."""
HEALTH_CHECK_PATH = "/healthz"
_HEALTH_PATH = re.compile(r"/[\w/.~@:+-]*([?][\w=&.-]*)?", re.ASCII)
_MOST_PORT = 65_535
_LOGS = "a bucket and a region that is known: log_access_logs() of the load balancer has them"
_PLAIN = "internal, for the clients of the network alone; certificate= makes it speak TLS"
_UNREAD = "the rule cannot read a network by reference; it is the network's own, for one port"
_UNREAD_RULES = ("AwsSolutions-EC23", "EC2RestrictedCommonPorts", "EC2RestrictedSSH")
_LEFT_AS_IT_IS = {
    "AwsSolutions-ELB2": _LOGS,
    "ELBLoggingEnabled": _LOGS,
    "ALBWAFEnabled": "internal; who may connect is named by address",
}
DEREGISTRATION = Duration.minutes(2)
"""No longer than the notice that Spot gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A load balancer before a fleet.

    Args:
        load_balancer: What clients connect to.
        listener: Its one listener.
        cloud: The target group of the fleet's instances.
        traffic: How the listener is split between both sides. None: all is the fleet's.
    """

    load_balancer: elbv2.ApplicationLoadBalancer
    listener: elbv2.ApplicationListener
    cloud: elbv2.ApplicationTargetGroup
    traffic: TrafficSpec | None


def define_front(
    scope: Construct,
    *,
    vpc: ec2.IVpc,
    vpc_subnets: ec2.SubnetSelection,
    on_premises_targets: Sequence[str] | Mapping[str, Sequence[str]],
    port: int,
    listener_port: int | None = None,
    certificate: acm.ICertificate | None = None,
    health_check_path: str = HEALTH_CHECK_PATH,
    clients: ec2.IPeer,
    deletion_protection: bool = True,
    algorithm: elbv2.TargetGroupLoadBalancingAlgorithmType | None = None,
    deregistration_delay: Duration = DEREGISTRATION,
) -> Front:
    """Define an internal load balancer, for servers on premises and instances of a fleet.

    Until the first tick all traffic goes to the on-premises side, if there is one.

    Args:
        scope: Where it is defined.
        vpc: Where it runs.
        vpc_subnets: In which subnets.
        on_premises_targets: Addresses of the on-premises servers, by site where there are several
            sites. They must have been checked.
        port: What the servers listen on.
        listener_port: What clients connect to. Default: 443 with a certificate, else *port*.
        certificate: Makes the listener speak TLS. Default: none.
        health_check_path: What a healthy server answers with 200.
        clients: Who may connect, see `clients_of`.
        deletion_protection: Whether the load balancer refuses to be deleted.
        algorithm: How the fleet's instances share their requests. Default: in turn.
        deregistration_delay: How long requests go on when an instance leaves. Default: 2 minutes.
    """
    load_balancer = elbv2.ApplicationLoadBalancer(
        scope,
        "LoadBalancer",
        vpc=vpc,
        vpc_subnets=vpc_subnets,
        internet_facing=False,
        drop_invalid_header_fields=True,
        deletion_protection=deletion_protection,
    )
    health_check = elbv2.HealthCheck(path=health_check_path, healthy_http_codes="200")
    sites = on_premises_targets if isinstance(on_premises_targets, Mapping) else None
    sides = {"": on_premises_targets} if sites is None else sites
    on_premises = {
        site: elbv2.ApplicationTargetGroup(
            scope,
            f"OnPremises-{site}" if site else "OnPremises",
            vpc=vpc,
            port=port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            health_check=health_check,
            targets=[targets.IpTarget(address, port, _OUTSIDE_THE_VPC) for address in addresses],
        )
        for site, addresses in sides.items()
        if addresses
    }
    cloud = elbv2.ApplicationTargetGroup(
        scope,
        "Cloud",
        vpc=vpc,
        port=port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        target_type=elbv2.TargetType.INSTANCE,
        health_check=health_check,
        load_balancing_algorithm_type=algorithm,
        deregistration_delay=deregistration_delay,
    )
    for address in (one for addresses in sides.values() for one in addresses):
        if is_to_be_looked_up(address):
            continue  # the CDK refuses it as an address; the synth after the look-up has the rule
        load_balancer.connections.allow_to(
            ec2.Peer.ipv4(f"{address}/32"), ec2.Port.tcp(port), "The on-premises servers"
        )
    listener = load_balancer.add_listener(
        "Listener",
        port=listener_port or (_HTTPS if certificate else port),
        protocol=elbv2.ApplicationProtocol.HTTPS if certificate else elbv2.ApplicationProtocol.HTTP,
        certificates=[certificate] if certificate else None,
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS if certificate else None,
        open=False,
        default_action=elbv2.ListenerAction.weighted_forward(
            [
                *(
                    elbv2.WeightedTargetGroup(target_group=group, weight=weight)
                    for group, weight in zip(
                        on_premises.values(), apportioned(_ALL, [1] * len(on_premises)), strict=True
                    )
                ),
                elbv2.WeightedTargetGroup(target_group=cloud, weight=0),
            ]
        )
        if on_premises
        else elbv2.ListenerAction.forward([cloud]),
    )
    listener.connections.allow_default_port_from(clients, "Clients")
    acknowledge(load_balancer, _LEFT_AS_IT_IS)
    if is_late(clients.unique_id):
        for group in load_balancer.connections.security_groups:
            acknowledge(group, dict.fromkeys(_UNREAD_RULES, _UNREAD))
    if certificate is None:
        acknowledge(
            listener, {"ALBHttpToHttpsRedirection": _PLAIN, "ELBv2ACMCertificateRequired": _PLAIN}
        )
    return Front(
        load_balancer=load_balancer,
        listener=listener,
        cloud=cloud,
        traffic=_traffic(
            listener, cloud, {site: group.target_group_arn for site, group in on_premises.items()}
        )
        if on_premises
        else None,
    )


def _traffic(
    listener: elbv2.ApplicationListener,
    cloud: elbv2.ApplicationTargetGroup,
    sites: Mapping[str, str],
) -> TrafficSpec:
    return TrafficSpec(
        listener_arn=listener.listener_arn,
        cloud_target_group_arn=cloud.target_group_arn,
        baseline_target_group_arn=sites.get(""),
        site_target_group_arns={} if "" in sites else sites,
    )


def check_addresses(addresses: Sequence[str]) -> None:
    """Refuse addresses of on-premises servers that a load balancer cannot reach."""
    known_list("load balancer", "on_premises_targets", addresses)
    for address in addresses:
        if not is_known(address):
            continue
        try:
            parsed = IPv4Address(address)
        except AddressValueError as error:
            raise SpecError(
                f"on_premises_targets must be IPv4 addresses, got {address!r}"
            ) from error
        if not any(parsed in network for network in _REACHED):
            raise SpecError(
                f"on_premises_targets must be in {', '.join(map(str, _REACHED))}, which is all "
                f"that a load balancer reaches outside of its network, got {address}"
            )


def check_service(port: int, health_check_path: str) -> None:
    """Refuse a port or a path that no server has."""
    known_count("load balancer", "port", port)
    if not 1 <= port <= _MOST_PORT:
        raise SpecError(f"port must be between 1 and {_MOST_PORT}, got {port}")
    if is_known(health_check_path) and not _HEALTH_PATH.fullmatch(health_check_path):
        raise SpecError(
            f"health_check_path must be a path such as {HEALTH_CHECK_PATH}, of letters, digits and "
            f"/ _ - . ~ @ : +, got {health_check_path!r}"
        )


def clients_of(vpc: ec2.IVpc, given: ec2.IPeer | None) -> ec2.IPeer:
    """Return who may connect to a load balancer: what is given, or the network *vpc*.

    Raises:
        SpecError: Nobody is given, and the addresses of an imported network are not known.
    """
    if given is not None:
        return given
    try:
        return ec2.Peer.ipv4(vpc.vpc_cidr_block)
    except RuntimeError as error:  # how jsii reports that an imported network has no addresses
        raise SpecError(
            f"the addresses of the imported network {vpc.node.path} are not known; say who may "
            f"connect with clients=ec2.Peer.ipv4(...), or import it with vpc_cidr_block"
        ) from error
