"""The outcome of a replay, beside target tracking and perfect foresight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_demo.demo.peaks import Act, Peak
from peakfleet_local.replay import (
    FleetMinute,
    Minute,
    Physics,
    PoolMinute,
    backlog_of,
    usable_baseline_units,
)
from peakfleet_planner import FleetSpec
from peakfleet_sim import BacklogWork, Comparison, Live, Outcome, Run, score
from peakfleet_sim.replay import (
    KINDS,
    Rival,
    find_rival,
    ladder_dollars,
    queue_of,
    usual_delay_seconds,
    world_of,
)

PEAKFLEET: Final = "peakfleet"
MINUTES_PER_HOUR: Final = 60
TARGET: Final = 0.7
"""What target tracking usually aims at."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyResult:
    """One policy over the whole replay.

    Args:
        run: Minute by minute; instances are those of the fleet's first pool.
        outcome: Over the scored minutes.
    """

    run: Run
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetOutcome:
    """One fleet, replayed in the local AWS and simulated under other policies.

    Args:
        spec: The fleet.
        act: Which part of the replay.
        rival: Target tracking at our service and at our cost.
        peakfleet: What the deployed handlers did.
        target_tracking: What target tracking would have done.
        optimum: What perfect foresight would have done.
    """

    spec: FleetSpec
    act: Act
    rival: Rival
    peakfleet: PolicyResult
    target_tracking: PolicyResult
    optimum: PolicyResult

    @property
    def results(self) -> tuple[PolicyResult, ...]:
        """All three, ours first."""
        return self.peakfleet, self.target_tracking, self.optimum


def physics_of(spec: FleetSpec) -> Physics:
    """Return the laws of a fleet's work: a queue if it reads a backlog, else live."""
    baseline = usable_baseline_units(spec)
    if backlog := backlog_of(spec):
        return BacklogWork(
            seconds_per_item=backlog.seconds_per_item,
            deadline_seconds=backlog.drain_within_seconds,
            baseline_units=baseline,
        )
    return Live(baseline_units=baseline)


def compare(
    spec: FleetSpec, peak: Peak, minutes: Sequence[Minute], act: Act | None = None
) -> FleetOutcome:
    """Return what *minutes* came to for one fleet, and what others would have made of them.

    The others have one kind of instance, with the units and the boot time of the fleet's first
    pool, and as many of them as all pools together supply. They start with the history, the
    deployed handlers with the warm-up; nobody is scored before the same minute.

    Args:
        spec: The fleet.
        peak: What was replayed.
        minutes: All of the replay.
        act: Which part of it is scored. Default: the first.
    """
    act = act or peak.acts[0]
    whole, first = peak.demands[spec.fleet], peak.phases.history_minutes
    demand = replace(whole, units=whole.units[: act.end_minute], history_minutes=act.first_minute)
    world = world_of(spec, metric_delay_seconds=usual_delay_seconds(spec))
    contest = Comparison(demand=demand, world=world, queue=queue_of(spec))
    seen = minutes[: act.end_minute - first]
    ours = _run(spec, contest, peak, [minute.fleets[spec.fleet] for minute in seen])
    best = contest.optimum()

    def tracking(target: float) -> PolicyResult:
        run = contest.target_tracking(target=target)
        return _result(run, best, ladder_dollars(spec, run))

    dollars = _pool_dollars(spec, seen[act.first_minute - first :])
    result, theirs = _result(ours, best, dollars), tracking(TARGET)
    return FleetOutcome(
        spec=spec,
        act=act,
        rival=find_rival(
            result.outcome,
            theirs.outcome,
            lambda target: tracking(target).outcome,
            KINDS["target-tracking"].searched,
        ),
        peakfleet=result,
        target_tracking=theirs,
        optimum=_result(best, best, ladder_dollars(spec, best)),
    )


def _result(run: Run, best: Run, dollars: float | None) -> PolicyResult:
    return PolicyResult(run=run, outcome=replace(score(run, optimum=best), usd=dollars))


def _run(spec: FleetSpec, contest: Comparison, peak: Peak, minutes: Sequence[FleetMinute]) -> Run:
    """Return the replayed minutes in the simulator's form, after a history without capacity."""
    one = contest.world.units_per_instance
    each = {pool.name: pool.units_per_capacity / one for pool in spec.pools}

    def instances(of: Callable[[PoolMinute], int]) -> list[float]:
        return [sum(of(pool) * each[pool.name] for pool in minute.pools) for minute in minutes]

    def series(values: list[float]) -> Floats:
        return np.concatenate([np.zeros(peak.phases.history_minutes), values])

    return Run(
        policy=PEAKFLEET,
        demand=contest.demand,
        world=contest.world,
        desired_instances=series(instances(lambda pool: pool.desired_capacity)),
        ready_instances=series(instances(lambda pool: pool.in_service_capacity)),
        billed_instances=series(instances(lambda pool: pool.billed_capacity)),
        burst_units=series([minute.work.burst_units for minute in minutes]),
        unserved_units=series([minute.work.unserved_units for minute in minutes]),
        due_units=series([minute.work.due_units for minute in minutes]),
        explanations=("before the first tick",) * peak.phases.history_minutes
        + tuple(minute.plan.explain() if minute.plan else minute.error for minute in minutes),
    )


def _pool_dollars(spec: FleetSpec, minutes: Sequence[Minute]) -> float | None:
    """Return what *minutes* cost by each pool's own price."""
    prices = {pool.name: pool.usd_per_capacity_hour for pool in spec.pools}
    if None in prices.values():
        return None
    return sum(
        pool.billed_capacity / MINUTES_PER_HOUR * (prices[pool.name] or 0.0)
        for minute in minutes
        for pool in minute.fleets[spec.fleet].pools
    )
