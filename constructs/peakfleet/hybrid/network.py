"""The way between the company's network and a VPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Final

from aws_cdk import Aws, Names, Tags
from aws_cdk import aws_directconnect as directconnect
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet._values import check_kind, is_known, known_list
from peakfleet_planner import SpecError
from peakfleet_planner.codec import check_within

_GATEWAY_ASN: Final = 64_512
_DIRECT_CONNECT_ASN: Final = 64_513
"""The two must differ, and AWS gives both the same one by default."""
_LEAST_ASN, _MOST_ASN = 1, 4_294_967_294
_MOST_PLAIN_ASN: Final = 2_147_483_647
"""A customer gateway has another property for what is above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What connects the company's network: a VPN over the internet, or Direct Connect.

    Use `vpn` or `direct_connect`.

    Args:
        router: Public address of the company's VPN router.
        router_asn: Its autonomous system.
        large_tunnels: Whether its tunnels carry 5 Gbit/s.
        gateway_id: A Direct Connect gateway that exists.
        gateway_asn: That of a Direct Connect gateway to define.
    """

    router: str | None = None
    router_asn: int = 65_000
    large_tunnels: bool = False
    gateway_id: str | None = None
    gateway_asn: int = _DIRECT_CONNECT_ASN

    @classmethod
    def vpn(cls, router: str, *, asn: int = 65_000, large_tunnels: bool = False) -> Link:
        """Connect by two IPsec tunnels to a router, with BGP.

        Args:
            router: Its public IPv4 address.
            asn: Its autonomous system number. Default: 65000.
            large_tunnels: 5 Gbit/s for each tunnel instead of 1.25, at a higher price; a change
                interrupts them. Default: no.

        Raises:
            SpecError: The address is none, or the number is out of range.
        """
        check_within("vpn", "asn", asn, _LEAST_ASN, _MOST_PLAIN_ASN)
        if is_known(router):
            try:
                is_public = IPv4Address(router).is_global
            except AddressValueError:
                is_public = False
            if not is_public:
                raise SpecError(f"vpn: router must be a public IPv4 address, got {router!r}")
        return cls(router=router, router_asn=asn, large_tunnels=large_tunnels)

    @classmethod
    def direct_connect(
        cls, gateway_id: str | None = None, *, gateway_asn: int = _DIRECT_CONNECT_ASN
    ) -> Link:
        """Connect by a Direct Connect gateway; the circuits and their interfaces are not defined.

        Args:
            gateway_id: One that exists. Default: one is defined.
            gateway_asn: Autonomous system number of the one that is defined; not that of the
                transit gateway. Default: 64513.

        Raises:
            SpecError: The number is out of range.
        """
        check_within("direct connect", "gateway_asn", gateway_asn, _LEAST_ASN, _MOST_ASN)
        return cls(gateway_id=gateway_id, gateway_asn=gateway_asn)


class HybridNetwork(Construct):
    """A transit gateway between a VPC and the company's network, with routes and endpoints.

    Defines the transit gateway, its attachment to the VPC, the VPN connection or the association
    of the Direct Connect gateway, routes to the company in the route table of every subnet, and
    interface endpoints for what reporters call, which serve the roles of this account. Their own
    DNS names resolve to private addresses from anywhere, so no Route 53 Resolver endpoint is
    needed; give them to the reporter and to the signing helper. docs/hybrid.md says what it costs.

    Args:
        vpc: Where the fleets run.
        subnets: Those of the fleets, which get routes to the company; the transit gateway reaches
            only zones in which there is one.
        on_premises_cidrs: The company's networks.
        link: What connects them.
        vpc_cidr: Addresses of the VPC, which Direct Connect announces to the company. Default:
            those of *vpc*.
        asn: Private autonomous system number of the transit gateway. Default: 64512.
        existing_endpoints: Endpoints of the VPC that reporters call too, by `Monitoring` or
            `RolesAnywhere`: a VPC has one with private names for each service. Default: none.

    Raises:
        SpecError: Networks overlap, or both gateways have one autonomous system number.

    Limitations:
        Attachments are associated with and propagated to the transit gateway's own route table,
        for CloudFormation does not say the ids of the others. A VPN needs BGP. Circuits, virtual
        interfaces and BFD are the company's.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        on_premises_cidrs: Sequence[str],
        link: Link,
        vpc_cidr: str | None = None,
        asn: int = _GATEWAY_ASN,
        existing_endpoints: Mapping[str, ec2.InterfaceVpcEndpoint] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        owner = f"hybrid network '{self.node.path}'"
        check_kind(owner, "link", link, Link)
        check_within(owner, "asn", asn, _LEAST_ASN, _MOST_ASN)
        self._vpc_cidr = vpc_cidr or vpc.vpc_cidr_block
        _check_networks(owner, self._vpc_cidr, on_premises_cidrs)
        self._cidrs = tuple(on_premises_cidrs)
        self._gateway = self._define_gateway(asn)
        self._attachment = self._attach(vpc, subnets)
        self._define_routes(subnets)
        if link.router is not None:
            self._define_vpn(link, link.router)
        else:
            self._associate(owner, link, asn)
        self._endpoints_group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=vpc,
            description="AWS services, as seen from the company",
            allow_all_outbound=False,
        )
        for peer in self.peers:
            self._endpoints_group.add_ingress_rule(peer, ec2.Port.tcp(443), "Reporters")
        self._endpoints = self._define_endpoints(vpc, subnets, existing_endpoints or {})

    @property
    def transit_gateway_id(self) -> str:
        """Id of the transit gateway."""
        return self._gateway.attr_id

    @property
    def peers(self) -> list[ec2.IPeer]:
        """The company's networks, for security group rules."""
        return [ec2.Peer.ipv4(cidr) for cidr in self._cidrs]

    @property
    def endpoints(self) -> Mapping[str, ec2.InterfaceVpcEndpoint]:
        """The endpoints that are defined here: `Monitoring` and `RolesAnywhere`."""
        return dict(self._endpoints)

    def allow_from_on_premises(self, side: ec2.IConnectable, port: ec2.Port) -> None:
        """Let the company's hosts connect to *side*."""
        for peer in self.peers:
            side.connections.allow_from(peer, port, "From the company")

    def allow_to_on_premises(self, side: ec2.IConnectable, port: ec2.Port) -> None:
        """Let *side* connect to the company's hosts."""
        for peer in self.peers:
            side.connections.allow_to(peer, port, "To the company")

    def _define_gateway(self, asn: int) -> ec2.CfnTransitGateway:
        gateway = ec2.CfnTransitGateway(
            self,
            "Gateway",
            description="Between the fleets and the company",
            amazon_side_asn=asn,
            auto_accept_shared_attachments="disable",
            default_route_table_association="enable",
            default_route_table_propagation="enable",
            dns_support="enable",
            vpn_ecmp_support="enable",
        )
        Tags.of(gateway).add("Name", self.node.path)
        return gateway

    def _attach(
        self, vpc: ec2.IVpc, subnets: Sequence[ec2.ISubnet]
    ) -> ec2.CfnTransitGatewayVpcAttachment:
        by_zone = {subnet.availability_zone: subnet.subnet_id for subnet in subnets}
        return ec2.CfnTransitGatewayVpcAttachment(
            self,
            "Attachment",
            transit_gateway_id=self._gateway.attr_id,
            vpc_id=vpc.vpc_id,
            subnet_ids=list(by_zone.values()),
        )

    def _define_routes(self, subnets: Sequence[ec2.ISubnet]) -> None:
        for i, subnet in enumerate(subnets):
            for j, cidr in enumerate(self._cidrs):
                route = ec2.CfnRoute(
                    self,
                    f"Route{i}To{j}",
                    route_table_id=subnet.route_table.route_table_id,
                    destination_cidr_block=cidr,
                    transit_gateway_id=self._gateway.attr_id,
                )
                route.add_resource_dependency(self._attachment)

    def _define_vpn(self, link: Link, router: str) -> None:
        customer = ec2.CfnCustomerGateway(
            self, "Router", type="ipsec.1", ip_address=router, bgp_asn=link.router_asn
        )
        ec2.CfnVPNConnection(
            self,
            "Vpn",
            type="ipsec.1",
            customer_gateway_id=customer.attr_customer_gateway_id,
            transit_gateway_id=self._gateway.attr_id,
            static_routes_only=False,
            pre_shared_key_storage="SecretsManager",  # else they stand in the console for all
            tunnel_bandwidth="large" if link.large_tunnels else "standard",
        )

    def _associate(self, owner: str, link: Link, asn: int) -> None:
        gateway_id = link.gateway_id
        if gateway_id is None:
            if link.gateway_asn == asn:
                raise SpecError(
                    f"{owner}: the transit gateway and the Direct Connect gateway must differ in "
                    f"their autonomous system numbers, got {asn} for both"
                )
            gateway = directconnect.CfnDirectConnectGateway(
                self,
                "DirectConnect",
                direct_connect_gateway_name=Names.unique_resource_name(self, max_length=100),
                amazon_side_asn=str(link.gateway_asn),
            )
            gateway_id = gateway.attr_direct_connect_gateway_id
        directconnect.CfnDirectConnectGatewayAssociation(
            self,
            "Association",
            direct_connect_gateway_id=gateway_id,
            associated_gateway_id=self._gateway.attr_id,
            # Exactly the VPC: a summary would draw the way back over another path.
            allowed_prefixes_to_direct_connect_gateway=[self._vpc_cidr],
        )

    def _define_endpoints(
        self,
        vpc: ec2.IVpc,
        subnets: Sequence[ec2.ISubnet],
        existing: Mapping[str, ec2.InterfaceVpcEndpoint],
    ) -> dict[str, ec2.InterfaceVpcEndpoint]:
        made: dict[str, ec2.InterfaceVpcEndpoint] = {}
        services = ec2.InterfaceVpcEndpointAwsService
        for name, service in (
            ("Monitoring", services.CLOUDWATCH_MONITORING),
            ("RolesAnywhere", services.IAM_ROLES_ANYWHERE),
        ):
            if name in existing:
                self.allow_from_on_premises(existing[name], ec2.Port.tcp(443))
                continue
            endpoint = ec2.InterfaceVpcEndpoint(
                self,
                name,
                vpc=vpc,
                service=service,
                subnets=ec2.SubnetSelection(subnets=subnets),
                open=False,
                security_groups=[self._endpoints_group],
            )
            if name == "Monitoring":
                endpoint.add_to_policy(
                    iam.PolicyStatement(
                        principals=[iam.AnyPrincipal()],
                        actions=["cloudwatch:PutMetricData"],
                        resources=["*"],
                        conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
                    )
                )
            made[name] = endpoint
        return made


def _check_networks(owner: str, vpc_cidr: str, on_premises_cidrs: Sequence[str]) -> None:
    known_list(owner, "on_premises_cidrs", on_premises_cidrs)
    if not on_premises_cidrs:
        raise SpecError(f"{owner}: on_premises_cidrs must name at least one network, got none")
    networks = [("vpc_cidr", vpc_cidr), *(("on_premises_cidrs", one) for one in on_premises_cidrs)]
    seen: list[IPv4Network] = []
    for field, text in networks:
        if not is_known(text):
            continue
        try:
            network = IPv4Network(text)
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise SpecError(
                f"{owner}: {field} must be an IPv4 network such as 10.64.0.0/12, got {text!r}"
            ) from error
        if overlapping := [str(other) for other in seen if other.overlaps(network)]:
            raise SpecError(
                f"{owner}: networks that overlap cannot be routed, got {text} and {overlapping[0]}"
            )
        seen.append(network)
