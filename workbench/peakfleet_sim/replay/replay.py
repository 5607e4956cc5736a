"""The replay engine: any policy over any number of pools, in any scenario."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import numpy as np

from peakfleet_planner import PoolSpec
from peakfleet_sim.demand import Demand, Floats
from peakfleet_sim.policies import (
    FleetPolicy,
    Observation,
    PeakfleetPolicy,
    Policy,
    Seen,
    SpreadPolicy,
)
from peakfleet_sim.replay.progress import TOLD, TOLD_EVERY
from peakfleet_sim.world import (
    DEMAND,
    SECONDS_PER_MINUTE,
    Live,
    Pools,
    Scenario,
    Work,
    World,
)

_MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolSeries:
    """One pool, minute by minute, in its own instances.

    Args:
        spec: The pool.
        desired: What it was asked to run, at the end of the minute.
        ready: What served.
        billed: What was paid for.
        history_minutes: Minutes at the start that are not scored.
        requests: Requests for capacity, over all minutes.
        reclaimed: Instances that were taken back, over all minutes.
    """

    spec: PoolSpec
    desired: Floats
    ready: Floats
    billed: Floats
    history_minutes: int
    requests: int
    reclaimed: int

    @property
    def instance_minutes(self) -> float:
        """Paid minutes that are scored, boot included."""
        return float(self.billed[self.history_minutes :].sum())

    @property
    def usd(self) -> float | None:
        """What they cost; None if the price is unknown."""
        if self.spec.usd_per_capacity_hour is None:
            return None
        return self.instance_minutes / _MINUTES_PER_HOUR * self.spec.usd_per_capacity_hour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What one policy did, minute by minute, in instances of the world.

    Args:
        policy: Its name.
        demand: What was replayed.
        world: Against which physics.
        desired_instances: What was decided at the end of the minute, within the bounds.
        ready_instances: What served during the minute.
        billed_instances: What was paid for during the minute, a warm pool at its share.
        burst_units: Work that the baseline could not carry.
        unserved_units: Work that nobody did in time.
        due_units: Work that had to be done by the end of the minute.
        explanations: Why, in words, at the end of the minute.
        pools: Each pool, in ladder order. Default: none, for what was not replayed on pools.
    """

    policy: str
    demand: Demand
    world: World
    desired_instances: Floats
    ready_instances: Floats
    billed_instances: Floats
    burst_units: Floats
    unserved_units: Floats
    due_units: Floats
    explanations: tuple[str, ...]
    pools: tuple[PoolSeries, ...] = ()

    @property
    def ready_units(self) -> Floats:
        """Units that served during the minute."""
        return self.ready_instances * self.world.units_per_instance

    @property
    def usd(self) -> float | None:
        """What the scored minutes of the pools cost; None without pools or without a price."""
        dollars = [pool.usd for pool in self.pools]
        known = [usd for usd in dollars if usd is not None]
        return sum(known) if known and len(known) == len(dollars) else None


def replay(
    demand: Demand,
    *,
    world: World,
    work: Work,
    policy: Policy | PeakfleetPolicy,
    pools: Sequence[PoolSpec] | None = None,
    scenario: Scenario | None = None,
    seed: int = 0,
) -> Run:
    """Replay *demand* minute by minute and return what *policy* did.

    Minute t is served by what is ready; then the policy decides with what is known of the
    minutes up to t minus the metric delay. It never gets to see anything later. A policy that
    decides on one number is spread over the pools as `SpreadPolicy` says, and has no warm pool
    but that of *world*, on the first pool.

    Args:
        demand: Demand by the minute, in units.
        world: The physics; its instance is the one that runs are counted in.
        work: What becomes of demand; a new one for each replay.
        policy: A new one for each replay.
        pools: The pools, in ladder order. Default: the one of *world*.
        scenario: What goes wrong. Default: nothing.
        seed: Of drawn boot times. Default: 0.
    """
    lean = scenario is None and pools is None and isinstance(work, Live)
    if lean and not isinstance(policy, PeakfleetPolicy):
        return _on_one_group(demand, world=world, policy=policy)
    minutes, delay = demand.minutes, world.metric_delay_minutes
    scenario = scenario or Scenario()
    specs = (world.pool,) if pools is None else tuple(pools)
    if not isinstance(policy, PeakfleetPolicy):
        specs = tuple(replace(spec, warm=None) for spec in specs)
    fleet = Pools.of(
        specs,
        world=world,
        scenario=scenario,
        least_instances=policy.least_instances,
        random=Random(seed),
    )
    sizing: FleetPolicy
    if isinstance(policy, PeakfleetPolicy):
        sizing = policy
    else:
        sizing = SpreadPolicy(policy=policy, world=world, kept_instances=_kept(fleet))
    usable, lost = scenario.usable_fraction(minutes), scenario.lost(minutes).tolist()
    desired, ready, billed = (np.zeros((minutes, len(specs))) for _ in range(3))
    wanted, served, burst, unserved, due = (np.zeros(minutes) for _ in range(5))
    metrics = {metric_id: np.zeros(minutes) for metric_id in work.metric_ids}
    explanations = []
    left, units_of_minute = usable.tolist(), demand.units.tolist()
    tell = TOLD.get()
    for minute in range(minutes):
        if minute % TOLD_EVERY == 0 and minute:
            tell(TOLD_EVERY)
        cloud_units = 0.0
        for index, group in enumerate(fleet.groups):
            instances = group.instances
            instances.begin(minute)
            ready[minute, index], billed[minute, index] = instances.ready, instances.billed
            cloud_units += instances.ready * group.spec.units_per_capacity
        served[minute] = fleet.ready
        work.baseline_units = world.baseline_units * left[minute]
        if isinstance(work, Live) and isinstance(policy, PeakfleetPolicy):
            work.cloud_share = policy.cloud_share
        outcome = work.step_units(units_of_minute[minute], cloud_units)
        burst[minute], unserved[minute] = outcome.burst_units, outcome.unserved_units
        due[minute] = outcome.due_units
        for metric_id, value in outcome.metrics.items():
            metrics[metric_id][minute] = np.nan if lost[minute] else value
        visible = max(0, minute + 1 - delay)
        now = demand.start_epoch_seconds + SECONDS_PER_MINUTE * (minute + 1)
        sizes = sizing.size(
            Observation(
                minute=minute,
                now_epoch_seconds=now,
                metrics={metric_id: values[:visible] for metric_id, values in metrics.items()},
                ready=served[:visible],
                usable_baseline=usable[:visible],
                outages=fleet.lose(minute, now),
            ),
            fleet,
        )
        for index, capacity in enumerate(sizes.desired):
            desired[minute, index] = capacity
        wanted[minute] = (
            _together(fleet.shares, sizes.desired)
            if sizes.desired_instances is None
            else sizes.desired_instances
        )
        explanations.append(sizes.explanation)
    tell(minutes - max(0, minutes - 1) // TOLD_EVERY * TOLD_EVERY)
    return Run(
        policy=policy.name,
        demand=demand,
        world=world,
        desired_instances=wanted,
        ready_instances=served,
        billed_instances=sum(
            (share * one for share, one in zip(fleet.shares, billed.T, strict=True)),
            start=np.zeros(minutes),
        ),
        burst_units=burst,
        unserved_units=unserved,
        due_units=due,
        explanations=tuple(explanations),
        pools=tuple(
            PoolSeries(
                spec=group.spec,
                desired=desired[:, index],
                ready=ready[:, index],
                billed=billed[:, index],
                history_minutes=demand.history_minutes,
                requests=group.asked,
                reclaimed=group.reclaimed,
            )
            for index, group in enumerate(fleet.groups)
        ),
    )


def _on_one_group(demand: Demand, *, world: World, policy: Policy) -> Run:
    """Replay live work on the one group of *world* with nothing going wrong: the same, sooner.

    Most replays are like this; what `SpreadPolicy` and pools would do is written out.
    """
    spec = replace(world.pool, warm=None)
    (group,) = Pools.of(
        (spec,),
        world=world,
        scenario=Scenario(),
        least_instances=policy.least_instances,
        random=Random(0),
    ).groups
    instances, least = group.instances, max(policy.least_instances, spec.min_capacity)
    minutes, delay, wanted = demand.minutes, world.metric_delay_minutes, least
    ready, units, asked = np.zeros(minutes), np.array(demand.units), 0
    billed, sizes, desired, explanations = [], [], [], []
    start, tell = demand.start_epoch_seconds, TOLD.get()
    for minute in range(minutes):
        if minute % TOLD_EVERY == 0 and minute:
            tell(TOLD_EVERY)
        instances.begin(minute)
        serving, booting = instances.ready, instances.booting
        running = serving + booting
        ready[minute] = serving
        billed.append(instances.billed)
        visible = max(0, minute + 1 - delay)
        decision = policy.decide(
            Seen(
                minute=minute,
                now_epoch_seconds=start + SECONDS_PER_MINUTE * (minute + 1),
                metrics={DEMAND: units[:visible]},
                ready=ready[:visible],
                ready_instances=serving,
                booting_instances=booting,
            )
        )
        if decision.instances == running:
            wanted = max(wanted, running)
        else:
            wanted = min(max(least, decision.instances), world.max_instances)
            if wanted > running:
                asked += 1
                instances.resize(minute, wanted)
            elif (gone := min(running - wanted, serving - least)) > 0:
                instances.resize(minute, running - gone)
            running = instances.ready + instances.booting
        sizes.append(running)
        desired.append(wanted)
        explanations.append(decision.explanation)
    tell(minutes - max(0, minutes - 1) // TOLD_EVERY * TOLD_EVERY)
    burst = np.maximum(0.0, units - world.baseline_units)
    return Run(
        policy=policy.name,
        demand=demand,
        world=world,
        desired_instances=np.array(desired, np.float64),
        ready_instances=ready,
        billed_instances=np.array(billed, np.float64),
        burst_units=burst,
        unserved_units=np.maximum(0.0, burst - ready * world.units_per_instance),
        due_units=burst,
        explanations=tuple(explanations),
        pools=(
            PoolSeries(
                spec=spec,
                desired=np.array(sizes, np.float64),
                ready=ready,
                billed=np.array(billed, np.float64),
                history_minutes=demand.history_minutes,
                requests=asked,
                reclaimed=0,
            ),
        ),
    )


def _kept(fleet: Pools) -> float:
    """Return what the minima of the pools amount to."""
    return _together(fleet.shares, (group.spec.min_capacity for group in fleet.groups))


def _together(shares: Sequence[float], instances: Iterable[float]) -> float:
    total = 0.0
    for share, count in zip(shares, instances, strict=True):
        total += share * count
    return total
