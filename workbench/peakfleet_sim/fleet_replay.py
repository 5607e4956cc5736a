"""A whole fleet replayed: several pools, sized by the production decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

import numpy as np

from peakfleet_planner import FleetSpec, Plan, PoolReading, PoolSpec, ReportedBaseline
from peakfleet_sim._bridge import Floats
from peakfleet_sim.compare import Contest
from peakfleet_sim.demand import Demand
from peakfleet_sim.peakfleet_policy import PeakfleetPolicy
from peakfleet_sim.replay import Run
from peakfleet_sim.spec_world import queue_of, replayed_spec, world_of
from peakfleet_sim.weather import PoolWeather, Weather
from peakfleet_sim.world import SECONDS_PER_MINUTE, Instances, Minute, Seen, World

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
    """

    run: Run
    pools: tuple[PoolSeries, ...]
    usd: float | None


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
    are replaced by one that reads it. A warm pool belongs to the first pool of the ladder.

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
class _Group:
    """One pool's instances, and the weather above them."""

    spec: PoolSpec
    instances: Instances
    weather: PoolWeather
    random: Random
    missing: int = 0

    def reading(self) -> PoolReading:
        return PoolReading(
            name=self.spec.name,
            desired_capacity=self.instances.ready + self.instances.booting + self.missing,
            in_service_capacity=self.instances.ready,
            min_capacity=self.spec.min_capacity,
            max_capacity=self.spec.max_capacity,
        )

    def resize(self, minute: int, desired: int) -> None:
        """Lose what the weather takes, then launch as far as it allows."""
        most = self.weather.most_at(minute)
        running = self.instances.ready + self.instances.booting
        if running > most:
            self.instances.lose(running - most)
            running = most
        granted = max(running, min(desired, most)) if desired > running else desired
        if self.weather.boot_seconds:
            drawn = self.random.choice(self.weather.boot_seconds)
            self.instances.boot_minutes = -int(-drawn // SECONDS_PER_MINUTE)
        self.instances.resize(minute, granted)
        self.missing = desired - granted


@dataclass(slots=True, kw_only=True)
class _Replay:
    demand: Demand
    spec: FleetSpec
    world: World
    weather: Weather
    seed: int
    groups: tuple[_Group, ...] = field(init=False)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self.groups = tuple(
            _Group(
                spec=pool,
                instances=self._instances(pool, first=index == 0),
                weather=self.weather.pools.get(pool.name, PoolWeather()),
                random=random,
            )
            for index, pool in enumerate(self.spec.pools)
        )

    def _instances(self, pool: PoolSpec, *, first: bool) -> Instances:
        warm = self.world.warm_pool
        return Instances(
            boot_minutes=-int(-pool.boot_seconds // SECONDS_PER_MINUTE),
            min_instances=pool.min_capacity,
            max_instances=pool.max_capacity,
            warm_instances=warm.instances if first else 0,
            warm_start_minutes=self.world.warm_start_minutes,
            warm_cost_fraction=warm.cost_fraction,
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
            plan = policy.plan(
                self._seen(minute, {name: values[:visible] for name, values in metrics.items()}),
                pools=tuple(group.reading() for group in self.groups),
                reports=None if reports is None else reports[:visible],
            )
            self._act(minute, plan, series)
            explanations.append(plan.explain())
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

    def _act(self, minute: int, plan: Plan, series: Mapping[str, Floats]) -> None:
        wanted = {pool.name: pool.desired_capacity for pool in plan.pools}
        for group in self.groups:
            name = group.spec.name
            group.resize(minute, wanted[name])
            series[name][0, minute] = wanted[name]

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
        return FleetReplay(run=run, pools=pools, usd=_usd(pools, self.demand.history_minutes))


def _usd(pools: tuple[PoolSeries, ...], history_minutes: int) -> float | None:
    prices = [pool.spec.usd_per_capacity_hour for pool in pools]
    if None in prices:
        return None
    return sum(
        float(pool.billed[history_minutes:].sum()) / _MINUTES_PER_HOUR * (price or 0.0)
        for pool, price in zip(pools, prices, strict=True)
    )
