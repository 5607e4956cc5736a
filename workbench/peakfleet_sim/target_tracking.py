"""AWS target tracking, as documented and observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final

from peakfleet_planner import WAITING
from peakfleet_sim.live import DEMAND
from peakfleet_sim.world import Decision, Seen, World

OUT_POINTS: Final = 3
"""One-minute points above the target, in a row, that scale out."""
IN_POINTS: Final = 15
"""One-minute points well below the target, in a row, that scale in."""
WELL_BELOW: Final = 0.9
"""Share of the target below which scale-in is considered."""
WARM_UP_MINUTES: Final = 2
"""Minutes after the boot in which an instance still blocks scale-in."""

_ROUNDING: Final = 1e-9


@dataclass(slots=True, kw_only=True)
class _Alarms:
    """The two alarms of a target tracking policy, and the scale-in block while warming.

    The load is in instances at the target: how many instances would just meet it. The policy
    rounds up when it adds and down when it removes, and never goes below one instance, for a
    metric per instance says nothing of an empty group.
    """

    world: World
    above: int = 0
    below: int = 0
    warm_from_minute: int = 0

    def decide(self, seen: Seen, ratio: float, load: float, what: str) -> Decision:
        """Return the next size for a metric at *ratio* of its target and *load* instances."""
        self.above = self.above + 1 if ratio > 1 else 0
        self.below = self.below + 1 if ratio < WELL_BELOW else 0
        current = seen.instances
        wanted = min(max(ceil(load - _ROUNDING), 1), self.world.max_instances)
        if self.above >= OUT_POINTS and wanted > current:
            warming = self.world.boot_minutes + WARM_UP_MINUTES
            self.warm_from_minute = seen.minute + 1 + warming
            return Decision(instances=wanted, explanation=f"{what} at {ratio:.2f} of its target")
        warm = seen.minute >= self.warm_from_minute and not seen.booting_instances
        if self.below >= IN_POINTS and warm and wanted < current:
            return Decision(instances=wanted, explanation=f"{what} at {ratio:.2f} of its target")
        return Decision(instances=current, explanation="no alarm in a row, or still warming up")


@dataclass(slots=True, kw_only=True)
class TargetTracking:
    """Target tracking on load per instance, for live work.

    Scales out after 3 one-minute points in a row above the target and in after 15 well below
    it, to load over target; scale-in is blocked while instances boot or warm up. Keeps at
    least one instance. The metric is the burst per instance and does not saturate, which is
    kinder than a CPU metric.

    Args:
        world: The physics.
        target: Load per instance that is aimed at. Default: 0.7.
    """

    world: World
    target: float = 0.7
    _alarms: _Alarms = field(init=False)

    def __post_init__(self) -> None:
        """Start without alarms."""
        self._alarms = _Alarms(world=self.world)

    @property
    def name(self) -> str:
        """What it is called."""
        return f"target-tracking:{self.target:g}"

    @property
    def least_instances(self) -> int:
        """One: a metric per instance needs an instance."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        burst = max(0.0, float(seen.metrics[DEMAND][-1]) - self.world.baseline_units)
        load = burst / self.world.units_per_instance / self.target
        return self._alarms.decide(seen, load / float(seen.ready[-1]), load, "load per instance")


@dataclass(slots=True, kw_only=True)
class BacklogTracking:
    """Target tracking on backlog per instance, as the EC2 Auto Scaling guide does for SQS.

    The target is the acceptable latency over the time that one instance needs for an item. On
    top of the guide, the metric knows what the on-premises units do: it divides the waiting
    items by all workers and aims at instances for what those cannot do.

    Args:
        world: The physics.
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: When an item is late.
        target: Share of the deadline that is the acceptable latency. Default: 0.7.
    """

    world: World
    seconds_per_item: float
    deadline_seconds: float
    target: float = 0.7
    _alarms: _Alarms = field(init=False)

    def __post_init__(self) -> None:
        """Start without alarms."""
        self._alarms = _Alarms(world=self.world)

    @property
    def name(self) -> str:
        """What it is called."""
        return f"target-tracking:{self.target:g}"

    @property
    def least_instances(self) -> int:
        """One: a metric per instance needs an instance."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        items_per_unit = self.deadline_seconds * self.target / self.seconds_per_item
        waiting = float(seen.metrics[WAITING][-1])
        each = self.world.units_per_instance
        units = self.world.baseline_units + float(seen.ready[-1]) * each
        ratio = waiting / items_per_unit / units
        load = (waiting / items_per_unit - self.world.baseline_units) / each
        return self._alarms.decide(seen, ratio, load, "backlog per instance")
