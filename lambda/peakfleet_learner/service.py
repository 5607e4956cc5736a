"""The share of the burst that may be missed: which worth of missed work keeps it."""

from __future__ import annotations

from math import exp, log
from typing import Final

from peakfleet_planner.forecast import DAY_MINUTES, Service

MOST_COST: Final = 2000.0
"""Dearer misses change no decision: everything that was ever needed is kept running by then."""
_WINDOW_DAYS: Final = 14
_DECAY_A_MINUTE: Final = 1 - 1 / (_WINDOW_DAYS * DAY_MINUTES)
_A_DAY: Final = 1.0
"""A day that missed twice what was asked for raises the logarithm of the worth by this."""
_HYSTERESIS: Final = 0.1
"""The worth is left alone until its logarithm has moved by this, so that sizes do not twitch."""


class Steering:
    """Raises the worth of missed work after misses, lowers it while there are none.

    What was missed beyond what may be is a debt that later minutes pay back, so that the share is
    kept over weeks whatever demand does, as far as the bounds of the worth allow.

    Args:
        asked: Share of the burst that may be missed.
        first_cost: The worth that it begins with.
    """

    def __init__(self, *, asked: float, first_cost: float) -> None:
        self._asked = asked
        self._level = log(first_cost)
        self._burst = self._missed = self._all_burst = self._minutes = 0.0
        self.cost = first_cost

    def expect(self, burst: float) -> None:
        """Take in a minute's demand above the baseline before anything can be missed of it."""
        self._all_burst = self._all_burst * _DECAY_A_MINUTE + burst
        self._minutes = self._minutes * _DECAY_A_MINUTE + 1

    def see(self, burst: float, missed: float) -> None:
        """Take in what a minute asked for above the baseline, and what of it was missed."""
        self.expect(burst)
        self._burst = self._burst * _DECAY_A_MINUTE + burst
        self._missed = self._missed * _DECAY_A_MINUTE + missed
        usual_day = self._all_burst * DAY_MINUTES / self._minutes
        if usual_day <= 0:
            return
        over = (missed - self._asked * burst) / (self._asked * usual_day)
        self._level = min(max(0.0, self._level + _A_DAY * over), log(MOST_COST))

    def settle(self) -> bool:
        """Move the worth if it is clearly off; return whether it has moved."""
        bound = self._level in {0.0, log(MOST_COST)}
        if abs(self._level - log(self.cost)) <= (0.0 if bound else _HYSTERESIS):
            return False
        self.cost = exp(self._level)
        return True

    def service(self) -> Service:
        """Return what was asked, what came of it, and the worth."""
        got = self._missed / self._burst if self._burst else 0.0
        return Service(
            asked=self._asked, got=float(f"{min(1.0, got):.4g}"), unserved_cost=max(1.0, self.cost)
        )
