"""Perfect foresight: the least cost that any policy could have had."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_sim.demand import Demand, Floats
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import World

NAME: Final = "optimum"

_Choices = NDArray[np.bool_]


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
    on = _schedule(instances, world, layers)
    starts = on & ~np.vstack([np.zeros((1, layers), np.bool_), on[:-1]])
    starts[:, : world.min_instances] = False
    ready = on.sum(axis=1).astype(np.float64)
    return Run(
        policy=NAME,
        demand=demand,
        world=world,
        desired_instances=np.append(ready[1:], ready[-1]),
        ready_instances=ready,
        billed_instances=ready + world.boot_minutes * starts.sum(axis=1),
        burst_units=burst,
        unserved_units=np.maximum(0.0, burst - ready * world.units_per_instance),
        due_units=burst,
        explanations=("knows all demand beforehand",) * demand.minutes,
    )


def _schedule(instances: Floats, world: World, layers: int) -> _Choices:
    """Return which layer is on in which minute."""
    minutes, layer = len(instances), np.arange(layers)
    always = layer < world.min_instances
    start = np.where(always, 0.0, float(world.boot_minutes))
    stop = np.where(always, np.inf, 0.0)
    cost_on, cost_off = start.copy(), stop.copy()
    came_from_off = np.zeros((minutes, layers), np.bool_)
    came_from_on = np.zeros((minutes, layers), np.bool_)
    for minute in range(minutes):
        missed = np.clip(instances[minute] - layer, 0.0, 1.0)
        started, stopped = cost_off + start, cost_on + stop
        came_from_off[minute] = started < cost_on
        came_from_on[minute] = stopped < cost_off
        cost_on, cost_off = (
            np.minimum(cost_on, started) + 1.0,
            np.minimum(cost_off, stopped) + world.unserved_cost * missed,
        )
    state = cost_on < cost_off
    on = np.zeros((minutes, layers), np.bool_)
    for minute in range(minutes - 1, -1, -1):
        on[minute] = state
        state = np.where(state, ~came_from_off[minute], came_from_on[minute])
    return on
