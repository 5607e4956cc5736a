"""The metric that an autoscaler follows: load in instances, and use per instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from peakfleet_planner import WAITING
from peakfleet_sim.policies.policy import Seen
from peakfleet_sim.world import DEMAND, World


class Gauge(Protocol):
    """A metric that grows with the work and shrinks with the instances."""

    def load(self, seen: Seen, *, target: float = 1.0) -> float:
        """Return how many instances the newest visible work would use at *target*."""
        ...

    def use(self, seen: Seen) -> float:
        """Return the work for each instance that served then; 1 just keeps it busy."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveGauge:
    """Burst per instance, for live work. It does not saturate as a CPU metric would.

    Args:
        world: The physics.
    """

    world: World

    def load(self, seen: Seen, *, target: float = 1.0) -> float:
        """Return the instances that the burst would use at *target*."""
        burst = float(seen.metrics[DEMAND][-1]) - self.world.baseline_units
        return max(0.0, burst / self.world.units_per_instance / target)

    def use(self, seen: Seen) -> float:
        """Return the burst for each instance; infinite where there was none."""
        load, ready = self.load(seen), float(seen.ready[-1])
        return load / ready if ready else float("inf") if load else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogGauge:
    """Backlog per instance, as the EC2 Auto Scaling guide has it for SQS.

    A unit is busy with as many items as it finishes within the deadline. On top of the guide,
    the metric knows what the on-premises units do: it divides by all workers, and the load is
    what those units cannot do.

    Args:
        world: The physics.
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: When an item is late.
    """

    world: World
    seconds_per_item: float
    deadline_seconds: float

    def load(self, seen: Seen, *, target: float = 1.0) -> float:
        """Return the instances that the backlog would use at *target* beside the baseline."""
        units = self._busy_units(seen) / target - self.world.baseline_units
        return max(0.0, units / self.world.units_per_instance)

    def use(self, seen: Seen) -> float:
        """Return the backlog for each unit, on-premises or cloud."""
        cloud = float(seen.ready[-1]) * self.world.units_per_instance
        busy, units = self._busy_units(seen), self.world.baseline_units + cloud
        return busy / units if units else float("inf") if busy else 0.0

    def _busy_units(self, seen: Seen) -> float:
        return float(seen.metrics[WAITING][-1]) * self.seconds_per_item / self.deadline_seconds
