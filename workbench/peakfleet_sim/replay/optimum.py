"""Perfect foresight: the least cost that any policy could have had, live or for a queue."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from peakfleet_planner.spec import finish_within_seconds
from peakfleet_sim.demand import Demand, Floats
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import SECONDS_PER_MINUTE, BacklogWork, World

Integers = NDArray[np.signedinteger[Any]]
OPTIMUM: Final = "optimum"
"""The name of perfect foresight among policies."""
_LAYERS_AT_ONCE: Final = 256
"""Layers that are worked on together: the fewer, the more minutes are alike for all of them."""


def live_optimum(demand: Demand, world: World) -> Run:
    """Return the run of least cost for live work, knowing all demand beforehand.

    The cost is instance-minutes, boot minutes included, plus `unserved_cost` for each
    unserved instance-minute of work. It is exact. Instances are alike, so capacity falls
    into layers: layer k serves what lies between k and k + 1 instances of burst. A higher
    layer never has more to serve than a lower one, so the best schedules of the layers nest,
    and each is found on its own by a dynamic program over two states, on and off.

    The boot minutes of an instance are billed in the minute in which it begins to serve.
    """
    burst = np.maximum(0.0, demand.units - world.baseline_units)
    instances = burst / world.units_per_instance
    needed = int(np.ceil(instances.max()))
    layers = min(max(needed, world.min_instances), world.max_instances)
    ready, starts = np.zeros(demand.minutes), np.zeros(demand.minutes)
    for first in range(0, layers, _LAYERS_AT_ONCE):
        layer = np.arange(first, min(first + _LAYERS_AT_ONCE, layers))
        begins, lengths = _stretches(np.clip(instances, layer[0], layer[-1] + 1))
        on = _schedule(instances[begins], lengths, world, layer)
        ready += np.repeat(on.sum(axis=1), lengths)
        bought = on[:, layer >= world.min_instances]
        starts[0] += bought[0].sum()
        starts[begins[1:]] += (bought[1:] & ~bought[:-1]).sum(axis=1)
    return Run(
        policy=OPTIMUM,
        demand=demand,
        world=world,
        desired_instances=np.append(ready[1:], ready[-1]),
        ready_instances=ready,
        billed_instances=ready + world.boot_minutes * starts,
        burst_units=burst,
        unserved_units=np.maximum(0.0, burst - ready * world.units_per_instance),
        due_units=burst,
        explanations=("knows all demand beforehand",) * demand.minutes,
    )


def _stretches(seen: Floats) -> tuple[Integers, Integers]:
    """Return where stretches of equal demand begin, and how many minutes each lasts.

    Within one, nothing is gained by a change later than in its first minute: what it costs
    grows evenly with the minutes before it.
    """
    begins = np.flatnonzero(np.diff(seen, prepend=np.nan) != 0.0)
    return begins, np.diff(begins, append=len(seen))


def _schedule(
    instances: Floats, lengths: Integers, world: World, layer: Integers
) -> NDArray[np.bool_]:
    """Return which of these layers is on in which stretch of so many minutes."""
    stretches, layers = len(instances), len(layer)
    always = layer < world.min_instances
    start = np.where(always, 0.0, float(world.boot_minutes))
    stop = np.where(always, np.inf, 0.0)
    cost_on, cost_off = start.copy(), stop.copy()
    came_from_off = np.zeros((stretches, layers), np.bool_)
    came_from_on = np.zeros((stretches, layers), np.bool_)
    for at, minutes in enumerate(lengths.tolist()):
        missed = np.clip(instances[at] - layer, 0.0, 1.0)
        started, stopped = cost_off + start, cost_on + stop
        came_from_off[at] = started < cost_on
        came_from_on[at] = stopped < cost_off
        cost_on, cost_off = (
            np.minimum(cost_on, started) + minutes,
            np.minimum(cost_off, stopped) + minutes * world.unserved_cost * missed,
        )
    state = cost_on < cost_off
    on = np.zeros((stretches, layers), np.bool_)
    for at in range(stretches - 1, -1, -1):
        on[at] = state
        state = np.where(state, ~came_from_off[at], came_from_on[at])
    return on


def backlog_optimum(
    demand: Demand, world: World, *, seconds_per_item: float, deadline_seconds: float
) -> Run:
    """Return the run of least cost for a queue, knowing all demand beforehand.

    The cost is instance-minutes, boot minutes included, plus `unserved_cost` for each
    instance-minute of late work. A linear program solved to the optimum; it allows fractions
    of instances, lets the planner choose which work is late and never asks to do that work,
    so it is a bound from below: no policy can be cheaper.

    Args:
        demand: Arriving work, in the units that it keeps busy.
        world: The physics.
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: How long an item may wait, as in `BacklogWork`. That a long item keeps
            one unit to itself is left out: a bound from below all the same.
    """
    within_seconds = finish_within_seconds(seconds_per_item, deadline_seconds)
    deadline = int(within_seconds // SECONDS_PER_MINUTE)
    ready, started, late = _solve(demand.units, world, deadline)
    work = BacklogWork(
        seconds_per_item=seconds_per_item,
        deadline_seconds=deadline_seconds,
        baseline_units=world.baseline_units,
    )
    minutes = [work.step_units(float(units), 0.0) for units in demand.units]
    falls_due = np.zeros(demand.minutes)
    if deadline < demand.minutes:
        falls_due[deadline:] = late[: demand.minutes - deadline]
    return Run(
        policy=OPTIMUM,
        demand=demand,
        world=world,
        desired_instances=np.append(ready[1:], ready[-1]),
        ready_instances=ready,
        billed_instances=ready + world.boot_minutes * started,
        burst_units=np.array([minute.burst_units for minute in minutes]),
        unserved_units=falls_due,
        due_units=np.array([minute.due_units for minute in minutes]),
        explanations=("knows all demand beforehand",) * demand.minutes,
    )


def _solve(arrivals: Floats, world: World, deadline: int) -> tuple[Floats, Floats, Floats]:
    """Return instances that serve, instances started and work given up, by minute.

    Variables, each by minute: instances `n`, starts `s`, work done in time so far `c`, work
    given up so far `g`. Rows: starts cover growth; the work of a minute fits the capacity;
    nothing is done before it arrives; all that is not given up is done by its deadline.
    """
    size, each = len(arrivals), world.units_per_instance
    arrived = np.cumsum(arrivals)
    eye = sparse.eye_array(size, format="csr")
    change = eye - sparse.eye_array(size, k=-1, format="csr")
    none = sparse.csr_array((size, size))
    due = max(0, size - deadline)
    reached, of_then = eye[deadline:], eye[:due]
    rows = sparse.block_array(
        [
            [change, -eye, none, none],
            [-each * eye, none, change, none],
            [none, none, -change, none],
            [none, none, none, change],
            [none, none, none, -change],
            [none, none, eye, eye],
            [None, None, -reached, -of_then] if due else [None] * 4,
        ][: 7 if due else 6],
        format="csr",
    )
    first = np.zeros(size)
    first[0] = world.min_instances
    bounds_rows = np.concatenate(
        [
            first,
            np.full(size, world.baseline_units),
            np.zeros(size),
            arrivals,
            np.zeros(size),
            arrived,
            -arrived[:due],
        ]
    )
    price = np.zeros(4 * size)
    price[:size], price[size : 2 * size] = 1.0, float(world.boot_minutes)
    if due:
        price[3 * size + due - 1] = world.unserved_cost / each
    instances = (float(world.min_instances), float(world.max_instances))
    # The interior point method, with crossover, is several times faster here than the simplex.
    solved = linprog(  # type: ignore[call-overload]  # the stubs know only dense matrices
        price,
        A_ub=rows,
        b_ub=bounds_rows,
        bounds=[instances] * size + [(0.0, np.inf)] * (3 * size),
        method="highs-ipm",
    )
    if solved.x is None:
        raise ArithmeticError(f"the optimum was not found: {solved.message}")
    ready, started, _, given_up = np.split(np.asarray(solved.x, dtype=np.float64), 4)
    return ready, started, np.diff(given_up, prepend=0.0)
