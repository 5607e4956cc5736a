"""How clients reach an inference fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How clients reach an inference fleet. Use `internal` or `none`.

    Args:
        balanced: Whether there is a load balancer.
        on_premises_targets: Addresses of the on-premises servers.
        listener_port: What clients connect to. None: 443 with a certificate, else the servers'.
        certificate: Makes the listener speak TLS. None: plain HTTP.
        clients: Who may connect. None: the network of the fleet.
        deletion_protection: Whether the load balancer refuses to be deleted.
    """

    balanced: bool
    on_premises_targets: tuple[str, ...] = ()
    listener_port: int | None = None
    certificate: acm.ICertificate | None = None
    clients: ec2.IPeer | None = None
    deletion_protection: bool = True

    @classmethod
    def internal(
        cls,
        *,
        on_premises_targets: Sequence[str] = (),
        listener_port: int | None = None,
        certificate: acm.ICertificate | None = None,
        clients: ec2.IPeer | None = None,
        deletion_protection: bool = True,
    ) -> Endpoint:
        """Put an internal load balancer before the instances.

        A request goes to the instance with the fewest unanswered ones, as chips differ in speed.

        Args:
            on_premises_targets: Private IPv4 addresses of servers that are filled first.
                Default: none.
            listener_port: Default: 443 with a certificate, else the port of the servers.
            certificate: Makes the listener speak TLS. Default: none, plain HTTP.
            clients: Who may connect. Default: the network of the fleet.
            deletion_protection: Whether the load balancer refuses to be deleted. Default: yes.
        """
        return cls(
            balanced=True,
            on_premises_targets=tuple(on_premises_targets),
            listener_port=listener_port,
            certificate=certificate,
            clients=clients,
            deletion_protection=deletion_protection,
        )

    @classmethod
    def none(cls) -> Endpoint:
        """Define no load balancer: work reaches the instances in your own way."""
        return cls(balanced=False)
