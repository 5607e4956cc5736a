"""A region's share of a service that several regions serve."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_route53 as route53
from constructs import Construct

from peakfleet._values import known_number, seconds
from peakfleet_planner import RegionShareSpec, SpecError

MOST_WEIGHT = 255
_ALIAS_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionShare:
    """What a region serves of a name that leads to several regions.

    Each region has a weighted record of the name. A fleet that is given its share lets the record
    weigh less while it cannot launch what it wants, so that the other regions see that demand and
    buy for it within their own limits; it takes it back step by step. No region reads another's
    metrics. docs/hybrid.md says how to deploy it.

    Args:
        zone: Where the name is.
        record_name: The name within the zone, the same in every region.
        region: The region: `eu-central-1`.
        share: Of all traffic, while every region serves its own: above 0, at most 1.
        ttl: How long clients keep an answer. Default: a minute.

    Raises:
        SpecError: A value is out of range.

    Limitations:
        Only what arrives by the name moves; a queue of a region is drained by that region. Where
        every region is short, shares stay about as they are. While the records' API, which is in
        one region for all, cannot be reached, weights stay.
    """

    zone: route53.IHostedZone
    record_name: str
    region: str
    share: float
    ttl: Duration = field(default_factory=lambda: Duration.minutes(1))

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        known_number("region share", "share", self.share)
        if not 0 < self.share <= 1:
            raise SpecError(f"region share: share must be above 0 and at most 1, got {self.share}")
        _ = self.spec

    @property
    def spec(self) -> RegionShareSpec:
        """The share as the planner reads it."""
        return RegionShareSpec(
            hosted_zone_id=self.zone.hosted_zone_id,
            record_name=f"{self.record_name}.{self.zone.zone_name}",
            own=self.region,
            full_weight=max(1, round(MOST_WEIGHT * self.share)),
            ttl_seconds=max(_ALIAS_SECONDS, seconds("region share", "ttl", self.ttl)),
        )

    def define_record(
        self,
        scope: Construct,
        construct_id: str,
        *,
        target: route53.RecordTarget,
        health_check: route53.IHealthCheck | None = None,
    ) -> route53.ARecord:
        """Define the region's record.

        Args:
            scope: Where it is defined.
            construct_id: Its id there.
            target: Where the region answers, such as an alias of the fleet's load balancer.
            health_check: What Route 53 asks before it answers with this region. Default: nothing;
                an alias may have the health of its load balancer evaluated.
        """
        return route53.ARecord(
            scope,
            construct_id,
            zone=self.zone,
            record_name=self.record_name,
            target=target,
            health_check=health_check,
            set_identifier=self.region,
            weight=self.spec.full_weight,
            ttl=None if target.alias_target else self.ttl,
        )
