"""What a run cost and what it missed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from peakfleet_sim.replay.replay import Run

_VIOLATION_SHARE: Final = 0.01
_NOTHING: Final = 1e-9
_MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One policy, scored over the minutes after the history.

    Args:
        policy: Its name.
        instance_minutes: Paid minutes, boot included.
        burst_units: Unit-minutes of work above the baseline.
        unserved_units: Unit-minutes of it that nobody did in time.
        violation_minutes: Minutes in which more than 1 % of the burst was unserved.
        cost_ratio: `instance_minutes` over the optimum's; None if that is nothing.
        score: Instance-minutes plus `unserved_cost` for each unserved instance-minute, over the
            same of the optimum: 1 is perfect foresight; None if that is nothing.
        usd: What it cost; None without a price.
    """

    policy: str
    instance_minutes: float
    burst_units: float
    unserved_units: float
    violation_minutes: int
    cost_ratio: float | None
    score: float | None
    usd: float | None = None

    @property
    def cost(self) -> float:
        """Dollars, or instance-minutes without a price."""
        return self.instance_minutes if self.usd is None else self.usd

    @property
    def unserved_percent(self) -> float:
        """Unserved work in percent of the burst."""
        return 100 * self.unserved_units / self.burst_units if self.burst_units else 0.0


def score(run: Run, *, optimum: Run, usd_per_instance_hour: float | None = None) -> Outcome:
    """Return what *run* cost and missed, beside *optimum* of the same demand and world.

    Args:
        run: What a policy did.
        optimum: Perfect foresight.
        usd_per_instance_hour: Price of one instance, billed by the second. Default: unknown.
    """
    scored = slice(run.demand.history_minutes, None)
    instance_minutes = float(run.billed_instances[scored].sum())
    unserved = run.unserved_units[scored]
    violated = unserved > _VIOLATION_SHARE * run.due_units[scored] + _NOTHING
    best_minutes = float(optimum.billed_instances[scored].sum())
    best = _cost(optimum)
    return Outcome(
        policy=run.policy,
        instance_minutes=instance_minutes,
        burst_units=float(run.burst_units[scored].sum()),
        unserved_units=float(unserved.sum()),
        violation_minutes=int(np.count_nonzero(violated)),
        cost_ratio=instance_minutes / best_minutes if best_minutes > _NOTHING else None,
        score=_cost(run) / best if best > _NOTHING else None,
        usd=(
            None
            if usd_per_instance_hour is None
            else instance_minutes / _MINUTES_PER_HOUR * usd_per_instance_hour
        ),
    )


def _cost(run: Run) -> float:
    """Return instance-minutes plus the price of what was missed, in instance-minutes."""
    scored = slice(run.demand.history_minutes, None)
    missed = float(run.unserved_units[scored].sum()) / run.world.units_per_instance
    return float(run.billed_instances[scored].sum()) + run.world.unserved_cost * missed
