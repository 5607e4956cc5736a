"""StreamFleet: servers behind a load balancer that fills the on-premises side first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from peakfleet.fleet import (
    BurstFleet,
    FleetOptions,
    IntentFleet,
    check_fleet_options,
    named,
    private_subnets,
)
from peakfleet.load_balancer import (
    DEREGISTRATION,
    HEALTH_CHECK_PATH,
    check_addresses,
    check_service,
    clients_of,
    define_front,
)
from peakfleet.pools import CapacityPool
from peakfleet.signals import DemandSignal
from peakfleet_planner import SpecError


class StreamFleet(IntentFleet):
    """Servers behind a load balancer, on premises first, in AWS above them.

    Defines an internal Application Load Balancer whose one listener splits the traffic between
    the on-premises servers and the fleet, and a `BurstFleet` that sets the split every minute so
    that the baseline is filled first. The load balancer's health checks decide which instances
    are replaced.

    Args:
        vpc: Where load balancer and instances run. It must reach the on-premises servers.
        pools: What to burst into, in the order in which it is filled.
        signals: What demand is read from. Default: none yet, see `fleet.add_signal`.
        on_premises_targets: Private IPv4 addresses of the on-premises servers, outside the
            network of *vpc*. Several sites, as in `Baseline.sites`, each have theirs by their
            name, four at most; each gets traffic by what it carries.
        port: What the servers listen on, on both sides. Default: 8080.
        listener_port: What clients connect to. Default: 443 with a certificate, else `port`.
        certificate: Makes the listener speak TLS. Default: none, plain HTTP.
        health_check_path: What a healthy server answers with 200. Default: `/healthz`.
        clients: Who may connect. Default: the network of *vpc*.
        deletion_protection: Whether the load balancer refuses to be deleted. Default: yes.
        deregistration_delay: How long requests that have begun may go on when an instance
            leaves, at most an hour. Default: 2 minutes, which is what Spot grants.
        options: See `FleetOptions`. A drain begins once the load balancer has deregistered the
            instance; the load balancer sends a new one nothing before it is healthy.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        See `BurstFleet`. Until its first tick all traffic goes to the on-premises side. The
        listener's weights have one writer; a deployment that changes the listener sets them
        back until the next tick.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        pools: Sequence[CapacityPool],
        on_premises_targets: Sequence[str] | Mapping[str, Sequence[str]],
        signals: Sequence[DemandSignal] = (),
        port: int = 8080,
        listener_port: int | None = None,
        certificate: acm.ICertificate | None = None,
        health_check_path: str = HEALTH_CHECK_PATH,
        clients: ec2.IPeer | None = None,
        deletion_protection: bool = True,
        deregistration_delay: Duration = DEREGISTRATION,
        **options: Unpack[FleetOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        with named(self):
            check_fleet_options(
                self,
                options,
                FleetOptions,
                vpc=vpc,
                certificate=certificate,
                deregistration_delay=deregistration_delay,
            )
            _check_addresses(on_premises_targets)
            check_service(port, health_check_path)
            clients = clients_of(vpc, clients)
            subnets = options.get("vpc_subnets") or private_subnets(vpc)
        options["vpc_subnets"] = subnets
        front = define_front(
            self,
            vpc=vpc,
            vpc_subnets=subnets,
            on_premises_targets=on_premises_targets,
            port=port,
            listener_port=listener_port,
            certificate=certificate,
            health_check_path=health_check_path,
            clients=clients,
            deletion_protection=deletion_protection,
            deregistration_delay=deregistration_delay,
        )
        self._load_balancer = front.load_balancer
        self._listener = front.listener
        self._fleet = BurstFleet(
            self,
            "Default",
            vpc=vpc,
            pools=pools,
            signals=signals,
            traffic=front.traffic,
            target_groups=[front.cloud],
            **options,
        )

    @property
    def load_balancer(self) -> elbv2.ApplicationLoadBalancer:
        """What clients connect to."""
        return self._load_balancer

    @property
    def listener(self) -> elbv2.ApplicationListener:
        """What splits the traffic."""
        return self._listener


def _check_addresses(given: Sequence[str] | Mapping[str, Sequence[str]]) -> None:
    sides = given if isinstance(given, Mapping) else {"": given}
    for site, addresses in (sides or {"": ()}).items():
        if not addresses:
            where = f" of site '{site}'" if site else ""
            raise SpecError(
                f"on_premises_targets must name at least one server{where}; "
                f"without any, put a BurstFleet behind a load balancer of your own"
            )
        check_addresses(addresses)
    if isinstance(given, Mapping) and "" in given:
        raise SpecError("on_premises_targets: a site needs a name, got ''")
