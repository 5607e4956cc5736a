"""Demand replayed against a policy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peakfleet_sim.demand import Demand, Floats
from peakfleet_sim.world import SECONDS_PER_MINUTE, Instances, Policy, Seen, Work, World


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What one policy did, minute by minute.

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

    @property
    def ready_units(self) -> Floats:
        """Units that served during the minute."""
        return self.ready_instances * self.world.units_per_instance


def replay(demand: Demand, *, world: World, work: Work, policy: Policy) -> Run:
    """Replay *demand* minute by minute and return what *policy* did.

    Minute t is served by what is ready; then the policy decides with what is known of the
    minutes up to t minus the metric delay. It never gets to see anything later.

    Args:
        demand: Demand by the minute, in units.
        world: The physics.
        work: What becomes of demand; a new one for each replay.
        policy: A new one for each replay.
    """
    minutes, delay = demand.minutes, world.metric_delay_minutes
    world = replace(world, min_instances=max(world.min_instances, policy.least_instances))
    instances = Instances(
        boot_minutes=world.boot_minutes,
        min_instances=world.min_instances,
        max_instances=world.max_instances,
        warm_instances=world.warm_pool.instances,
        warm_start_minutes=world.warm_start_minutes,
        warm_cost_fraction=world.warm_pool.cost_fraction,
        reuse=world.warm_pool.reuse,
    )
    desired, ready, billed, burst, unserved, due = (np.zeros(minutes) for _ in range(6))
    metrics = {metric_id: np.zeros(minutes) for metric_id in work.metric_ids}
    explanations = []
    for minute in range(minutes):
        instances.begin(minute)
        ready[minute] = instances.ready
        billed[minute] = instances.billed
        outcome = work.step_units(
            float(demand.units[minute]), instances.ready * world.units_per_instance
        )
        burst[minute], unserved[minute] = outcome.burst_units, outcome.unserved_units
        due[minute] = outcome.due_units
        for metric_id, value in outcome.metrics.items():
            metrics[metric_id][minute] = value
        visible = max(0, minute + 1 - delay)
        decision = policy.decide(
            Seen(
                minute=minute,
                now_epoch_seconds=demand.start_epoch_seconds + SECONDS_PER_MINUTE * (minute + 1),
                metrics={metric_id: values[:visible] for metric_id, values in metrics.items()},
                ready=ready[:visible],
                ready_instances=instances.ready,
                booting_instances=instances.booting,
                waiting_instances=instances.waiting,
                prepared_instances=instances.warm_instances if instances.reuse else None,
                boots=instances.boots,
            )
        )
        if world.warm_pool.auto and decision.prepared_instances is not None:
            instances.keep_warm(minute, decision.prepared_instances)
        desired[minute] = instances.resize(minute, decision.instances)
        if world.warm_pool.auto and decision.warm_instances is not None:
            instances.keep_warm(minute, decision.warm_instances)
        explanations.append(decision.explanation)
    return Run(
        policy=policy.name,
        demand=demand,
        world=world,
        desired_instances=desired,
        ready_instances=ready,
        billed_instances=billed,
        burst_units=burst,
        unserved_units=unserved,
        due_units=due,
        explanations=tuple(explanations),
    )
