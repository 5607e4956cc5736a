"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import Record

FleetKind = Literal["workers", "ranking", "training", "training-in-block"]
"""Value of the context `fleet` of the app in `examples/faults`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One thing that a fleet promises, and how it came out.

    Args:
        text: What is promised, with its bound.
        measured: What was measured, in words.
        kept: Whether it was kept.
    """

    text: str
    measured: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fault, the demand that meets it, and what the fleet promises.

    Args:
        name: How it is asked for.
        shows: What it shows, in one line.
        fleet: Which fleet it happens to.
        minutes: How long it lasts, after the fleet has settled.
        demand_units: Demand of a minute; those before minute 0 have the demand of minute 0.
        script: Called at the beginning of each minute with the stage and the minute.
        promises: What is promised, given what was measured.
        compares: Whether the same demand is also met without the fault. Default: no.
    """

    name: str
    shows: str
    fleet: FleetKind
    minutes: int
    demand_units: Callable[[int], float]
    script: Callable[[Stage, int], None]
    promises: Callable[[Record], Iterable[Promise]]
    compares: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """Demand that rises in a straight line and stays.

    Args:
        low: Demand at first.
        high: Demand in the end.
        begins: Minute in which it begins to rise. Default: 5.
        minutes: How long it rises. Default: 20.

    >>> [Ramp(low=0, high=10, begins=1, minutes=2)(minute) for minute in range(5)]
    [0.0, 0.0, 5.0, 10.0, 10.0]
    """

    low: float
    high: float
    begins: int = 5
    minutes: int = 20

    def __call__(self, minute: int) -> float:
        """Return the demand of a minute."""
        return self.low + (self.high - self.low) * min(
            1.0, max(0.0, (minute - self.begins) / self.minutes)
        )


def steady(units: float) -> Ramp:
    """Return demand that never changes."""
    return Ramp(low=units, high=units)
