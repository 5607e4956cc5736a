"""The fleet specification: written at synth, sent by the schedule, read by tick and simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import ClassVar, Final, Literal

from peakfleet_planner.codec import (
    Document,
    SpecError,
    check_above,
    check_at_least,
    check_distinct,
    check_named,
    check_within,
)
from peakfleet_planner.spec.baseline import TAKEN, BaselineSpec, FixedBaseline, sides_of
from peakfleet_planner.spec.calendar import KnownPeakSpec
from peakfleet_planner.spec.downstream import DownstreamLimitSpec
from peakfleet_planner.spec.pool import MOST_CANARY_SHARE, PoolSpec
from peakfleet_planner.spec.published import Detail
from peakfleet_planner.spec.signals import RateSignal, Signal
from peakfleet_planner.spec.spend import SpendLimitSpec
from peakfleet_planner.spec.traffic import RegionShareSpec, TrafficSpec, WeightedRecordsSpec

MOST_CHANGE: Final = 0.5
"""Units that are further off than this were declared wrongly, and are for a human to mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevelSpec:
    """What missed work costs, and how long a peak is kept.

    Args:
        unserved_cost: What one unserved unit-minute is worth, in minutes of the capacity
            that would have served it. Default: 10.
        miss_at_most: Share of the burst of the last two weeks that may be missed: then the worth
            follows from what was missed, and begins as `unserved_cost`. Only a fleet whose demand
            is learned can be held to it. Default: the worth stays as it is.
        hold_seconds: Capacity that was needed this recently is kept. Default: 300.
        history_seconds: How far back demand is read to learn how fast it rises. Default: 7200.
    """

    unserved_cost: float = 10.0
    hold_seconds: int = 300
    history_seconds: int = 7200
    miss_at_most: float | None = None

    def __post_init__(self) -> None:
        """Refuse a level that could never be kept."""
        if self.miss_at_most is not None:
            check_within("service level", "miss_at_most", self.miss_at_most, 1e-5, 0.5)
        check_at_least("service level", "unserved_cost", self.unserved_cost, 1)
        check_within("service level", "history_seconds", self.history_seconds, 600, 10_800)
        check_within("service level", "hold_seconds", self.hold_seconds, 0, self.history_seconds)


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
        check_at_least("other writer", "grace_seconds", self.grace_seconds, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EfficiencySpec:
    """What is measured, what it is compared with, and whether it feeds back.

    Args:
        baseline_pool: Name of the x86 pool that the others are compared with.
        namespace: CloudWatch namespace in which instances publish `UsefulUnits` and `BusyShare`,
            with the dimensions `Fleet` and `Pool`.
        at_most_change: How far, as share of the declared units of a pool, measured units may
            change what is planned with. None: they are only shown. Default: only shown.
    """

    baseline_pool: str
    namespace: str
    at_most_change: float | None = None

    def __post_init__(self) -> None:
        """Refuse feedback without bounds."""
        check_named("efficiency", "baseline_pool", self.baseline_pool)
        check_named("efficiency", "namespace", self.namespace)
        if self.at_most_change is not None:
            check_above("efficiency", "at_most_change", self.at_most_change, 0)
            check_within("efficiency", "at_most_change", self.at_most_change, 0, MOST_CHANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec(Document):
    """Everything about a fleet that does not change between ticks.

    Args:
        fleet: Name of the fleet, unique within the account and region.
        pools: The ladder, in the order in which it is filled.
        signals: What demand is read from. The largest request wins; but see
            `queues_share_workers`.
        baseline: What the company's own side carries. Default: nothing.
        service_level: What missed work costs. Default: 10 minutes of capacity a unit-minute.
        pace: How far one tick may move the fleet. Default: no bound.
        traffic: Listener to split between the baseline and the fleet. Default: none.
        records: Weighted records of a name to split instead. Default: none.
        region: Its region's share of a service that several regions serve. Default: it is alone.
        state_table: DynamoDB table of decisions and holds. Default: none, nothing is remembered.
        other_writer: What to do when somebody else sets a size. Default: taken back after 10
            minutes.
        known_peaks: Demand that is known to come. Default: none.
        efficiency: How it measures what its pools do for their money. Default: it does not.
        broken_image: What becomes of a pool whose launches fail for their launch template's
            sake: `take-out`: nothing is asked of it; `roll-back`: it goes back to the version
            before. Default: take-out.
        downstream: Loads that it must not drive over a bound. Default: none.
        queues_share_workers: Whether a unit works on one of several queues at a time, so that
            their needs add up. False: each instance works on all of them at once, so that the
            largest need counts. Default: true.
        metrics: How much it publishes. Default: `essential`.
        spend_limits: What it may cost: one limit of its own, and those that it shares. Default: no
            bound.
        mode: `shadow`: it decides and keeps each decision, and changes nothing. Default: active.
    """

    document_name: ClassVar[str] = "fleet spec"
    written_at_synth: ClassVar[bool] = True
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
    downstream: tuple[DownstreamLimitSpec, ...] = ()
    queues_share_workers: bool = True
    metrics: Detail = "essential"
    spend_limits: tuple[SpendLimitSpec, ...] = ()
    mode: Literal["active", "shadow"] = "active"
    records: WeightedRecordsSpec | None = None
    region: RegionShareSpec | None = None

    def __post_init__(self) -> None:
        """Refuse a fleet that could never serve."""
        check_named("fleet", "fleet", self.fleet)
        owner = f"fleet '{self.fleet}'"
        if not self.pools:
            raise SpecError(f"{owner}: at least one pool is needed, got none")
        if not self.signals:
            raise SpecError(f"{owner}: at least one signal is needed, got none")
        check_distinct(owner, "pool names", tuple(pool.name for pool in self.pools))
        check_distinct(owner, "pool groups", tuple(pool.group for pool in self.pools))
        check_distinct(owner, "signal names", tuple(signal.name for signal in self.signals))
        check_distinct(owner, "known peak names", tuple(peak.name for peak in self.known_peaks))
        limits = tuple(limit.name for limit in self.downstream)
        check_distinct(owner, "downstream limit names", limits)
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
        self._check_spend(owner)
        self._check_split(owner)
        measured = any(TAKEN in side.reads for side in sides_of(self.baseline).values())
        if measured and (len(self.signals) > 1 or isinstance(self.signals[0], RateSignal)):
            raise SpecError(
                f"{owner}: what a baseline takes can be told of one queue alone, so that its only "
                f"signal must be a backlog, got {', '.join(one.name for one in self.signals)}"
            )
        largest = max(pool.units_per_capacity for pool in self.pools)
        for name, bound in (("out_units", self.pace.out_units), ("in_units", self.pace.in_units)):
            if not bound >= largest:
                raise SpecError(
                    f"{owner}: pace.{name} must be at least {largest:g}, one point of the largest "
                    f"pool, or that pool could never move; got {bound:g}"
                )

    def _check_split(self, owner: str) -> None:
        """Refuse a split that does not name the sites as the baseline does."""
        if self.traffic and self.records:
            raise SpecError(f"{owner}: its traffic has one split, got traffic and records")
        sides, sites = set(self.split.sides) if self.split else {""}, set(sides_of(self.baseline))
        if sides not in ({""}, sites):
            raise SpecError(
                f"{owner}: its traffic must be split among the sites of its baseline, "
                f"{', '.join(sorted(sites)) or 'none'}; got {', '.join(sorted(sides))}"
            )

    @property
    def split(self) -> TrafficSpec | WeightedRecordsSpec | None:
        """What splits its traffic; None if nothing does."""
        return self.traffic or self.records

    def _check_spend(self, owner: str) -> None:
        """Refuse a limit that could not be kept."""
        names = tuple(limit.shared or "its own" for limit in self.spend_limits)
        check_distinct(owner, "spend limits", names)
        unpriced = [pool.name for pool in self.pools if pool.known_usd_per_capacity_hour is None]
        if self.spend_limits and unpriced:
            raise SpecError(
                f"{owner}: a spend limit needs the price of every pool, and that of "
                f"'{unpriced[0]}' is unknown; give it usd_per_hour"
            )
        remembered = [one for one in self.spend_limits if one.shared or one.usd_per_month]
        if remembered and self.state_table is None:
            raise SpecError(
                f"{owner}: a spend limit that is shared, or by the month, needs a state_table"
            )

    @property
    def lead_seconds(self) -> float:
        """From a change of demand until capacity for it serves, at worst."""
        return max(self.lead_seconds_of(signal) for signal in self.signals)

    def lead_seconds_of(self, signal: Signal) -> float:
        """From a change in *signal* until capacity for it serves, in the slowest pool."""
        return signal.delay_seconds + self.serves_after_seconds

    @property
    def serves_after_seconds(self) -> float:
        """From a launch in the slowest pool until it serves: it boots, then traffic finds it."""
        finds = self.split.acts_after_seconds if self.split else 0
        return max(pool.boot_seconds for pool in self.pools) + finds
