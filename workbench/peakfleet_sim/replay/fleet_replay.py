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
from peakfleet_sim.demand import Demand, Floats
from peakfleet_sim.policies import PeakfleetPolicy
from peakfleet_sim.replay.comparison import Contest
from peakfleet_sim.replay.simulated_fleet import FleetReplay, PoolSeries, SimulatedFleet
from peakfleet_sim.replay.spec_world import queue_of, replayed_spec, world_of
from peakfleet_sim.world import (
    SECONDS_PER_MINUTE,
    Instances,
    PoolWeather,
    Seen,
    SimulatedGroup,
    Weather,
    World,
)

__all__ = ["FleetReplay", "PoolSeries", "replay_fleet"]


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
    fleet: SimulatedFleet = field(init=False)
    outages: dict[tuple[str, str, str, str], Outage] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self.fleet = SimulatedFleet(
            contest=Contest(demand=self.demand, world=self.world, queue=queue_of(self.spec)),
            weather=self.weather,
            groups=tuple(
                SimulatedGroup(
                    spec=pool,
                    instances=self._instances(pool, first=index == 0),
                    weather=self.weather.pools.get(pool.name, PoolWeather()),
                    random=random,
                )
                for index, pool in enumerate(self.spec.pools)
            ),
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
        fleet, minutes = self.fleet, self.demand.minutes
        policy = PeakfleetPolicy(spec=self.spec)
        reports = self._reports(fleet.usable)
        metrics = {metric_id: np.zeros(minutes) for metric_id in fleet.work.metric_ids}
        for minute in range(minutes):
            for metric_id, value in fleet.serve(minute).metrics.items():
                metrics[metric_id][minute] = np.nan if fleet.lost[minute] else value
            visible = max(0, minute + 1 - self.world.metric_delay_minutes)
            seen = self._seen(minute, {name: v[:visible] for name, v in metrics.items()})
            self._know(fleet.lose(minute))
            snapshot = policy.snapshot(
                seen,
                pools=tuple(
                    group.reading(minute, seen.now_epoch_seconds) for group in fleet.groups
                ),
                reports=None if reports is None else reports[:visible],
                outages=tuple(self.outages.values()),
            )
            plan = self._act(minute, snapshot)
            desired = {told.name: told.desired_capacity for told in plan.pools}
            fleet.note(minute, desired, plan.explain())
        return fleet.result("peakfleet")

    def _reports(self, usable: Floats) -> Floats | None:
        """Return what a baseline that reports would report."""
        if not isinstance(self.spec.baseline, ReportedBaseline):
            return None
        return self.spec.baseline.declared_units * usable

    def _seen(self, minute: int, metrics: Mapping[str, Floats]) -> Seen:
        groups = self.fleet.groups
        return Seen(
            minute=minute,
            now_epoch_seconds=self.fleet.end_of(minute),
            metrics=dict(metrics),
            ready=np.zeros(0),
            ready_instances=sum(group.instances.ready for group in groups),
            booting_instances=sum(group.instances.booting for group in groups),
        )

    def _know(self, outages: Iterable[Outage]) -> None:
        self.outages |= {outage.scope: outage for outage in outages}

    def _act(self, minute: int, snapshot: Snapshot) -> Plan:
        """Ask pool after pool, as a tick does, then let go."""
        groups = {group.spec.name: group for group in self.fleet.groups}
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
        return pursued.plan
