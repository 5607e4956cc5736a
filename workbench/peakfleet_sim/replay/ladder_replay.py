"""A policy that knows one group, replayed above a ladder of pools in their weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from random import Random
from typing import Final

import numpy as np

from peakfleet_planner import Launch, PoolSpec
from peakfleet_sim.replay.comparison import Contest
from peakfleet_sim.replay.simulated_fleet import FleetReplay, SimulatedFleet
from peakfleet_sim.world import (
    SECONDS_PER_MINUTE,
    ZONE,
    Decision,
    Instances,
    Policy,
    PoolWeather,
    Seen,
    SimulatedGroup,
    Weather,
    World,
)

_ROUNDING: Final = 1e-9
_BLIND: Final = "the metric is missing: keeps its size"


def replay_ladder(
    contest: Contest,
    policy: Policy,
    *,
    pools: Sequence[PoolSpec],
    weather: Weather | None = None,
    seed: int = 0,
) -> FleetReplay:
    """Replay demand against a policy that says how many instances it wants, and no more.

    It stands for a fleet that buys cleverly and sizes as usual. The policy sees one group and
    thinks in instances of the first pool. They run on the first pool that has room; what cannot
    be had there comes from the next in the same minute, in whole instances, rounded up. A
    reclaimed instance is replaced in the minute of its loss, so that what can be had nowhere is
    asked for again every minute, as an Auto Scaling group does. What runs on a later pool stays
    there until it is no longer needed; instances are let go from the last pool backwards.

    While the newest visible minute has no metric, the policy is not asked and keeps its size: AWS
    does not scale on missing data, nor does the Horizontal Pod Autoscaler. Predictive scaling
    would go on by its forecast; that is not modelled. A baseline outage changes what the cloud
    has to serve; a gauge sees only the load, so the policy is not told of it.

    The pools boot as they say or as the weather draws. A warm pool is the world's, on the first
    pool; those of the pools themselves are Peakfleet's to plan. Fewest instances that the policy
    can work with begin on the last pool, which is taken to be sure.

    Args:
        contest: Demand, physics and kind of work; its instance is that of the first pool.
        policy: A new one.
        pools: The ladder.
        weather: What goes wrong. Default: nothing.
        seed: Of drawn boot times. Default: 0.

    Sources: EC2 Auto Scaling user guide, "Target tracking scaling policies", and of ECS, "Use a
    target metric" (insufficient data); kubernetes/website, "HorizontalPodAutoscaler
    Walkthrough" (`ScalingActive` is false without a metric).
    """
    weather = weather or Weather()
    ladder = _ladder(contest, policy, pools, weather, seed)
    fleet, world, demand = ladder.fleet, contest.world, contest.demand
    wanted, ready = np.zeros(demand.minutes), np.zeros(demand.minutes)
    metrics = {metric_id: np.zeros(demand.minutes) for metric_id in fleet.work.metric_ids}
    published = dict.fromkeys(metrics, 0.0)
    desired = ladder.least
    for minute in range(demand.minutes):
        outcome = fleet.serve(minute)
        ready[minute] = ladder.ready
        if not fleet.lost[minute]:
            published = outcome.metrics
        for metric_id, value in published.items():
            metrics[metric_id][minute] = value
        fleet.lose(minute)
        ladder.grow(minute, desired)
        visible = max(0, minute + 1 - world.metric_delay_minutes)
        seen = Seen(
            minute=minute,
            now_epoch_seconds=fleet.end_of(minute),
            metrics={metric_id: values[:visible] for metric_id, values in metrics.items()},
            ready=ready[:visible],
            ready_instances=_whole(ladder.ready),
            booting_instances=_whole(ladder.running) - _whole(ladder.ready),
        )
        if visible and fleet.lost[visible - 1]:
            decision = Decision(instances=seen.instances, explanation=_BLIND)
        else:
            decision = policy.decide(seen)
            desired = _next_size(desired, decision, seen, ladder.least, world)
            ladder.grow(minute, desired)
            ladder.let_go(minute, desired)
        wanted[minute] = desired
        running = {group.spec.name: group.running for group in fleet.groups}
        fleet.note(minute, running, decision.explanation)
    return fleet.result(policy.name, desired_instances=wanted)


def _next_size(desired: int, decision: Decision, seen: Seen, least: int, world: World) -> int:
    """Return what is wanted now; a policy that keeps what it sees still wants what is missing."""
    if decision.instances == seen.instances:
        return max(desired, seen.instances)
    return min(max(least, decision.instances), world.max_instances)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ladder:
    """Pools that stand for instances of the first one.

    Args:
        fleet: The pools.
        rungs: How many instances of the first pool one of each stands for, and that pool.
        least: Fewest instances.
    """

    fleet: SimulatedFleet
    rungs: tuple[tuple[float, SimulatedGroup], ...]
    least: int

    @property
    def ready(self) -> float:
        return sum(share * group.instances.ready for share, group in self.rungs)

    @property
    def running(self) -> float:
        return sum(share * group.running for share, group in self.rungs)

    def grow(self, minute: int, wanted: int) -> None:
        """Launch what is missing, first pool first."""
        for share, group in self.rungs:
            missing = ceil((wanted - self.running) / share - _ROUNDING)
            asked = min(missing, group.spec.max_capacity - group.running)
            if asked > 0:
                group.launch(minute, Launch(zone=ZONE, capacity=asked))

    def let_go(self, minute: int, wanted: int) -> None:
        """End what is too much and serves, last pool first."""
        for share, group in reversed(self.rungs):
            excess = min(self.running - wanted, self.ready - self.least)
            gone = floor(excess / share + _ROUNDING)
            if gone > 0:
                group.shrink(minute, max(0, group.running - gone))


def _ladder(
    contest: Contest, policy: Policy, pools: Sequence[PoolSpec], weather: Weather, seed: int
) -> _Ladder:
    world, random, last = contest.world, Random(seed), pools[-1]
    shares = [pool.units_per_capacity / world.units_per_instance for pool in pools]
    kept = sum(share * pool.min_capacity for share, pool in zip(shares, pools, strict=True))
    besides = max(0, ceil((policy.least_instances - kept) / shares[-1] - _ROUNDING))
    first_sizes = [pool.min_capacity for pool in pools]
    first_sizes[-1] = min(last.min_capacity + besides, last.max_capacity)
    groups = tuple(
        SimulatedGroup(
            spec=pool,
            instances=_instances(pool, world, first=index == 0, size=size),
            weather=weather.pools.get(pool.name, PoolWeather()),
            random=random,
        )
        for index, (pool, size) in enumerate(zip(pools, first_sizes, strict=True))
    )
    return _Ladder(
        fleet=SimulatedFleet(contest=contest, weather=weather, groups=groups),
        rungs=tuple(zip(shares, groups, strict=True)),
        least=max(policy.least_instances, _whole(kept)),
    )


def _instances(pool: PoolSpec, world: World, *, first: bool, size: int) -> Instances:
    """Return the instances of a pool that begins with *size*."""
    warm = world.warm_pool
    instances = Instances(
        boot_minutes=ceil(pool.boot_seconds / SECONDS_PER_MINUTE),
        min_instances=size,
        max_instances=pool.max_capacity,
        warm_instances=warm.instances if first else 0,
        warm_start_minutes=world.warm_start_minutes,
        warm_cost_fraction=warm.cost_fraction,
        reuse=warm.reuse,
    )
    instances.min_instances = pool.min_capacity
    return instances


def _whole(instances: float) -> int:
    return floor(instances + _ROUNDING)
