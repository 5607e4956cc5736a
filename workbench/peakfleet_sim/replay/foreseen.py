"""The production decision on live work and one group, for many minutes at once.

`Comparison.peakfleet` takes every decision as a tick does, and says why; that is what a user
trusts. Here the same sizes come from arrays, tens of times sooner, for whoever replays months at
many settings: a benchmark. A test proves both equal, minute by minute.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np

from peakfleet_learner import History, Learner, ReactiveRule, foreseen_aims
from peakfleet_planner import DemandModel, ServiceLevelSpec
from peakfleet_planner.demand import NEAR_ZERO_SHARE, VANISHED_SECONDS
from peakfleet_planner.forecast import Aims, basis_of, read_seconds
from peakfleet_sim.policies import live_spec
from peakfleet_sim.replay.comparison import Comparison
from peakfleet_sim.replay.progress import TOLD
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import SECONDS_PER_MINUTE, WarmPoolSpec

_LESSON_MINUTES: Final = 60
_MOST_DELAY_MINUTES: Final = 2
"""Demand that is seen later counts as silence, which is met by the reactive rule."""


def at_once(comparison: Comparison) -> bool:
    """Return whether `foreseen` can replay *comparison*.

    That is live work without a warm pool, seen in time, on a group that is planned by single
    instances.
    """
    world, basis = comparison.world, basis_of(live_spec(comparison.world))
    return (
        comparison.queue is None
        and world.warm_pool == WarmPoolSpec()
        and world.metric_delay_minutes <= _MOST_DELAY_MINUTES
        and basis is not None
        and basis.layer_units == world.units_per_instance
    )


def _is_trusted(model: DemandModel) -> bool:
    return model.trusted


def foreseen(
    comparison: Comparison,
    *,
    service_level: ServiceLevelSpec | None = None,
    follows: Callable[[DemandModel], bool] = _is_trusted,
) -> Run:
    """Return what the production decision does, without words.

    Args:
        comparison: Live work, without a warm pool.
        service_level: As in `live_spec`.
        follows: Whether a model is followed; a benchmark may do without trust. Default: as a
            tick does, if it is trusted.

    Raises:
        ValueError: It is not to be replayed so, see `at_once`.
    """
    world, demand = comparison.world, comparison.demand
    spec = live_spec(world, service_level=service_level)
    basis, delay = basis_of(spec), world.metric_delay_minutes
    if basis is None or not at_once(comparison):
        raise ValueError("only live work on one group without a warm pool is replayed at once")
    values, minutes = demand.units.tolist(), demand.minutes
    first = demand.start_epoch_seconds // SECONDS_PER_MINUTE
    points = tuple((SECONDS_PER_MINUTE * (first + at), one) for at, one in enumerate(values))
    baseline = world.baseline_units / basis.layer_units
    history = History(first)
    history.extend([one / basis.layer_units for one in values])
    learner = Learner(spec, metric_delay_minutes=delay)
    rule = ReactiveRule(spec, basis, metric_delay_minutes=delay)
    aims: list[Aims] = []
    model: DemandModel | None = None
    before = -(first + 1) % _LESSON_MINUTES - _LESSON_MINUTES
    doubted = _vanished(history, delay, read_seconds(spec) // SECONDS_PER_MINUTE)
    tell = TOLD.get()
    for start, end in pairwise((*range(before, minutes, _LESSON_MINUTES), minutes)):
        seen, until = max(0, start + 1 - delay), max(0, end - delay)
        if start >= 0 and seen:
            learner.advance(points[max(0, seen - 2 * _LESSON_MINUTES) : seen])
            model = learner.model()
            if model and model.service:
                rule.price(model.service.unserved_cost)
        if model and follows(model):
            learned = model.newest_minute + 1 - first
            found = foreseen_aims(model, history, learned, until, baseline)
            aims += found[len(aims) - learned :]
        elif until > len(aims):
            newest = history.believed(len(aims), until)
            aims += rule.aims(history, len(aims), until, newest=newest)
        for at in (one for one in doubted if max(0, start - delay) <= one < until):
            newest = history.believed(at, at + 1)
            (needed,) = rule.aims(history, at, at + 1, newest=newest)
            aims[at] = needed._replace(keep=basis.most_layers)  # nothing is let go in doubt
        tell(end - max(0, start))
    return _played(comparison, aims)


def _vanished(history: History, delay: int, read_minutes: int) -> list[int]:
    """Return the minutes whose demand has vanished as never before, see `read_demand`."""
    values, width = history.values, VANISHED_SECONDS // SECONDS_PER_MINUTE - delay
    newest = history.believed(0, history.count)
    low = np.flatnonzero(newest <= NEAR_ZERO_SHARE * values.max(initial=0.0))
    found = []
    for at in low.tolist():
        since = max(0, at + 1 - width)
        high = max(newest[at], values[since:at].max(initial=0.0))
        before = values[max(0, at + 1 - read_minutes) : since]
        near_zero = NEAR_ZERO_SHARE * high
        if high > 1 and newest[at] <= near_zero < before.min(initial=np.inf) and len(before):
            found.append(at)
    return found


def _played(comparison: Comparison, aims: list[Aims]) -> Run:
    """Boot what is missing and end what is too much, on seeing one minute after the other."""
    world, demand = comparison.world, comparison.demand
    boot, delay, most = world.boot_minutes, world.metric_delay_minutes, world.max_instances
    ready, booting = world.min_instances, 0
    coming = [0] * (demand.minutes + boot + 2)
    served, billed, desired = [], [], []
    for minute in range(demand.minutes):
        ready += coming[minute]
        booting -= coming[minute]
        served.append(ready)
        billed.append(ready + booting)
        if minute >= delay:
            grow, _, keep = aims[minute - delay]
            grow, keep = min(most, grow), max(world.min_instances, keep)
            if grow > ready + booting:
                coming[minute + 1 + boot] += grow - ready - booting
                booting = grow - ready
            else:
                ready = min(ready, keep)
        desired.append(ready + booting)
    burst = np.maximum(0.0, demand.units - world.baseline_units)
    capacity = np.array(served, np.float64)
    return Run(
        policy="peakfleet",
        demand=demand,
        world=world,
        desired_instances=np.array(desired, np.float64),
        ready_instances=capacity,
        billed_instances=np.array(billed, np.float64),
        burst_units=burst,
        unserved_units=np.maximum(0.0, burst - capacity * world.units_per_instance),
        due_units=burst,
        explanations=("",) * demand.minutes,
    )
