"""The ladder: which pools grow and which shrink to reach a number of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor

from peakfleet_planner.pools import Rung

_ROUNDING = 1e-9
"""Slack that keeps 30 / 0.1 from needing 301 instances."""
_MOST_POINTS = 1e9
"""More than any group has; an unbounded number becomes this."""


def total_units(rungs: Sequence[Rung]) -> float:
    """Return what all rungs supply."""
    return sum(rung.units for rung in rungs)


def canary_points(rung: Rung, units: float) -> int:
    """Return the points that a rung runs before its turn when the rungs supply *units*.

    >>> x86 = Rung(
    ...     name="x", units_per_capacity=12, capacity=0, floor=0, ceiling=9, canary_share=0.05
    ... )
    >>> canary_points(x86, 0), canary_points(x86, 30), canary_points(x86, 480)
    (0, 1, 2)
    """
    return ceil(_canary_units(rung, units) / rung.units_per_capacity - _ROUNDING)


def besides_canaries(rungs: Sequence[Rung], units: float) -> tuple[tuple[Rung, ...], float]:
    """Return the rungs without the points that are canaries, and what they are left to supply.

    Both sides take what they are given, whatever the other rounds up: so no part shrinks when
    more is wanted.
    """
    if not any(rung.canary_share for rung in rungs):  # a simulation passes here very often
        return tuple(rungs), units
    rest = []
    for rung in rungs:
        points = canary_points(rung, units)
        rest.append(
            replace(
                rung,
                capacity=max(0, rung.capacity - points),
                floor=max(0, rung.floor - points),
                ceiling=max(0, rung.ceiling - points),
            )
        )
    return tuple(rest), units - sum(_canary_units(rung, units) for rung in rungs)


def falls_short(rungs: Sequence[Rung], units: float) -> bool:
    """Return whether the rungs supply less than *units*, rounding errors aside."""
    if any(rung.capacity < canary_points(rung, units) for rung in rungs):
        return True
    rest, rest_units = besides_canaries(rungs, units)
    missing = rest_units - total_units(rest)
    return all(missing / rung.units_per_capacity > _ROUNDING for rung in rest) and missing > 0


def bounded(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """Return the rungs within their floors and ceilings."""
    return tuple(_sized(rung, min(max(rung.capacity, rung.floor), rung.ceiling)) for rung in rungs)


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
    rest, rest_units = besides_canaries(rungs, to_units)
    missing, budget = rest_units - total_units(rest), at_most_units
    added: list[int] = []
    for rung in rest:
        each = rung.units_per_capacity
        add = min(
            max(0, ceil(min(missing / each, _MOST_POINTS) - _ROUNDING)),
            max(0, rung.ceiling - rung.capacity),
            _whole(budget / each),
        )
        missing, budget = missing - add * each, budget - add * each
        added.append(add)
    grown: list[Rung] = []
    for rung, add in zip(rungs, added, strict=True):
        each = rung.units_per_capacity
        lacking = max(0, canary_points(rung, to_units) - rung.capacity)
        canary = min(lacking, _whole(budget / each))
        budget -= canary * each
        grown.append(_sized(rung, rung.capacity + add + canary))
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
    rest, rest_units = besides_canaries(rungs, to_units)
    excess = min(total_units(rest) - rest_units, at_most_units)
    shrunk: list[Rung] = []
    for rung, free in zip(reversed(rungs), reversed(rest), strict=True):
        each = rung.units_per_capacity
        remove = min(max(0, _whole(excess / each)), max(0, free.capacity - free.floor))
        excess -= remove * each
        shrunk.append(_sized(rung, rung.capacity - remove))
    return tuple(reversed(shrunk))


def _sized(rung: Rung, capacity: int) -> Rung:
    """Return a rung of another size; most ticks change nothing, and a copy takes its time."""
    return rung if capacity == rung.capacity else replace(rung, capacity=capacity)


def _canary_units(rung: Rung, units: float) -> float:
    return max(0.0, min(rung.canary_share * units, rung.ceiling * rung.units_per_capacity))


def _whole(points: float) -> int:
    """Return the whole points in *points*; an unbounded budget is a very large one."""
    return floor(min(points, _MOST_POINTS) + _ROUNDING)
