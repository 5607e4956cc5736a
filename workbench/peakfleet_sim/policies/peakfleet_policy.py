"""The production decision, driven by the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isnan
from typing import Final

from peakfleet_learner import MOST_DELAY_MINUTES, Learner
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
    PoolReading,
    PoolSpec,
    RateSignal,
    ServiceLevelSpec,
    Signal,
    Snapshot,
    WarmSpec,
    decide,
    heights,
    roll_forecast,
)
from peakfleet_planner.demand import read_demand
from peakfleet_planner.forecast import RolledModel, basis_of, read_seconds
from peakfleet_planner.snapshot import WHOLE_SAMPLES
from peakfleet_sim.demand import Floats
from peakfleet_sim.world import DEMAND, SECONDS_PER_MINUTE, Decision, Seen, World

_NAMESPACE = "Replay"
_RELEARN_MINUTES: Final = 60
_RELEARN_READS: Final = 2 * _RELEARN_MINUTES


@dataclass(slots=True, kw_only=True)
class _Kept:
    """What is remembered in one replay: the learner, what it last said, how large pools were."""

    learner: Learner | None = None
    model: DemandModel | None = None
    heights: Mapping[str, Heights] = field(default_factory=dict)
    rolled: RolledModel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakfleetPolicy:
    """What the deployed function would decide: `peakfleet_planner.decide`, once a minute.

    Args:
        spec: The fleet, with one signal that reads the metrics of the replayed work; to
            `decide` as a policy it has one pool and a fixed baseline.
        name: What it is called. Default: peakfleet.
        foresight: Whether demand is learned, hourly, as the deployed learner does: the policy
            starts by the reactive rule, and follows the model once that has proved itself.
            Default: true.
    """

    spec: FleetSpec
    name: str = "peakfleet"
    foresight: bool = True
    _kept: _Kept = field(default_factory=_Kept, init=False, repr=False)

    @property
    def least_instances(self) -> int:
        """As few as the pool's minimum."""
        return self.spec.pools[0].min_capacity

    def decide(self, seen: Seen) -> Decision:
        """Observe the one pool as the tick does, decide as it does."""
        (pool,) = self.spec.pools
        reading = PoolReading(
            name=pool.name,
            desired_capacity=seen.instances,
            in_service_capacity=seen.ready_instances,
            min_capacity=pool.min_capacity,
            max_capacity=pool.max_capacity,
            warm_capacity=seen.waiting_instances,
            prepared_capacity=seen.prepared_instances,
            booting_since=tuple(
                (_start_of(seen, serves) - round(pool.boot_seconds), count)
                for serves, count in seen.boots
            ),
        )
        plan = decide(self.spec, self.snapshot(seen, pools=(reading,)))
        told = plan.pools[0]
        return Decision(
            instances=told.desired_capacity,
            explanation=plan.explain(),
            warm_instances=told.warm_capacity,
            prepared_instances=told.prepared_capacity,
        )

    def snapshot(
        self,
        seen: Seen,
        *,
        pools: tuple[PoolReading, ...],
        reports: Floats | None = None,
        outages: tuple[Outage, ...] = (),
    ) -> Snapshot:
        """Return what the tick would observe of several pools.

        Args:
            seen: Time and metrics; a value that is not a number was never published.
            pools: The groups as they are.
            reports: What the baseline reported, for the same minutes. Default: nothing.
            outages: What was refused lately. Default: nothing.
        """
        (signal,) = self.spec.signals
        read = {
            metric_id: self._series(seen, seen.metrics[metric_id]) for metric_id in signal.metrics
        }
        snapshot = Snapshot(
            now_epoch_seconds=seen.now_epoch_seconds,
            signals={signal.name: read},
            baseline=MetricSeries() if reports is None else self._series(seen, reports),
            pools=pools,
            memory=Memory(
                model=self._learned(seen),
                outages=outages,
                heights=self._kept.heights,
                signals={signal.name: WHOLE_SAMPLES},
            ),
        )
        self._kept.heights = heights(self.spec, snapshot)
        self._kept.rolled = roll_forecast(self.spec, snapshot, onward=self._kept.rolled)
        return replace(snapshot, rolled=self._kept.rolled)

    def _learned(self, seen: Seen) -> DemandModel | None:
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
        demand = read_demand(self.spec, signal, read, now, memory=WHOLE_SAMPLES)
        kept.learner.advance(demand.points)
        kept.model = kept.learner.model()
        return kept.model

    def _series(self, seen: Seen, values: Floats, *, minutes: int | None = None) -> MetricSeries:
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


def _start_of(seen: Seen, minute: int) -> int:
    """Return when a minute begins, in seconds since 1970."""
    return seen.now_epoch_seconds + SECONDS_PER_MINUTE * (minute - seen.minute - 1)


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
        pools=(
            PoolSpec(
                name="Cloud",
                group="cloud",
                units_per_capacity=world.units_per_instance,
                min_capacity=world.min_instances,
                max_capacity=world.max_instances,
                boot_seconds=world.boot_seconds,
                warm=_warm(world),
            ),
        ),
        signals=(signal,),
        baseline=FixedBaseline(units=world.baseline_units),
        service_level=service_level or ServiceLevelSpec(unserved_cost=world.unserved_cost),
        pace=pace or PaceSpec(out_units=inf, in_units=inf),
    )


def _warm(world: World) -> WarmSpec | None:
    pool = world.warm_pool
    most = world.max_instances if pool.auto else pool.instances
    if not most:
        return None
    return WarmSpec(
        min_capacity=0 if pool.reuse else pool.instances,
        max_capacity=most,
        start_seconds=pool.start_seconds,
        cost_fraction=pool.cost_fraction,
        reuse=pool.reuse,
    )
