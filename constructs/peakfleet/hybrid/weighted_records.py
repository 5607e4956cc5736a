"""Weighted records: traffic between sites and a fleet without a load balancer before both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_route53 as route53
from constructs import Construct

from peakfleet._values import check_kind, check_name, seconds
from peakfleet_planner import SpecError, WeightedRecordsSpec
from peakfleet_planner.pool_plan import apportioned

_ALIAS_SECONDS: Final = 60
"""How long an answer is kept that is an alias of a load balancer, whatever one asks for."""
_MINUTE = Duration.minutes(1)
_CLOUD: Final = "cloud"
_ALONE: Final = "on-premises"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRecord:
    """Where one site of the company answers.

    Args:
        target: Its addresses, or an alias.
        health_check: What Route 53 asks before it answers with them. One of the type
            `CLOUDWATCH_METRIC`, on an alarm, needs no way from the internet to the site.
    """

    target: route53.RecordTarget
    health_check: route53.IHealthCheck


class WeightedRecords(Construct):
    """Records of one name that send clients to the company's sites first, and the rest to a fleet.

    Defines a weighted record for each side. A `BurstFleet` that is given `traffic` sets the
    weights every minute. Route 53 itself takes a site whose health check fails out of its answers.

    Args:
        zone: Where the name is.
        record_name: The name within the zone, such as `live`.
        own: Where the company's own side answers, by site as in `Baseline.sites`; a single
            `OwnRecord` for a baseline that is one.
        cloud: Where the fleet answers, such as an alias of its own load balancer.
        cloud_health_check: What Route 53 asks before it answers with the fleet. Default: nothing;
            it gets no weight while nothing of it serves.
        ttl: How long clients keep an answer, 1 second to an hour. Default: a minute.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        Weights act a TTL late, so the fleet begins to grow that much earlier and keeps what may
        still get traffic that much longer; clients that keep answers for longer than the TTL follow
        later still. Weights have steps of 1/255. The records' API is in one region for all
        (us-east-1): while it cannot be reached the weights stay and nothing is let go. Until the
        first tick the company's side gets everything.

    Example:
        records = WeightedRecords(self, "Records", zone=zone, record_name="live",
                                  own=OwnRecord(target=servers, health_check=check), cloud=alias)
        BurstFleet(self, "Live", traffic=records.traffic, ...)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zone: route53.IHostedZone,
        record_name: str,
        own: OwnRecord | Mapping[str, OwnRecord],
        cloud: route53.RecordTarget,
        cloud_health_check: route53.IHealthCheck | None = None,
        ttl: Duration = _MINUTE,
    ) -> None:
        super().__init__(scope, construct_id)
        owner = f"weighted records '{self.node.path}'"
        check_name(owner, record_name)
        sides = {"": own} if isinstance(own, OwnRecord) else dict(own)
        if not sides:
            raise SpecError(f"{owner}: own must name at least one site")
        for name, side in sides.items():
            check_kind(owner, "own", side, OwnRecord)
            if name == _CLOUD:
                raise SpecError(f"{owner}: no site may be called '{_CLOUD}', which is the fleet's")
        ttl_seconds = seconds(owner, "ttl", ttl)
        aliased = any(one.alias_target for one in (cloud, *(s.target for s in sides.values())))
        self._traffic = WeightedRecordsSpec(
            hosted_zone_id=zone.hosted_zone_id,
            record_name=f"{record_name}.{zone.zone_name}",
            cloud=_CLOUD,
            sites={name: name or _ALONE for name in sides},
            ttl_seconds=max(ttl_seconds, _ALIAS_SECONDS) if aliased else ttl_seconds,
        )
        weights = apportioned(WeightedRecordsSpec.most_weight, [1] * len(sides))
        records = [
            (name or _ALONE, side.target, side.health_check, weight)
            for (name, side), weight in zip(sides.items(), weights, strict=True)
        ]
        for identifier, target, health_check, weight in (
            *records,
            (_CLOUD, cloud, cloud_health_check, 0),
        ):
            route53.ARecord(
                self,
                f"Record-{identifier}",
                zone=zone,
                record_name=record_name,
                target=target,
                health_check=health_check,
                set_identifier=identifier,
                weight=weight,
                ttl=None if target.alias_target else ttl,
            )

    @property
    def traffic(self) -> WeightedRecordsSpec:
        """The records as a fleet splits them."""
        return self._traffic
