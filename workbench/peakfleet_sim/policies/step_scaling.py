"""AWS step scaling with the steps of its user guide."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor
from typing import Final

from peakfleet_sim.policies.gauge import Gauge, WarmUp
from peakfleet_sim.world import Decision, Seen

OUT_POINTS: Final = 2
IN_POINTS: Final = 15
DEAD_BAND: Final = 0.2
"""Scale-in is considered this far below the threshold of scale-out."""
FAR: Final = 0.1
"""Beyond either threshold by this much, the large step is taken."""
SMALL_STEP: Final = 0.1
LARGE_STEP: Final = 0.3


@dataclass(slots=True, kw_only=True)
class StepScaling:
    """Step scaling of EC2 Auto Scaling, `PercentChangeInCapacity`.

    Above the threshold for 2 minutes it adds 10 % of what is warm, 30 % if it is above by more
    than 10 points; 20 points below it for 15 minutes it removes 10 %, or 30 %. Percentages
    round down, but to at least one instance. It goes on answering while instances boot, but a
    step repeated during the warm-up is one activity. Scale-in is blocked while instances boot
    or warm up. Keeps at least one instance.

    Sources: EC2 Auto Scaling user guide, "Step and simple scaling policies": example steps,
    rounding, warm-up. The periods of the alarms are the user's choice; these are ours.

    Args:
        gauge: The metric.
        threshold: Use of an instance above which it scales out. Default: 0.7.
        name: What it is called. Default: step.
    """

    gauge: Gauge
    threshold: float = 0.7
    name: str = "step"
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
        use, current = self.gauge.use(seen), seen.instances
        low = self.threshold - DEAD_BAND
        self._above = self._above + 1 if use >= self.threshold else 0
        self._below = self._below + 1 if use <= low else 0
        says = f"use per instance {use:.2f}, threshold {self.threshold:g}"
        if self._above >= OUT_POINTS:
            grown = warm + _step(warm, large=use >= self.threshold + FAR)
            return Decision(instances=max(current, grown), explanation=says)
        still = warm == seen.ready_instances and not seen.booting_instances
        if self._below >= IN_POINTS and still:
            shrunk = current - _step(current, large=use <= low - FAR)
            return Decision(instances=shrunk, explanation=says)
        return Decision(instances=current, explanation="no alarm, or still warming up")


def _step(instances: int, *, large: bool) -> int:
    return max(1, floor(instances * (LARGE_STEP if large else SMALL_STEP)))
