"""What a scenario is: demand, faults by minute, and what is asserted of the fleet meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements

FleetKind = Literal[
    "workers",
    "reported",
    "requests",
    "queue",
    "ranking",
    "hybrid",
    "edges",
    "named",
    "regions",
    "training",
    "training-in-block",
]
"""Value of the context `fleet` of the app in `examples/faults`."""
Demand = Callable[[int], float]
"""Demand in units of a minute; minute 0 is the first that is measured."""
Fault = Callable[[Environment], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One thing that a fleet promises, held against what was measured.

    Args:
        text: What is promised, with its bound.
        measured: What was measured, in words.
        passed: Whether it was kept.
    """

    text: str
    measured: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """Demand that rises in a straight line and stays.

    Args:
        low: Units at first.
        high: Units in the end.
        begins: Minute in which it begins to rise.
        minutes: How long it rises.

    >>> [Ramp(low=0, high=10, begins=1, minutes=2)(minute) for minute in range(5)]
    [0.0, 0.0, 5.0, 10.0, 10.0]
    """

    low: float
    high: float
    begins: int = 5
    minutes: int = 20

    def __call__(self, minute: int) -> float:
        """Return the units of a minute."""
        return self.low + (self.high - self.low) * min(
            1.0, max(0.0, (minute - self.begins) / self.minutes)
        )


def steady(units: float) -> Ramp:
    """Return demand that never changes."""
    return Ramp(low=units, high=units)


RISE: Final = Ramp(low=200.0, high=330.0)
"""Twice the burst of the `workers` fleet: from 10 of its instances to 23."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault, the demand during it, and what the fleet promises.

    Args:
        name: How the command line names it.
        shows: What it shows, in one line.
        minutes: How long it lasts, after the fleet has settled.
        faults: What happens at the beginning of a minute.
        assertions: What is promised, given what was measured.
        fleet: The fleet that it happens to.
        demand_units: Demand; minutes before 0 have the demand of minute 0.
        compares: Whether the same demand is also measured without the faults.
    """

    name: str
    shows: str
    minutes: int
    faults: Mapping[int, Fault]
    assertions: Callable[[Measurements], Iterable[Assertion]]
    fleet: FleetKind = "workers"
    demand_units: Demand = RISE
    compares: bool = False
