"""Target tracking above a ladder of pools: Spot where it can be had, on-demand for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from peakfleet_planner import Launch, PoolSpec
from peakfleet_sim._bridge import Floats
from peakfleet_sim.compare import Contest
from peakfleet_sim.instances import Instances
from peakfleet_sim.peers import TargetTracking
from peakfleet_sim.simulated_group import ZONE, SimulatedGroup
from peakfleet_sim.weather import PoolWeather, Weather
from peakfleet_sim.world import SECONDS_PER_MINUTE, Seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LadderUse:
    """What tracked pools used and missed, minute by minute.

    Args:
        billed: Instances that were paid for, by pool.
        unserved_units: Units that nobody served.
    """

    billed: Mapping[str, Floats]
    unserved_units: Floats


@dataclass(slots=True, kw_only=True)
class _Ladder:
    groups: tuple[SimulatedGroup, ...]

    @property
    def ready(self) -> int:
        return sum(group.instances.ready for group in self.groups)

    @property
    def running(self) -> int:
        return sum(group.running for group in self.groups)

    def fill(self, minute: int, wanted: int) -> None:
        """Run *wanted* instances: the first pool is filled first and emptied last."""
        for group in self.groups:
            missing = wanted - self.running
            if missing > 0:
                group.launch(minute, Launch(zone=ZONE, capacity=missing))
        for group in reversed(self.groups):
            excess = self.running - wanted
            if excess > 0:
                group.shrink(minute, max(0, group.running - excess))


def track_ladder(
    contest: Contest, *, pools: Sequence[PoolSpec], target: float, weather: Weather
) -> LadderUse:
    """Replay live demand against target tracking whose instances are Spot where that can be had.

    It stands for a fleet that buys cleverly and sizes as usual: a reclaimed instance is replaced
    in the minute of its loss, on the next pool that has room, and what runs on demand stays there
    until it is no longer needed. Units are instances.

    Args:
        contest: Demand and physics.
        pools: The ladder; of the last pool there is always enough.
        target: Load per instance aimed at.
        weather: What the pools meet.
    """
    demand, world = contest.demand, contest.world
    ladder = _Ladder(groups=tuple(_group(contest, pool, weather) for pool in pools))
    policy, work = TargetTracking(gauge=contest.gauge, target=target), contest.work()
    ready, unserved = np.zeros(demand.minutes), np.zeros(demand.minutes)
    metrics = {metric_id: np.zeros(demand.minutes) for metric_id in work.metric_ids}
    paid = {pool.name: np.zeros(demand.minutes) for pool in pools}
    desired = ladder.groups[-1].instances.ready = policy.least_instances
    for minute in range(demand.minutes):
        for group in ladder.groups:
            group.instances.begin(minute)
            paid[group.spec.name][minute] = group.instances.billed
        ready[minute] = ladder.ready
        outcome = work.step_units(float(demand.units[minute]), ready[minute])
        unserved[minute] = outcome.unserved_units
        for metric_id, value in outcome.metrics.items():
            metrics[metric_id][minute] = value
        now = demand.start_epoch_seconds + SECONDS_PER_MINUTE * (minute + 1)
        for group in ladder.groups:
            group.lose(minute, now)
        ladder.fill(minute, desired)
        visible = max(0, minute + 1 - world.metric_delay_minutes)
        decision = policy.decide(
            Seen(
                minute=minute,
                now_epoch_seconds=now,
                metrics={name: values[:visible] for name, values in metrics.items()},
                ready=ready[:visible],
                ready_instances=ladder.ready,
                booting_instances=ladder.running - ladder.ready,
            )
        )
        desired = min(max(policy.least_instances, decision.instances), world.max_instances)
        ladder.fill(minute, desired)
    return LadderUse(billed=paid, unserved_units=unserved)


def _group(contest: Contest, pool: PoolSpec, weather: Weather) -> SimulatedGroup:
    return SimulatedGroup(
        spec=pool,
        instances=Instances(
            boot_minutes=contest.world.boot_minutes,
            min_instances=0,
            max_instances=pool.max_capacity,
        ),
        weather=weather.pools.get(pool.name, PoolWeather()),
        random=Random(0),
    )
