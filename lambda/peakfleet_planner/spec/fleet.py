"""The fleet specification: written at synth, sent by the schedule, read by tick and simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal, Self

from peakfleet_planner import _check
from peakfleet_planner.codec import from_document, to_document
from peakfleet_planner.errors import SpecError
from peakfleet_planner.spec.baseline import BaselineSpec, FixedBaseline
from peakfleet_planner.spec.efficiency import EfficiencySpec
from peakfleet_planner.spec.known_peaks import KnownPeakSpec
from peakfleet_planner.spec.pool import MOST_CANARY_SHARE, PoolSpec
from peakfleet_planner.spec.signals import Signal

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevelSpec:
    """What missed work costs, and how long a peak is kept.

    Args:
        unserved_cost: What one unserved unit-minute is worth, in minutes of the capacity
            that would have served it. Default: 10.
        hold_seconds: Capacity that was needed this recently is kept. Default: 300.
        history_seconds: How far back demand is read to learn how fast it rises. Default: 7200.
    """

    unserved_cost: float = 10.0
    hold_seconds: int = 300
    history_seconds: int = 7200

    def __post_init__(self) -> None:
        """Refuse a level that could never be kept."""
        _check.at_least("service level", "unserved_cost", self.unserved_cost, 1)
        _check.within("service level", "history_seconds", self.history_seconds, 600, 10_800)
        _check.within("service level", "hold_seconds", self.hold_seconds, 0, self.history_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceSpec:
    """How far the whole fleet may move in a minute, however often it decides.

    Args:
        out_units: Most units added in a minute. Default: no bound.
        in_units: Most units removed in a minute. Default: no bound.
    """

    out_units: float = inf
    in_units: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherWriterSpec:
    """What to do when somebody else sets the size of a group.

    Args:
        mode: `take-back`: the size is left alone for a grace time, then the fleet sets its own
            again; `yield`: it is left alone until a human releases the fleet.
        grace_seconds: How long it is left alone before it is taken back. Default: 600.
    """

    mode: Literal["take-back", "yield"] = "take-back"
    grace_seconds: int = 600

    def __post_init__(self) -> None:
        """Refuse a time that cannot be."""
        _check.at_least("other writer", "grace_seconds", self.grace_seconds, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSpec:
    """A load balancer listener whose traffic is split so that the baseline is filled first.

    Args:
        listener_arn: Listener whose default action forwards to both target groups.
        baseline_target_group_arn: The on-premises targets.
        cloud_target_group_arn: The fleet's own targets.
    """

    listener_arn: str
    baseline_target_group_arn: str
    cloud_target_group_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec:
    """Everything about a fleet that does not change between ticks.

    Args:
        fleet: Name of the fleet, unique within the account and region.
        pools: The ladder, in the order in which it is filled.
        signals: What demand is read from; the largest request wins.
        baseline: What the company's own side carries. Default: nothing.
        service_level: What missed work costs. Default: 10 minutes of capacity a unit-minute.
        pace: How far one tick may move the fleet. Default: no bound.
        traffic: Listener to split between the baseline and the fleet. Default: none.
        state_table: DynamoDB table of decisions and holds. Default: none, nothing is remembered.
        other_writer: What to do when somebody else sets a size. Default: taken back after 10
            minutes.
        known_peaks: Demand that is known to come. Default: none.
        efficiency: How it measures what its pools do for their money. Default: it does not.
        broken_image: What becomes of a pool whose launches fail for their launch template's
            sake: `take-out`: nothing is asked of it; `roll-back`: it goes back to the version
            before. Default: take-out.
    """

    fleet: str
    pools: tuple[PoolSpec, ...]
    signals: tuple[Signal, ...]
    baseline: BaselineSpec = field(default_factory=lambda: FixedBaseline(units=0))
    service_level: ServiceLevelSpec = field(default_factory=ServiceLevelSpec)
    pace: PaceSpec = field(default_factory=PaceSpec)
    traffic: TrafficSpec | None = None
    state_table: str | None = None
    other_writer: OtherWriterSpec = field(default_factory=OtherWriterSpec)
    known_peaks: tuple[KnownPeakSpec, ...] = ()
    efficiency: EfficiencySpec | None = None
    broken_image: Literal["take-out", "roll-back"] = "take-out"

    def __post_init__(self) -> None:
        """Refuse a fleet that could never serve."""
        _check.named("fleet", "fleet", self.fleet)
        owner = f"fleet '{self.fleet}'"
        if not self.pools:
            raise SpecError(f"{owner}: at least one pool is needed, got none")
        if not self.signals:
            raise SpecError(f"{owner}: at least one signal is needed, got none")
        _check.distinct(owner, "pool names", tuple(pool.name for pool in self.pools))
        _check.distinct(owner, "pool groups", tuple(pool.group for pool in self.pools))
        _check.distinct(owner, "signal names", tuple(signal.name for signal in self.signals))
        _check.distinct(owner, "known peak names", tuple(peak.name for peak in self.known_peaks))
        if self.efficiency and self.efficiency.baseline_pool not in [p.name for p in self.pools]:
            raise SpecError(
                f"{owner}: efficiency.baseline_pool must be one of its pools, got "
                f"'{self.efficiency.baseline_pool}'"
            )
        if sum(pool.canary_share for pool in self.pools) > MOST_CANARY_SHARE:
            raise SpecError(
                f"{owner}: the canary shares of all pools must be at most {MOST_CANARY_SHARE:g} "
                f"together"
            )
        largest = max(pool.units_per_capacity for pool in self.pools)
        for name, bound in (("out_units", self.pace.out_units), ("in_units", self.pace.in_units)):
            if not bound >= largest:
                raise SpecError(
                    f"{owner}: pace.{name} must be at least {largest:g}, one point of the largest "
                    f"pool, or that pool could never move; got {bound:g}"
                )

    @property
    def lead_seconds(self) -> float:
        """From a change of demand until capacity for it serves, at worst."""
        return max(self.lead_seconds_of(signal) for signal in self.signals)

    def lead_seconds_of(self, signal: Signal) -> float:
        """From a change in *signal* until capacity for it serves, in the slowest pool."""
        return signal.delay_seconds + max(pool.boot_seconds for pool in self.pools)

    def to_json(self) -> dict[str, Any]:
        """Return the document that the schedule sends."""
        return {"version": VERSION, **to_document(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read a document, refusing a version or a field that this code does not know.

        Raises:
            SpecError: The document is not a specification of this version.
        """
        if (version := document.get("version")) != VERSION:
            raise SpecError(
                f"fleet spec: version must be {VERSION}, got {version!r}: redeploy the stack"
            )
        return from_document(cls, {k: v for k, v in document.items() if k != "version"}, "spec")
