"""A fleet's specification as the simulator needs it, and the replay of a whole fleet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from peakfleet_learner import taught
from peakfleet_planner import (
    IN_FLIGHT,
    WAITING,
    BacklogSignal,
    FleetSpec,
    Metric,
    RateSignal,
)
from peakfleet_planner.forecast import DAY_MINUTES, MOST_DAYS, ProposedPeaks
from peakfleet_sim.demand import Demand
from peakfleet_sim.policies import PeakfleetPolicy
from peakfleet_sim.replay.comparison import Comparison, Queue
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import DEMAND, SECONDS_PER_MINUTE, Scenario, WarmPoolSpec, World

_NAMESPACE = "Replay"
_MINUTES_PER_HOUR = 60


def replay_fleet(
    demand: Demand,
    spec: FleetSpec,
    *,
    world: World | None = None,
    scenario: Scenario | None = None,
    seed: int = 0,
) -> Run:
    """Replay *demand* through the production decision of a fleet with all its pools.

    Demand is in units, so the fleet's signals are replaced by one that reads it. Pools have the
    warm pools of their specification; that of *world* belongs to the first pool, if that has none.

    Args:
        demand: Demand by the minute, in units.
        spec: The fleet.
        world: Metric delay and warm pool. Default: a minute, and none.
        scenario: What goes wrong. Default: nothing.
        seed: Of drawn boot times. Default: 0.
    """
    replayed = replayed_spec(spec)
    comparison = Comparison(demand=demand, world=world or world_of(spec), queue=queue_of(spec))
    policy = PeakfleetPolicy(spec=replayed)
    return comparison.replay(policy, pools=replayed.pools, scenario=scenario, seed=seed)


def peaks_of(demand: Demand, spec: FleetSpec) -> ProposedPeaks | None:
    """Return the peaks that come back in *demand*, and what the fleet would have saved by them.

    Args:
        demand: Demand by the minute, in units; the newest two weeks count.
        spec: The fleet.

    Returns:
        What was found; None if demand of this fleet is not learned, or is shorter than two days.
    """
    newest = demand.units[-MOST_DAYS * DAY_MINUTES :]
    first = demand.start_epoch_seconds + SECONDS_PER_MINUTE * (demand.minutes - len(newest))
    points = tuple(
        (first + SECONDS_PER_MINUTE * at, units) for at, units in enumerate(newest.tolist())
    )
    delay_minutes = int(usual_delay_seconds(spec) // SECONDS_PER_MINUTE)
    learner = taught(replayed_spec(spec), points, metric_delay_minutes=delay_minutes)
    return learner.peaks() if learner else None


def usable_baseline_units(spec: FleetSpec) -> float:
    """Return what a healthy on-premises side carries."""
    return spec.baseline.carried_units


def queue_of(spec: FleetSpec) -> Queue | None:
    """Return how the fleet's work waits, by its first backlog; None if its work is live."""
    backlog = _backlog_of(spec)
    if backlog is None:
        return None
    return Queue(
        seconds_per_item=backlog.seconds_per_item, deadline_seconds=backlog.drain_within_seconds
    )


def world_of(
    spec: FleetSpec,
    *,
    metric_delay_seconds: float = 60.0,
    warm_pool: WarmPoolSpec | None = None,
) -> World:
    """Return the physics of a fleet with one kind of instance, that of its first pool.

    There are as many of them as all pools together supply, which is what a policy that knows
    only one group is given.

    Args:
        spec: The fleet.
        metric_delay_seconds: How late demand is seen. Default: 60.
        warm_pool: Instances that wait. Default: none.
    """
    first = spec.pools[0]
    each = first.units_per_capacity
    return World(
        units_per_instance=each,
        baseline_units=usable_baseline_units(spec),
        min_instances=first.min_capacity,
        max_instances=max(1, int(sum(pool.max_units for pool in spec.pools) // each)),
        boot_seconds=first.boot_seconds,
        metric_delay_seconds=metric_delay_seconds,
        unserved_cost=spec.service_level.unserved_cost,
        warm_pool=warm_pool or WarmPoolSpec(),
    )


def usual_delay_seconds(spec: FleetSpec) -> float:
    """Return how late a fleet sees demand, to the whole minutes of a replay.

    CloudWatch has a one-minute datapoint a minute later. A signal in periods of 10 to 30 seconds
    is seen within half a minute, and an alarm makes the fleet decide then.
    """
    fast = all(signal.period_seconds < SECONDS_PER_MINUTE for signal in spec.signals)
    return 0.0 if fast else float(SECONDS_PER_MINUTE)


def replayed_spec(spec: FleetSpec) -> FleetSpec:
    """Return *spec* with one signal that reads replayed demand, in units.

    A backlog stays one, with its seconds and its deadline; rates become one rate. The silence
    rule of the signal stays, and so does the split of its traffic. What the fleet would do outside,
    its state, is dropped.
    """
    backlog = _backlog_of(spec)
    signal = spec.signals[0] if backlog is None else backlog
    if isinstance(signal, BacklogSignal):
        metrics = {one: _metric(one) for one in (WAITING, IN_FLIGHT)}
        replayed: BacklogSignal | RateSignal = replace(signal, metrics=metrics, plausible_max=None)
    else:
        replayed = RateSignal(
            name=signal.name,
            metrics={DEMAND: _metric(DEMAND)},
            expression=DEMAND,
            when_silent=signal.when_silent,
        )
    pools = tuple(replace(pool, launch="desired" if pool.warm else "direct") for pool in spec.pools)
    state = spec.state_table if spec.spend_limits else None  # a month's spend is remembered
    return replace(spec, signals=(replayed,), pools=pools, state_table=state)


def ladder_dollars(spec: FleetSpec, run: Run) -> float | None:
    """Return what the scored minutes of *run* cost if the fleet's ladder is filled in order."""
    if any(pool.usd_per_capacity_hour is None for pool in spec.pools):
        return None
    left = run.billed_instances[run.demand.history_minutes :] * run.world.units_per_instance
    dollars = 0.0
    for pool in spec.pools:
        units = np.minimum(left, pool.max_units)
        left = left - units
        hours = float(units.sum()) / pool.units_per_capacity / _MINUTES_PER_HOUR
        dollars += hours * (pool.usd_per_capacity_hour or 0.0)
    return dollars


def _backlog_of(spec: FleetSpec) -> BacklogSignal | None:
    return next((one for one in spec.signals if isinstance(one, BacklogSignal)), None)


def _metric(name: str) -> Metric:
    return Metric(namespace=_NAMESPACE, metric_name=name)
