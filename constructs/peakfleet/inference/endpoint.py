"""How clients reach an inference fleet, and the demand that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from peakfleet._values import exact_seconds, known_number
from peakfleet.signals import DemandSignal, WhenSilent
from peakfleet_planner import SpecError

_MINUTE = Duration.minutes(1)
# Requests that find no server are demand too: an empty fleet would never hear of it otherwise.
_ALL_REQUESTS = "FILL(requests, 0) + FILL(rejected, 0)"
_MOST_FOR_LATENCY = 2
"""Slow answers ask for twice the request rate at most: capacity does not mend a slow model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How clients reach an inference fleet. Use `internal` or `none`."""

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


def requests_signal(
    load_balancer: elbv2.IApplicationLoadBalancer,
    *,
    requests_per_second_per_unit: float,
    latency_goal: Duration | None,
) -> DemandSignal:
    """Return demand as a load balancer sees it.

    Args:
        load_balancer: The one that all requests pass.
        requests_per_second_per_unit: What one unit serves.
        latency_goal: Mean latency at which a unit serves that much. With it, the requests in
            flight (rate times mean latency) raise demand once answers are slower than this.

    Raises:
        SpecError: A number is out of range.
    """
    owner = "signal 'requests'"
    known_number(owner, "requests_per_second_per_unit", requests_per_second_per_unit)
    if requests_per_second_per_unit <= 0:
        raise SpecError(
            f"{owner}: requests_per_second_per_unit must be above 0, "
            f"got {requests_per_second_per_unit:g}"
        )
    metrics = load_balancer.metrics
    read = {
        "requests": metrics.request_count(period=_MINUTE, statistic="Sum"),
        "rejected": metrics.http_code_elb(
            elbv2.HttpCodeElb.ELB_503_COUNT, period=_MINUTE, statistic="Sum"
        ),
    }
    expression = f"({_ALL_REQUESTS}) / 60"
    if latency_goal is not None:
        goal_seconds = exact_seconds(owner, "latency_goal", latency_goal)
        if goal_seconds <= 0:
            raise SpecError(f"{owner}: latency_goal must be above 0, got {goal_seconds:g} seconds")
        read["latency"] = metrics.target_response_time(period=_MINUTE, statistic="Average")
        in_flight = f"FILL(requests, 0) * FILL(latency, 0) / {goal_seconds:g}"
        bound = f"{_MOST_FOR_LATENCY} * ({_ALL_REQUESTS})"
        expression = f"MAX({_ALL_REQUESTS}, MIN({in_flight}, {bound})) / 60"
    return DemandSignal.metric_math(
        expression,
        name="requests",
        metrics=read,
        units_per_value=1 / requests_per_second_per_unit,
        when_silent=WhenSilent.means_zero(),  # a load balancer without traffic publishes nothing
    )
