"""Live work: it is served in the minute in which it arrives, or it is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from peakfleet_sim.world.world import Minute

DEMAND: Final = "demand"
"""Metric id of live demand, in units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMinute:
    """One minute of live work, in units.

    Args:
        burst: Demand above the baseline.
        served: Demand that baseline and cloud served.
        unserved: Demand that nobody served.
    """

    burst: float
    served: float
    unserved: float


@dataclass(slots=True, kw_only=True)
class Live:
    """Live work above a baseline. Nothing waits: what finds no capacity is unserved.

    Args:
        baseline_units: Units that the on-premises side carries.

    >>> Live(baseline_units=100).step(demand_units=130, cloud_units=20)
    LiveMinute(burst=30, served=120, unserved=10)
    """

    baseline_units: float

    def step(self, *, demand_units: float, cloud_units: float) -> LiveMinute:
        """Serve *demand_units* with the baseline and *cloud_units* for one minute."""
        burst = max(0.0, demand_units - self.baseline_units)
        unserved = max(0.0, burst - cloud_units)
        return LiveMinute(burst=burst, served=demand_units - unserved, unserved=unserved)

    @property
    def metric_ids(self) -> tuple[str, ...]:
        """What live work is watched by."""
        return (DEMAND,)

    def step_units(self, demand_units: float, cloud_units: float) -> Minute:
        """Serve one minute for a replay."""
        minute = self.step(demand_units=demand_units, cloud_units=cloud_units)
        return Minute(
            burst_units=minute.burst,
            unserved_units=minute.unserved,
            due_units=minute.burst,
            metrics={DEMAND: demand_units},
        )
