"""Lazy Capacity Provisioning."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from peakfleet_sim.demand import Floats
from peakfleet_sim.policies.gauge import Gauge
from peakfleet_sim.policies.policy import Decision, Seen
from peakfleet_sim.world import World


@dataclass(slots=True, kw_only=True)
class LazyCapacityProvisioning:
    """Online right-sizing that is never worse than three times the optimum, without lead time.

    Capacity falls into layers of one instance; each keeps how much more it would have cost so
    far to be on rather than off, within 0 and the price of a start, and is switched on when
    that reaches 0 and off when it reaches the price of a start. It was made for servers that
    start at once; here they boot, so its guarantee does not hold.

    Source: Lin, Wierman, Andrew, Thereska, "Dynamic right-sizing for power-proportional data
    centers", INFOCOM 2011.

    Args:
        gauge: The metric.
        world: The physics; its boot time is the price of a start, at least one minute.
        penalty: Instance-minutes that an unserved one is taken to cost. Default: the world's.
        name: What it is called. Default: lcp.
    """

    gauge: Gauge
    world: World
    penalty: float | None = None
    name: str = "lcp"
    _layer: Floats = field(init=False)
    _regret: Floats = field(init=False)
    _on: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Start with every layer off."""
        self._layer = np.arange(self.world.max_instances, dtype=np.float64)
        self._regret = np.full(self.world.max_instances, self._start_cost)
        self._on = np.zeros(self.world.max_instances, np.bool_)

    @property
    def least_instances(self) -> int:
        """None."""
        return 0

    @property
    def _start_cost(self) -> float:
        return float(max(1, self.world.boot_minutes))

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        penalty = self.world.unserved_cost if self.penalty is None else self.penalty
        load = self.gauge.load(seen)
        work = np.minimum(np.maximum(load - self._layer, 0.0), 1.0)
        regret = np.minimum(np.maximum(self._regret + 1 - penalty * work, 0.0), self._start_cost)
        self._on = (regret <= 0) | (self._on & (regret < self._start_cost))
        self._regret = regret
        return Decision(
            instances=int(np.count_nonzero(self._on)),
            explanation=f"load of {load:.1f} instances, lazily followed",
        )
