"""The Kubernetes Horizontal Pod Autoscaler, and KEDA, which drives one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from peakfleet_sim.policies.gauge import Gauge
from peakfleet_sim.policies.policy import Decision, Seen
from peakfleet_sim.world import ROUNDING

TOLERANCE: Final = 0.1
"""No change while the metric is this close to its target."""
KEEP_MINUTES: Final = 5
"""The down-stabilisation window: the highest recommendation within it counts."""
NODE_KEEP_MINUTES: Final = 10
"""How much longer the Cluster Autoscaler keeps a node that nobody needs."""
IDLE_MINUTES: Final = 5
"""KEDA's cooldown before it goes to zero."""
FASTEST_FACTOR: Final = 16
"""Doubling every 15 seconds, four times a minute."""
FASTEST_PODS: Final = 16
"""Four pods every 15 seconds; the larger of both bounds the growth."""


@dataclass(slots=True, kw_only=True)
class Hpa:
    """Pods of one instance each, whose nodes come and go with them.

    Recommends the load over the target, rounded up, unless the metric is within 10 % of it;
    grows by at most 100 % or 4 pods in 15 seconds; shrinks to the highest recommendation of
    the last 5 minutes. A node boots as an instance does; it leaves with its pod, as with
    Karpenter consolidating at once, unless `keep_minutes` says otherwise.

    The HPA keeps at least one pod. KEDA (`to_zero`) goes to zero after 5 minutes without
    work; from one on it is the HPA.

    Sources: kubernetes/website, "Horizontal Pod Autoscaling" (formula, tolerance, behaviour);
    KEDA, "ScaledObject" (cooldownPeriod 300, minReplicaCount 0); Cluster Autoscaler FAQ
    (scale-down-unneeded-time 10 minutes).

    Args:
        gauge: The metric, taken over all pods that are asked for.
        target: Use of a pod that is aimed at. Default: 0.7.
        to_zero: Whether KEDA switches it off. Default: it does not.
        keep_minutes: Minutes for which the highest recommendation counts. Default: 5.
        name: What it is called. Default: hpa.
    """

    gauge: Gauge
    target: float = 0.7
    to_zero: bool = False
    keep_minutes: int = KEEP_MINUTES
    name: str = "hpa"
    _recommended: deque[int] = field(init=False)
    _idle_minutes: int = field(init=False, default=IDLE_MINUTES)

    def __post_init__(self) -> None:
        """Start without recommendations."""
        self._recommended = deque(maxlen=self.keep_minutes)

    @property
    def least_instances(self) -> int:
        """One pod, or none with KEDA."""
        return 0 if self.to_zero else 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        current, load = seen.instances, self.gauge.load(seen, target=self.target)
        wanted = ceil(load - ROUNDING)
        if current and abs(load / current - 1) <= TOLERANCE:
            wanted = current
        wanted = min(wanted, max(current * FASTEST_FACTOR, current + FASTEST_PODS))
        self._idle_minutes = 0 if load > 0 else self._idle_minutes + 1
        if not self.to_zero or self._idle_minutes < IDLE_MINUTES:
            wanted = max(wanted, 0 if self.to_zero and load > 0 else 1)
        self._recommended.append(wanted)
        return Decision(
            instances=max(self._recommended),
            explanation=f"load of {load:.1f} instances at target {self.target:g}",
        )
