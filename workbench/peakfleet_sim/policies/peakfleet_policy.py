"""The production decision as a policy: what the deployed function would do, tick by tick."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isnan
from typing import Final

import numpy as np

from peakfleet_learner import MOST_DELAY_MINUTES, Learner, learned_before
from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    DemandModel,
    FixedBaseline,
    FleetSpec,
    Heights,
    Memory,
    Metric,
    MetricSeries,
    Outage,
    PaceSpec,
    RateSignal,
    ServiceLevelSpec,
    SharedSpend,
    Signal,
    SignalMemory,
    Snapshot,
    Spent,
    SpotPrices,
    decide,
    heights,
    pursue,
    remember_signals,
    roll_forecast,
)
from peakfleet_planner.allocation import spent_after
from peakfleet_planner.demand import learned_demand
from peakfleet_planner.forecast import RecordedDemand, RolledModel, basis_of, read_seconds
from peakfleet_planner.snapshot import month_of
from peakfleet_planner.spec import HEARTBEAT, reports_of
from peakfleet_sim.demand import Floats
from peakfleet_sim.policies.policy import Observation, Sizes
from peakfleet_sim.policies.split_traffic import SplitTraffic
from peakfleet_sim.world import DEMAND, SECONDS_PER_MINUTE, Pools, World

_NAMESPACE = "Replay"
_RELEARN_MINUTES: Final = 60
_RELEARN_READS: Final = 2 * _RELEARN_MINUTES


@dataclass(slots=True, kw_only=True)
class _Kept:
    """What the state table keeps in one replay, and the learner."""

    learner: Learner | None = None
    model: DemandModel | None = None
    heights: Mapping[str, Heights] = field(default_factory=dict)
    signals: Mapping[str, SignalMemory] = field(default_factory=dict)
    rolled: RolledModel | None = None
    spent: Spent | None = None
    split: SplitTraffic | None = None
    outages: dict[tuple[str, str, str, str], Outage] = field(default_factory=dict)

    def know(self, outages: Iterable[Outage]) -> None:
        """Remember what was refused or reclaimed."""
        self.outages |= {outage.scope: outage for outage in outages}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakfleetPolicy:
    """What the deployed function would decide: `peakfleet_planner.decide`, once a minute.

    Args:
        spec: The fleet, with one signal that reads the metrics of the replayed work, and the
            pools that are replayed.
        name: What it is called. Default: peakfleet.
        disturbed: What a tick sees in a minute instead of what is there; it returns None for a
            minute in which no tick runs. Default: ticks see what is there.
        foresight: Whether demand is learned, hourly, as the deployed learner does: the policy
            starts by the reactive rule, and follows the model once that has proved itself.
            Default: true.
        recorded: What was recorded before the demand begins. Default: nothing.
    """

    spec: FleetSpec
    name: str = "peakfleet"
    foresight: bool = True
    recorded: RecordedDemand | None = None
    disturbed: Callable[[int, Snapshot], Snapshot | None] | None = None
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False)

    def __post_init__(self) -> None:
        """Begin with all traffic on the company's own side, as what is deployed does."""
        if self.spec.split is not None:
            self._kept.split = SplitTraffic(spec=self.spec)

    @property
    def cloud_share(self) -> float | None:
        """Share of the traffic that the fleet gets now; None if nothing splits it."""
        return None if self._kept.split is None else self._kept.split.cloud_share

    @property
    def least_instances(self) -> int:
        """None beside the minima of its pools."""
        return 0

    def size(self, seen: Observation, pools: Pools) -> Sizes:
        """Observe, decide and act as a tick does: ask pool after pool, then terminate."""
        kept, minute = self._kept, seen.minute
        kept.know(seen.outages)
        groups = {group.spec.name: group for group in pools.groups}
        snapshot = self._snapshot(seen, pools)
        if self.disturbed:
            other = self.disturbed(minute, snapshot)
            if other is None:
                runs = tuple(group.running for group in pools.groups)
                return Sizes(desired=runs, explanation="no tick runs")
            snapshot = other
        plan = decide(self.spec, snapshot)
        kept.signals = remember_signals(self.spec, snapshot, plan)
        kept.spent = spent_after(self.spec, snapshot, plan.spend)
        if kept.split is not None:
            kept.split.follow(snapshot, plan)
        if any(told.launches for told in plan.pools):
            pursued = pursue(
                self.spec,
                snapshot,
                plan,
                ask=lambda pool, launch: groups[pool.name].launch(minute, launch),
            )
            plan = pursued.plan
            for outage in pursued.ended:
                del kept.outages[outage.scope]
            kept.know(pursued.outages)
        launches = {pool.name: pool.launch for pool in self.spec.pools}
        for told in plan.pools:
            group = groups[told.name]
            if told.seen_capacity is None:  # a group that cannot be read is not sized
                continue
            if launches[told.name] == "desired":
                kept.know(group.grow(minute, told.desired_capacity, seen.now_epoch_seconds))
            group.keep_warm(minute, told.prepared_capacity)
            group.shrink(minute, told.desired_capacity)
            group.keep_warm(minute, told.warm_capacity)
        return Sizes(
            desired=tuple(group.running for group in pools.groups)
            if len(plan.pools) < len(pools.groups)
            else tuple(told.desired_capacity for told in plan.pools),
            explanation=plan.explain(),
        )

    def _snapshot(self, seen: Observation, pools: Pools) -> Snapshot:
        """Return what the tick would observe."""
        (signal,) = self.spec.signals
        reports = {
            name: self._series(
                seen,
                np.multiply(
                    value,
                    seen.usable_baseline >= 0 if name.endswith(HEARTBEAT) else seen.usable_baseline,
                ),
            )
            for name, value in reports_of(self.spec.baseline).items()
        }
        snapshot = Snapshot(
            now_epoch_seconds=seen.now_epoch_seconds,
            signals={
                signal.name: {
                    metric_id: self._series(seen, seen.metrics[metric_id])
                    for metric_id in signal.metrics
                }
            },
            baseline=reports,
            pools=tuple(
                group.reading(seen.minute, seen.now_epoch_seconds) for group in pools.groups
            ),
            memory=Memory(
                model=self._learned(seen),
                outages=tuple(self._kept.outages.values()),
                heights=self._kept.heights,
                signals=self._kept.signals,
                spent=self._kept.spent or self._nothing_spent(seen),
                spot_prices=SpotPrices.declared(self.spec, seen.now_epoch_seconds),
                **(self._kept.split.remembered if self._kept.split else {}),
            ),
            traffic=self._kept.split.reading(pools) if self._kept.split else None,
            shared_spend=self._alone(),
        )
        self._kept.heights = heights(self.spec, snapshot)
        self._kept.rolled = roll_forecast(self.spec, snapshot, onward=self._kept.rolled)
        return replace(snapshot, rolled=self._kept.rolled)

    def _nothing_spent(self, seen: Observation) -> Spent:
        """Return what a replay begins with, whatever day of a month its first one is."""
        now = seen.now_epoch_seconds
        return Spent(month_epoch_seconds=month_of(now)[0], usd=0.0, at_epoch_seconds=now)

    def _alone(self) -> dict[str, SharedSpend]:
        """Return shared limits of which nobody else has anything."""
        shared = SharedSpend(version=1, since_epoch_seconds=0)
        return {limit.shared: shared for limit in self.spec.spend_limits if limit.shared}

    def _learned(self, seen: Observation) -> DemandModel | None:
        """Return the newest model, learned at the full hour from what was visible then."""
        kept, now = self._kept, seen.now_epoch_seconds
        if now // SECONDS_PER_MINUTE % _RELEARN_MINUTES or not self.foresight:
            return kept.model
        (signal,) = self.spec.signals
        visible = min(len(seen.metrics[metric_id]) for metric_id in signal.metrics)
        delay = seen.minute + 1 - visible
        if basis_of(self.spec) is None or not visible or delay > MOST_DELAY_MINUTES:
            return None
        read = {
            metric_id: self._series(seen, seen.metrics[metric_id], minutes=_RELEARN_READS)
            for metric_id in signal.metrics
        }
        if kept.learner is None:
            kept.learner = Learner(self.spec, metric_delay_minutes=delay)
            if self.recorded:
                begins = now // SECONDS_PER_MINUTE - seen.minute - 1
                kept.learner.advance(learned_before(self.spec, self.recorded, begins))
        kept.learner.advance(learned_demand(self.spec, {signal.name: read}, now))
        kept.model = kept.learner.model()
        return kept.model

    def _series(
        self, seen: Observation, values: Floats, *, minutes: int | None = None
    ) -> MetricSeries:
        """Return the newest points, by default those that the tick would read."""
        window = read_seconds(self.spec) // SECONDS_PER_MINUTE
        first = max(0, len(values) - (minutes or window))
        start = seen.now_epoch_seconds - SECONDS_PER_MINUTE * (seen.minute + 1 - first)
        newest = values[first:].tolist()
        times = range(start, start + SECONDS_PER_MINUTE * len(newest), SECONDS_PER_MINUTE)
        points = tuple(zip(times, newest, strict=True))
        if any(map(isnan, newest)):
            points = tuple((time, value) for time, value in points if not isnan(value))
        return MetricSeries(points=points)


def live_spec(
    world: World,
    *,
    service_level: ServiceLevelSpec | None = None,
    pace: PaceSpec | None = None,
) -> FleetSpec:
    """Return the specification of a fleet for live work in *world*.

    Args:
        world: The physics; its `unserved_cost` becomes the service level's.
        service_level: Default: `unserved_cost` of the world, all else as a fleet has it.
        pace: How far one tick may move the fleet. Default: no bound.
    """
    metric = Metric(namespace=_NAMESPACE, metric_name="Demand")
    signal = RateSignal(name=DEMAND, metrics={DEMAND: metric}, expression=DEMAND)
    return _spec(world, signal, service_level, pace)


def backlog_spec(
    world: World,
    *,
    seconds_per_item: float,
    deadline_seconds: float,
    service_level: ServiceLevelSpec | None = None,
    pace: PaceSpec | None = None,
) -> FleetSpec:
    """Return the specification of a fleet that drains a queue in *world*.

    Args:
        world: The physics.
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: When an item is late.
        service_level: As in `live_spec`.
        pace: As in `live_spec`.
    """
    signal = BacklogSignal(
        name="backlog",
        metrics={
            metric_id: Metric(namespace=_NAMESPACE, metric_name=metric_id)
            for metric_id in (WAITING, IN_FLIGHT)
        },
        seconds_per_item=seconds_per_item,
        drain_within_seconds=deadline_seconds,
    )
    return _spec(world, signal, service_level, pace)


def _spec(
    world: World, signal: Signal, service_level: ServiceLevelSpec | None, pace: PaceSpec | None
) -> FleetSpec:
    return FleetSpec(
        fleet="Replay",
        pools=(replace(world.pool, warm=world.warm_pool.spec(world.max_instances)),),
        signals=(signal,),
        baseline=FixedBaseline(units=world.baseline_units),
        service_level=service_level or ServiceLevelSpec(unserved_cost=world.unserved_cost),
        pace=pace or PaceSpec(out_units=inf, in_units=inf),
    )
