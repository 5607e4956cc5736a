"""How much should wait in warm pools: what would have cost least on the last days."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final

from peakfleet_learner.grading import DECAY_A_MINUTE, NOTHING
from peakfleet_planner.forecast import Aims, Basis, WarmBasis
from peakfleet_planner.spec import hold_seconds

SHARES: Final = (0.0, 0.025, 0.05, 0.1, 0.2, 0.4, 1.0)
"""Sizes that are tried, as shares of the highest burst."""
_CLEARLY: Final = 0.99
"""Another size must have cost this much less: changing it has a price of its own."""


class WarmTrial:
    """A fleet with a warm pool of one size, and what it cost. In layers.

    What is launched is taken from what waits first. What was taken is booted anew.

    Args:
        basis: The fleet.
        warm: Its warm pool.
        metric_delay_minutes: How late demand is seen.
        share: Size of the pool, as share of the highest burst.
    """

    def __init__(
        self, basis: Basis, warm: WarmBasis, *, metric_delay_minutes: int, share: float
    ) -> None:
        self._basis, self._warm, self._share = basis, warm, share
        self._aims: deque[Aims] = deque([NOTHING] * metric_delay_minutes)
        self._ready = self._waiting = 0
        self._booting: deque[int] = deque([0] * (basis.boot_minutes + 1))
        self._refilling: deque[int] = deque([0] * (basis.boot_minutes + 1))
        self.cost = 0.0
        self.unserved_cost = basis.unserved_cost

    def size(self, highest_burst: float) -> int:
        """Return how many layers wait when the pool is full."""
        layers = ceil(self._share * highest_burst - 1e-9)
        return min(max(layers, self._warm.least_layers), self._warm.most_layers)

    def step(self, burst: float, highest_burst: float, aims: Aims) -> None:
        """Serve the burst of a minute, then decide as on seeing it.

        Args:
            burst: Demand above the baseline.
            highest_burst: The highest ever.
            aims: How many layers should run.
        """
        self._ready += self._booting.popleft()
        self._waiting += self._refilling.popleft()
        booting, refilling = sum(self._booting), sum(self._refilling)
        missed = max(0.0, burst - self._ready)
        paid = self._ready + booting + refilling + self._warm.cost_fraction * self._waiting
        self.cost = self.cost * DECAY_A_MINUTE + paid + self.unserved_cost * missed
        self._aims.append(aims)
        told = self._aims.popleft()
        running = self._ready + booting
        reach = running + self._waiting
        more = max(0, (told.grow if told.grow > reach else min(told.start, reach)) - running)
        taken = min(more, self._waiting)
        self._waiting -= taken
        self._booting.append(more - taken)
        self._booting[self._warm.start_minutes] += taken
        if not more:
            self._ready = min(self._ready, max(told.grow, told.keep))
        missing = self.size(highest_burst) - self._waiting - refilling
        self._refilling.append(max(0, missing))
        self._waiting += max(-self._waiting, min(0, missing))


class ReuseTrial:
    """A fleet where what is let go waits for a while, and what it cost. In layers.

    What is launched is taken from what waits first.

    Args:
        basis: The fleet.
        warm: Its warm pool.
        metric_delay_minutes: How late demand is seen.
    """

    def __init__(self, basis: Basis, warm: WarmBasis, *, metric_delay_minutes: int) -> None:
        self._basis, self._warm = basis, warm
        self._hold_minutes = hold_seconds(
            boot_seconds=basis.boot_minutes, cost_fraction=warm.cost_fraction
        )
        self._aims: deque[Aims] = deque([NOTHING] * metric_delay_minutes)
        self._ready = self._waiting = self._minute = 0
        self._booting: deque[int] = deque([0] * (basis.boot_minutes + 1))
        self._heights: deque[tuple[int, int]] = deque()
        self.cost = self.missed = 0.0
        self.unserved_cost = basis.unserved_cost

    def step(self, burst: float, aims: Aims) -> float:
        """Serve the burst of a minute, then decide as on seeing it; return what it cost."""
        self._ready += self._booting.popleft()
        running = self._ready + sum(self._booting)
        missed = max(0.0, burst - self._ready)
        paid = running + self._warm.cost_fraction * self._waiting
        self.missed = missed
        cost = paid + self.unserved_cost * missed
        self.cost = self.cost * DECAY_A_MINUTE + cost
        self._aims.append(aims)
        told = self._aims.popleft()
        reach = running + self._waiting
        more = max(0, (told.grow if told.grow > reach else min(told.start, reach)) - running)
        taken = min(more, self._waiting)
        gone = 0 if more else max(0, self._ready - max(told.start, told.keep))
        self._booting.append(more - taken)
        self._booting[self._warm.start_minutes] += taken
        self._ready -= gone
        room = max(0, self._highest(running) - running - more + gone)
        self._waiting = min(self._waiting - taken + gone, room)
        return cost

    def _highest(self, running: int) -> int:
        """Return the most that ran within the time for which waiting pays."""
        self._minute += 1
        while self._heights and self._heights[-1][1] <= running:
            self._heights.pop()
        self._heights.append((self._minute, running))
        while self._heights[0][0] <= self._minute - self._hold_minutes:
            self._heights.popleft()
        return self._heights[0][1]


class WarmLearner:
    """How large a warm pool should be; where what is let go waits, that is no matter of learning.

    Args:
        basis: The fleet.
        warm: Its warm pool.
        metric_delay_minutes: How late demand is seen.
    """

    def __init__(self, basis: Basis, warm: WarmBasis, *, metric_delay_minutes: int) -> None:
        self._trials = tuple(
            WarmTrial(basis, warm, metric_delay_minutes=metric_delay_minutes, share=share)
            for share in (SHARES[:1] if warm.reuse else SHARES)
        )
        self._chosen = self._trials[0]

    def grade(self, burst: float, highest_burst: float, aims: Aims) -> None:
        """Take in one more minute, as `WarmTrial.step`."""
        for trial in self._trials:
            trial.step(burst, highest_burst, aims)

    def price(self, cost: float) -> None:
        """Give missed work this worth."""
        for trial in self._trials:
            trial.unserved_cost = cost

    def choose(self) -> None:
        """Take the size that would have cost least, if that is clear."""
        best = min(self._trials, key=lambda trial: trial.cost)
        if best.cost < _CLEARLY * self._chosen.cost:
            self._chosen = best

    def layers(self, highest_burst: float) -> int:
        """Return how many layers should wait."""
        return self._chosen.size(highest_burst)
