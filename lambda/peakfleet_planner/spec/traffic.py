"""What splits the traffic between the baseline and the fleet: a listener, or records of a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from peakfleet_planner.codec import SpecError, check_named, check_within

MOST_GROUPS: Final = 5
"""Target groups that one forward action of a load balancer may have."""
_MOST_RECORD_WEIGHT: Final = 255
_READ_BACK_SECONDS: Final = 60
"""Weights are read a tick after they were set, and the last instance leaves a tick after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSpec:
    """A load balancer listener whose traffic is split so that the baseline is filled first.

    Args:
        listener_arn: Listener whose default action forwards to all these target groups.
        cloud_target_group_arn: The fleet's own targets.
        baseline_target_group_arn: The on-premises targets; None if each site has its own.
        site_target_group_arns: Those of each site of the baseline, by its name. Default: the
            baseline has one target group.
    """

    most_weight: ClassVar[int] = 999
    listener_arn: str
    cloud_target_group_arn: str
    baseline_target_group_arn: str | None = None
    site_target_group_arns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a split without a baseline, and one that no listener can make."""
        if (self.baseline_target_group_arn is None) is not bool(self.site_target_group_arns):
            raise SpecError(
                "traffic: say baseline_target_group_arn, or site_target_group_arns for each site, "
                "and not both"
            )
        if len(self.sides) >= MOST_GROUPS:
            raise SpecError(
                f"traffic: a listener splits traffic between at most {MOST_GROUPS} target groups, "
                f"so at most {MOST_GROUPS - 1} sites may have one, got {len(self.sides)}"
            )

    @property
    def sides(self) -> Mapping[str, str]:
        """Target group of each site, by its name; a baseline that is one has no name."""
        if self.baseline_target_group_arn is not None:
            return {"": self.baseline_target_group_arn}
        return self.site_target_group_arns

    @property
    def acts_after_seconds(self) -> int:
        """How long after it was set a weight may not act yet."""
        return 0

    @property
    def lead_seconds(self) -> int:
        """How long the fleet must have got no traffic before its last instance leaves."""
        return _READ_BACK_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedRecordsSpec:
    """Weighted records of one name, for a baseline and a fleet without a common load balancer.

    Route 53 takes a side whose health check fails out of its answers by itself. Whoever resolved
    the name keeps to the answer for its TTL, so weights act that much later.

    Args:
        hosted_zone_id: Where the records are.
        record_name: Their name, with or without the last dot.
        cloud: Set identifier of the fleet's record.
        sites: That of each site's record, by the site's name; a baseline that is one has no name.
        record_type: Their type. Default: `A`.
        ttl_seconds: For how long an answer is kept: that of the records, or 60 for an alias.
            Default: 60.
    """

    most_weight: ClassVar[int] = _MOST_RECORD_WEIGHT
    hosted_zone_id: str
    record_name: str
    cloud: str
    sites: Mapping[str, str]
    record_type: Literal["A", "AAAA", "CNAME"] = "A"
    ttl_seconds: int = 60

    def __post_init__(self) -> None:
        """Refuse records that could not be told apart."""
        check_named("weighted records", "record_name", self.record_name)
        check_within("weighted records", "ttl_seconds", self.ttl_seconds, 1, 3600)
        identifiers = [*self.sites.values(), self.cloud]
        if not self.sites or len(set(identifiers)) < len(identifiers):
            raise SpecError(
                f"weighted records: each side needs a set identifier of its own, got {identifiers}"
            )

    @property
    def sides(self) -> Mapping[str, str]:
        """Set identifier of each site's record, by the site's name."""
        return self.sites

    @property
    def acts_after_seconds(self) -> int:
        """How long after it was set a weight may not act yet."""
        return self.ttl_seconds

    @property
    def lead_seconds(self) -> int:
        """How long the fleet must have got no traffic before its last instance leaves."""
        return _READ_BACK_SECONDS + self.ttl_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionShareSpec:
    """A region's own weighted record among those of one name that lead to every region.

    Each region sets its own and reads nothing else of the others: what it cannot serve for long
    goes to whoever weighs more, and comes back step by step.

    Args:
        hosted_zone_id: Where the records are.
        record_name: Their name, with or without the last dot.
        own: Set identifier of this region's record.
        full_weight: What it weighs while it serves its share, 1 to 255.
        record_type: Their type. Default: `A`.
        ttl_seconds: For how long an answer is kept. Default: 60.
    """

    hosted_zone_id: str
    record_name: str
    own: str
    full_weight: int
    record_type: Literal["A", "AAAA", "CNAME"] = "A"
    ttl_seconds: int = 60

    def __post_init__(self) -> None:
        """Refuse a weight that no record has."""
        check_named("region share", "record_name", self.record_name)
        check_named("region share", "own", self.own)
        check_within("region share", "full_weight", self.full_weight, 1, _MOST_RECORD_WEIGHT)
        check_within("region share", "ttl_seconds", self.ttl_seconds, 1, 3600)
