"""AWS target tracking, as documented and observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final

from peakfleet_sim.policies.gauge import ROUNDING, Gauge, WarmUp
from peakfleet_sim.world import Decision, Seen

OUT_POINTS: Final = 3
"""One-minute points above the target, in a row, that scale out."""
IN_POINTS: Final = 15
"""One-minute points well below the target, in a row, that scale in."""
WELL_BELOW: Final = 0.9
"""Share of the target below which scale-in is considered."""


@dataclass(slots=True, kw_only=True)
class TargetTracking:
    """Target tracking of EC2 Auto Scaling on a metric per instance.

    Scales out after 3 one-minute points in a row above the target and in after 15 more than
    10 % below it, to the load over the target, rounded up; scale-in is blocked while
    instances boot or warm up. Keeps at least one instance: a metric per instance says
    nothing of an empty group.

    Sources: EC2 Auto Scaling user guide, "Target tracking scaling policies" (rounding, warm-up,
    more than 10 % lower); the alarms it makes, in copilot-cli #4233, containers-roadmap #1208
    and amazon-aurora-labs #3 (3 of 3, 15 of 15).

    With a metric of 10 seconds (`TargetTrackingMetricStat.Period`, since November 2024),
    three points are half a minute: 1 minute out, 3 minutes in. How AWS tunes the
    responsiveness by itself is not published and not modelled.

    Args:
        gauge: The metric.
        target: Use of an instance that is aimed at. Default: 0.7.
        out_points: Minutes in a row above the target that scale out. Default: 3.
        in_points: Minutes in a row well below it that scale in. Default: 15.
        name: What it is called. Default: target-tracking.
    """

    gauge: Gauge
    target: float = 0.7
    out_points: int = OUT_POINTS
    in_points: int = IN_POINTS
    name: str = "target-tracking"
    _above: int = field(init=False, default=0)
    _below: int = field(init=False, default=0)
    _warm_up: WarmUp = field(init=False, default_factory=WarmUp)

    @property
    def least_instances(self) -> int:
        """One: a metric per instance needs an instance."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        warm = self._warm_up.step(seen)
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        ratio = self.gauge.use(seen) / self.target
        self._above = self._above + 1 if ratio > 1 else 0
        self._below = self._below + 1 if ratio < WELL_BELOW else 0
        wanted = max(1, ceil(self.gauge.load(seen, target=self.target) - ROUNDING))
        says = f"use per instance at {ratio:.2f} of its target"
        if self._above >= self.out_points and wanted > seen.instances:
            return Decision(instances=wanted, explanation=says)
        still = warm == seen.ready_instances and not seen.booting_instances
        if self._below >= self.in_points and still and wanted < seen.instances:
            return Decision(instances=wanted, explanation=says)
        return Decision(
            instances=seen.instances, explanation="no alarm in a row, or still warming up"
        )
