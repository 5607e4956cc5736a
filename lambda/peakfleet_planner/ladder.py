"""The ladder: which pools grow and which shrink to reach a number of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

_ROUNDING = 1e-9
"""Slack that keeps 30 / 0.1 from needing 301 instances."""
_MOST_POINTS = 1e9
"""More than any group has; an unbounded number becomes this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One pool as the ladder sees it, in points of capacity.

    Args:
        name: The pool.
        units_per_capacity: Units that one point serves.
        capacity: Points it is asked to run; what is booting counts.
        floor: Fewest points it may have.
        ceiling: Most points it may have.
    """

    name: str
    units_per_capacity: float
    capacity: int
    floor: int
    ceiling: int

    @property
    def units(self) -> float:
        """Units of all its points."""
        return self.capacity * self.units_per_capacity


def total_units(rungs: Sequence[Rung]) -> float:
    """Return what all rungs supply."""
    return sum(rung.units for rung in rungs)


def falls_short(rungs: Sequence[Rung], units: float) -> bool:
    """Return whether the rungs supply less than *units*, rounding errors aside."""
    missing = units - total_units(rungs)
    return all(missing / rung.units_per_capacity > _ROUNDING for rung in rungs) and missing > 0


def bounded(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """Return the rungs within their floors and ceilings."""
    return tuple(
        replace(rung, capacity=min(max(rung.capacity, rung.floor), rung.ceiling)) for rung in rungs
    )


def grow(rungs: Sequence[Rung], to_units: float, *, at_most_units: float) -> tuple[Rung, ...]:
    """Return the rungs after filling them, first to last, until they supply *to_units*.

    Args:
        rungs: The ladder as it is; what runs already counts.
        to_units: What they should supply together.
        at_most_units: Most units that may be added.

    >>> a = Rung(name="a", units_per_capacity=10, capacity=2, floor=0, ceiling=3)
    >>> b = Rung(name="b", units_per_capacity=4, capacity=0, floor=0, ceiling=9)
    >>> [rung.capacity for rung in grow((a, b), 37, at_most_units=100)]
    [3, 2]
    """
    missing, budget = to_units - total_units(rungs), at_most_units
    grown: list[Rung] = []
    for rung in rungs:
        each = rung.units_per_capacity
        add = min(
            max(0, ceil(min(missing / each, _MOST_POINTS) - _ROUNDING)),
            max(0, rung.ceiling - rung.capacity),
            _whole(budget / each),
        )
        missing, budget = missing - add * each, budget - add * each
        grown.append(replace(rung, capacity=rung.capacity + add))
    return tuple(grown)


def shrink(rungs: Sequence[Rung], to_units: float, *, at_most_units: float) -> tuple[Rung, ...]:
    """Return the rungs after emptying them, last to first, while they still supply *to_units*.

    Args:
        rungs: The ladder as it is.
        to_units: What they must still supply together.
        at_most_units: Most units that may be removed.

    >>> a = Rung(name="a", units_per_capacity=10, capacity=3, floor=0, ceiling=3)
    >>> b = Rung(name="b", units_per_capacity=4, capacity=2, floor=0, ceiling=9)
    >>> [rung.capacity for rung in shrink((a, b), 25, at_most_units=100)]
    [3, 0]
    """
    excess = min(total_units(rungs) - to_units, at_most_units)
    shrunk: list[Rung] = []
    for rung in reversed(rungs):
        each = rung.units_per_capacity
        remove = min(max(0, _whole(excess / each)), max(0, rung.capacity - rung.floor))
        excess -= remove * each
        shrunk.append(replace(rung, capacity=rung.capacity - remove))
    return tuple(reversed(shrunk))


def _whole(points: float) -> int:
    """Return the whole points in *points*; an unbounded budget is a very large one."""
    return floor(min(points, _MOST_POINTS) + _ROUNDING)
