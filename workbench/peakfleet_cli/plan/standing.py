"""What an app costs by the month before anybody asks for anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peakfleet_cli.plan import list_prices as usd
from peakfleet_planner import FleetSpec
from peakfleet_planner.spec import ALWAYS

_TICK_SECONDS, _TICK_GB = 1.0, 0.5
_LESSON_SECONDS, _LESSON_GB = 10.0, 1.73
_TICK_WRITES, _TICK_READS = 2, 3
_FAST_SECONDS: Final = 60
_FIXED: Final = {
    "AWS::EC2::NatGateway": ("NAT gateway", usd.NAT_HOUR * usd.HOURS),
    "AWS::EC2::EIP": ("public IPv4 address", usd.IPV4_HOUR * usd.HOURS),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("load balancer", usd.BALANCER_HOUR * usd.HOURS),
    "AWS::EC2::TransitGatewayVpcAttachment": (
        "transit gateway attachment",
        usd.ATTACHMENT_HOUR * usd.HOURS,
    ),
    "AWS::EC2::VPNConnection": (
        "VPN connection, with its attachment",
        (usd.VPN_HOUR + usd.ATTACHMENT_HOUR) * usd.HOURS,
    ),
    "AWS::CloudWatch::CompositeAlarm": ("composite alarm", usd.COMPOSITE_ALARM),
    "AWS::CloudWatch::Dashboard": ("dashboard", usd.DASHBOARD),
    "AWS::KMS::Key": ("KMS key", usd.KEY),
    "AWS::SecretsManager::Secret": ("secret", usd.SECRET),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingCost:
    """Some things of a kind, and what they cost together.

    Args:
        what: The kind.
        count: How many.
        usd_per_month: All of them for a month.
        how: What the figure rests on.
    """

    what: str
    count: float
    usd_per_month: float
    how: str = "list price"


def standing_of_stack(resources: Mapping[str, Mapping[str, Any]]) -> list[StandingCost]:
    """Return what the resources of a template cost by the month, the dearest first."""
    counts: defaultdict[tuple[str, float], float] = defaultdict(float)
    for resource in resources.values():
        for what, count, each in _priced(resource["Type"], resource.get("Properties", {})):
            counts[what, each] += count
    costs = [
        StandingCost(what=what, count=count, usd_per_month=count * each)
        for (what, each), count in counts.items()
    ]
    return sorted(costs, key=lambda cost: -cost.usd_per_month)


def standing_of_fleet(spec: FleetSpec, *, learns: bool) -> list[StandingCost]:
    """Return what a fleet costs by the month while its demand stays below the baseline.

    Args:
        spec: The fleet.
        learns: Whether a learner runs every hour.
    """
    metrics = len(ALWAYS[spec.metrics]) + any(signal.is_fast for signal in spec.signals)
    reads = sum(len(signal.metrics) for signal in spec.signals)
    reads += len(spec.baseline.reads) + len(spec.downstream)
    costs = [
        StandingCost(
            what="custom metrics",
            count=metrics,
            usd_per_month=metrics * usd.CUSTOM_METRIC,
            how=f"each minute with Metrics.{spec.metrics}(); troubles while there are any",
        ),
        StandingCost(
            what="ticks",
            count=usd.MINUTES,
            usd_per_month=usd.MINUTES
            * (
                _TICK_SECONDS * _TICK_GB * usd.LAMBDA_GB_SECOND
                + usd.LAMBDA_REQUEST
                + usd.SCHEDULED
                + _TICK_WRITES * usd.TABLE_WRITE
                + _TICK_READS * usd.TABLE_READ
            ),
            how=f"taken to last {_TICK_SECONDS:g} s; schedule, function and table",
        ),
        StandingCost(
            what="metrics read",
            count=usd.MINUTES * reads,
            usd_per_month=usd.MINUTES * reads * usd.METRIC_READ,
            how=f"{reads} in each tick",
        ),
    ]
    if learns:
        seconds = usd.HOURS * _LESSON_SECONDS
        costs.append(
            StandingCost(
                what="lessons",
                count=usd.HOURS,
                usd_per_month=seconds * _LESSON_GB * usd.LAMBDA_GB_SECOND,
                how=f"taken to last {_LESSON_SECONDS:g} s",
            )
        )
    costs += _always_running(spec)
    return sorted(costs, key=lambda cost: -cost.usd_per_month)


def total(costs: Sequence[StandingCost]) -> float:
    """Return what all of them cost by the month."""
    return sum(cost.usd_per_month for cost in costs)


def _priced(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield what a resource is, how often it is billed, and the price of one for a month."""
    if kind in _FIXED:
        what, each = _FIXED[kind]
        yield what, 1, each
    elif kind == "AWS::EC2::VPCEndpoint" and properties.get("VpcEndpointType") == "Interface":
        zones = properties.get("SubnetIds", [None])
        count = len(zones) if isinstance(zones, list) else 1
        yield "interface endpoint, in a zone", count, usd.ENDPOINT_HOUR * usd.HOURS
    elif kind == "AWS::CloudWatch::Alarm":
        queries = [one for one in properties.get("Metrics", ()) if "MetricStat" in one]
        fast = any(
            period < _FAST_SECONDS
            for period in [
                properties.get("Period", _FAST_SECONDS),
                *(one["MetricStat"]["Period"] for one in queries),
            ]
        )
        what = "alarm on seconds" if fast else "alarm"
        yield what, max(1, len(queries)), usd.FAST_ALARM if fast else usd.ALARM
    elif kind == "AWS::WAFv2::WebACL":
        yield "web ACL", 1, usd.WEB_ACL
        yield "web ACL rule", len(properties.get("Rules", ())), usd.WEB_ACL_RULE


def _always_running(spec: FleetSpec) -> Iterator[StandingCost]:
    for pool in spec.pools:
        price = pool.usd_per_capacity_hour
        if price is None:
            continue
        if pool.min_capacity:
            yield StandingCost(
                what=f"minimum of {pool.name}",
                count=pool.min_capacity,
                usd_per_month=pool.min_capacity * price * usd.HOURS,
                how=f"{price:g} USD/h each",
            )
        if pool.warm and pool.warm.min_capacity:
            share = pool.warm.cost_fraction
            yield StandingCost(
                what=f"warm pool of {pool.name}",
                count=pool.warm.min_capacity,
                usd_per_month=pool.warm.min_capacity * price * share * usd.HOURS,
                how=f"{share:.0%} of {price:g} USD/h each",
            )
