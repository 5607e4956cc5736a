"""A whole fleet replayed: several pools, sized by the production decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

import numpy as np

from peakfleet_planner import (
    FleetSpec,
    Outage,
    Plan,
    PoolSpec,
    ReportedBaseline,
    Snapshot,
    decide,
    pursue,
)
from peakfleet_sim._bridge import Floats
from peakfleet_sim.compare import Contest
from peakfleet_sim.demand import Demand
from peakfleet_sim.instances import Instances
from peakfleet_sim.peakfleet_policy import PeakfleetPolicy
from peakfleet_sim.replay import Run
from peakfleet_sim.simulated_group import SimulatedGroup
from peakfleet_sim.spec_world import queue_of, replayed_spec, world_of
from peakfleet_sim.weather import PoolWeather, Weather
from peakfleet_sim.world import SECONDS_PER_MINUTE, Minute, Seen, World

_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolSeries:
    """One pool, minute by minute, in points of capacity.

    Args:
        spec: The pool.
        desired: What it was asked to run, at the end of the minute.
        ready: What served.
        billed: What was paid for.
    """

    spec: PoolSpec
    desired: Floats
    ready: Floats
    billed: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetReplay:
    """What a fleet did.

    Args:
        run: All pools together, in instances of the first one.
        pools: Each pool, in ladder order.
        usd: What the scored minutes cost; None if a price is unknown.
        asked: Requests for capacity, by pool.
        reclaimed: Instances that were taken back, by pool.
    """

    run: Run
    pools: tuple[PoolSeries, ...]
    usd: float | None
    asked: Mapping[str, int]
    reclaimed: Mapping[str, int]


def replay_fleet(
    demand: Demand,
    spec: FleetSpec,
    *,
    world: World | None = None,
    weather: Weather | None = None,
    seed: int = 0,
) -> FleetReplay:
    """Replay *demand* through the production decision of a fleet with all its pools.

    The physics is that of `replay`, for each pool. Demand is in units, so the fleet's signals
    are replaced by one that reads it. Pools have the warm pools of their specification; that of
    *world* belongs to the first pool, if that has none.

    Args:
        demand: Demand by the minute, in units.
        spec: The fleet.
        world: Metric delay and warm pool. Default: a minute, and none.
        weather: What goes wrong. Default: nothing.
        seed: Of drawn boot times. Default: 0.
    """
    return _Replay(
        demand=demand,
        spec=replayed_spec(spec),
        world=world or world_of(spec),
        weather=weather or Weather(),
        seed=seed,
    ).run()


@dataclass(slots=True, kw_only=True)
class _Replay:
    demand: Demand
    spec: FleetSpec
    world: World
    weather: Weather
    seed: int
    groups: tuple[SimulatedGroup, ...] = field(init=False)
    outages: dict[tuple[str, str, str, str], Outage] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self.groups = tuple(
            SimulatedGroup(
                spec=pool,
                instances=self._instances(pool, first=index == 0),
                weather=self.weather.pools.get(pool.name, PoolWeather()),
                random=random,
            )
            for index, pool in enumerate(self.spec.pools)
        )

    def _instances(self, pool: PoolSpec, *, first: bool) -> Instances:
        own, given = pool.warm, self.world.warm_pool
        reuse = own.reuse if own else given.reuse
        instances = own.min_capacity if own else given.instances if first else 0
        start_seconds = own.start_seconds if own else given.start_seconds
        return Instances(
            boot_minutes=-int(-pool.boot_seconds // SECONDS_PER_MINUTE),
            min_instances=pool.min_capacity,
            max_instances=pool.max_capacity,
            warm_instances=0 if own and reuse else instances,
            warm_start_minutes=-int(-start_seconds // SECONDS_PER_MINUTE),
            warm_cost_fraction=own.cost_fraction if own else given.cost_fraction,
            reuse=reuse,
            least_waiting=own.min_capacity if own else 0,
        )

    def run(self) -> FleetReplay:
        minutes, delay = self.demand.minutes, self.world.metric_delay_minutes
        policy = PeakfleetPolicy(spec=self.spec)
        work = Contest(demand=self.demand, world=self.world, queue=queue_of(self.spec)).work()
        usable = self.weather.usable_fraction(minutes)
        lost = self.weather.metrics_lost(minutes)
        reports = self._reports(usable)
        metrics = {metric_id: np.zeros(minutes) for metric_id in work.metric_ids}
        series = {pool.name: np.zeros((3, minutes)) for pool in self.spec.pools}
        outcomes: list[Minute] = []
        explanations = []
        for minute in range(minutes):
            for group in self.groups:
                group.instances.begin(minute)
                series[group.spec.name][1:, minute] = group.instances.ready, group.instances.billed
            work.baseline_units = self.world.baseline_units * float(usable[minute])
            outcomes.append(work.step_units(float(self.demand.units[minute]), self._ready_units()))
            for metric_id, value in outcomes[-1].metrics.items():
                metrics[metric_id][minute] = np.nan if lost[minute] else value
            visible = max(0, minute + 1 - delay)
            seen = self._seen(minute, {name: v[:visible] for name, v in metrics.items()})
            self._know(
                outage
                for group in self.groups
                for outage in group.lose(minute, seen.now_epoch_seconds)
            )
            snapshot = policy.snapshot(
                seen,
                pools=tuple(group.reading(minute, seen.now_epoch_seconds) for group in self.groups),
                reports=None if reports is None else reports[:visible],
                outages=tuple(self.outages.values()),
            )
            explanations.append(self._act(minute, snapshot, series).explain())
        return self._result(series, outcomes, tuple(explanations))

    def _ready_units(self) -> float:
        return sum(group.instances.ready * group.spec.units_per_capacity for group in self.groups)

    def _reports(self, usable: Floats) -> Floats | None:
        """Return what a baseline that reports would report."""
        if not isinstance(self.spec.baseline, ReportedBaseline):
            return None
        return self.spec.baseline.declared_units * usable

    def _seen(self, minute: int, metrics: Mapping[str, Floats]) -> Seen:
        end = self.demand.start_epoch_seconds + SECONDS_PER_MINUTE * (minute + 1)
        return Seen(
            minute=minute,
            now_epoch_seconds=end,
            metrics=dict(metrics),
            ready=np.zeros(0),
            ready_instances=sum(group.instances.ready for group in self.groups),
            booting_instances=sum(group.instances.booting for group in self.groups),
        )

    def _know(self, outages: Iterable[Outage]) -> None:
        self.outages |= {outage.scope: outage for outage in outages}

    def _act(self, minute: int, snapshot: Snapshot, series: Mapping[str, Floats]) -> Plan:
        """Ask pool after pool, as a tick does, then let go."""
        groups = {group.spec.name: group for group in self.groups}
        pursued = pursue(
            self.spec,
            snapshot,
            decide(self.spec, snapshot),
            ask=lambda pool, launch: groups[pool.name].launch(minute, launch),
        )
        for outage in pursued.ended:
            del self.outages[outage.scope]
        self._know(pursued.outages)
        for told in pursued.plan.pools:
            group = groups[told.name]
            if group.spec.launch == "desired":
                now = snapshot.now_epoch_seconds
                self._know(group.grow(minute, told.desired_capacity, now))
            group.keep_warm(minute, told.prepared_capacity)
            group.shrink(minute, told.desired_capacity)
            group.keep_warm(minute, told.warm_capacity)
            series[told.name][0, minute] = told.desired_capacity
        return pursued.plan

    def _result(
        self, series: Mapping[str, Floats], outcomes: list[Minute], explanations: tuple[str, ...]
    ) -> FleetReplay:
        pools = tuple(
            PoolSeries(
                spec=pool,
                desired=series[pool.name][0],
                ready=series[pool.name][1],
                billed=series[pool.name][2],
            )
            for pool in self.spec.pools
        )
        each = self.world.units_per_instance
        shares = [pool.spec.units_per_capacity / each for pool in pools]

        def together(of: str) -> Floats:
            total = np.zeros(self.demand.minutes)
            for share, pool in zip(shares, pools, strict=True):
                total += share * getattr(pool, of)
            return total

        run = Run(
            policy="peakfleet",
            demand=self.demand,
            world=self.world,
            desired_instances=together("desired"),
            ready_instances=together("ready"),
            billed_instances=together("billed"),
            burst_units=np.array([outcome.burst_units for outcome in outcomes]),
            unserved_units=np.array([outcome.unserved_units for outcome in outcomes]),
            due_units=np.array([outcome.due_units for outcome in outcomes]),
            explanations=explanations,
        )
        return FleetReplay(
            run=run,
            pools=pools,
            usd=_usd(pools, self.demand.history_minutes),
            asked={group.spec.name: group.asked for group in self.groups},
            reclaimed={group.spec.name: group.reclaimed for group in self.groups},
        )


def _usd(pools: tuple[PoolSeries, ...], history_minutes: int) -> float | None:
    prices = [pool.spec.usd_per_capacity_hour for pool in pools]
    if None in prices:
        return None
    return sum(
        float(pool.billed[history_minutes:].sum()) / _MINUTES_PER_HOUR * (price or 0.0)
        for pool, price in zip(pools, prices, strict=True)
    )
