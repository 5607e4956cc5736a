"""The share of the burst that may be missed: which worth of missed work keeps it."""

from __future__ import annotations

from math import exp, log
from typing import Final

from peakfleet_learner.advantages import Advantages, Choice
from peakfleet_planner.forecast import DAY_MINUTES, Basis, Service, Table, first_tables

MOST_COST: Final = 2000.0
"""Dearer misses change no decision: everything that was ever needed is kept running by then."""
_WINDOW_DAYS: Final = 14
_DECAY_A_MINUTE: Final = 1 - 1 / (_WINDOW_DAYS * DAY_MINUTES)
_A_DAY: Final = 1.0
"""A day that missed twice what was asked for raises the logarithm of the worth by this."""
_HYSTERESIS: Final = 0.1
"""The worth is left alone until its logarithm has moved by this, so that sizes do not twitch."""
_BETWEEN: Final = (1.0, MOST_COST)


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
        self._burst = self._missed = self._minutes = 0.0
        self.cost = first_cost

    def see(self, burst: float, missed: float) -> None:
        """Take in what a minute asked for above the baseline, and what of it was missed."""
        self._burst = self._burst * _DECAY_A_MINUTE + burst
        self._missed = self._missed * _DECAY_A_MINUTE + missed
        self._minutes = self._minutes * _DECAY_A_MINUTE + 1
        usual_day = self._burst * DAY_MINUTES / max(self._minutes, DAY_MINUTES)
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


class SteeredAdvantages:
    """What starting and keeping layers gains, at any worth of missed work.

    For given decisions the gain is linear in the worth, so it is learned at two and known for all.

    Args:
        basis: The fleet.
        metric_delay_minutes: How late demand is seen.
        cost: The worth that it begins with.
    """

    def __init__(self, basis: Basis, *, metric_delay_minutes: int, cost: float) -> None:
        self._boot, self._delay = basis.boot_minutes, metric_delay_minutes
        self._ends = [
            Advantages(
                boot_minutes=basis.boot_minutes,
                launch_cost=basis.boot_minutes,
                metric_delay_minutes=metric_delay_minutes,
                unserved_cost=end,
                most_layers=basis.most_layers,
            )
            for end in _BETWEEN
        ]
        self.tables: tuple[Table, Table] = self._first(cost)
        self.price(cost)

    def note(self, burst: float, choice: Choice) -> None:
        """Remember a minute, as `Advantages.note`."""
        for end in self._ends:
            end.note(burst, choice)

    def learn(self) -> None:
        """Take in all decisions of which it is known what became."""
        for end in self._ends:
            end.learn()

    def price(self, cost: float) -> None:
        """Give the tables this worth of missed work."""
        least, most = _BETWEEN
        share = (cost - least) / (most - least)
        start, keep = (
            (one + share * (other - one)).tolist()
            for one, other in zip(
                self._ends[0].tables_from(self._first(cost)),
                self._ends[1].tables_from(self._first(cost)),
                strict=True,
            )
        )
        self.tables = (start, keep)

    def _first(self, cost: float) -> tuple[Table, Table]:
        return first_tables(
            boot_minutes=self._boot,
            launch_cost=self._boot,
            metric_delay_minutes=self._delay,
            unserved_cost=cost,
        )
