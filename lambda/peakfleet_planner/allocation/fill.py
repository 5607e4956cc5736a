"""Growth: pools are filled in order, first to last, but for the points that are canaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor
from typing import Final

from peakfleet_planner.pools import PoolSize

ROUNDING: Final = 1e-9
"""Slack, in points, that keeps 30 / 0.1 from needing 301 instances."""
_MOST_POINTS: Final = 1e9
"""More than any group has; an unbounded number becomes this."""


def total_units(sizes: Sequence[PoolSize]) -> float:
    """Return what all pools supply."""
    return sum(size.units for size in sizes)


def resized(size: PoolSize, capacity: int) -> PoolSize:
    """Return a pool of another size; most ticks change nothing, and a copy takes its time."""
    return size if capacity == size.capacity else replace(size, capacity=capacity)


def whole_points(units: float, units_per_capacity: float) -> int:
    """Return the whole points in *units*, never less than none, however *units* were rounded."""
    return max(0, floor(min(units / units_per_capacity, _MOST_POINTS) + ROUNDING))


def points_for(units: float, units_per_capacity: float) -> int:
    """Return the fewest points that supply *units*."""
    return max(0, ceil(min(units / units_per_capacity, _MOST_POINTS) - ROUNDING))


def canary_points(size: PoolSize, units: float) -> int:
    """Return the points that a pool runs before its turn when all pools supply *units*.

    >>> x86 = PoolSize(
    ...     name="x", units_per_capacity=12, capacity=0, floor=0, ceiling=9, canary_share=0.05
    ... )
    >>> canary_points(x86, 0), canary_points(x86, 30), canary_points(x86, 480)
    (0, 1, 2)
    """
    return points_for(_canary_units(size, units), size.units_per_capacity)


def besides_canaries(sizes: Sequence[PoolSize], units: float) -> tuple[tuple[PoolSize, ...], float]:
    """Return the pools without the points that are canaries, and what they are left to supply.

    Both sides take what they are given, whatever the other rounds up: so no part shrinks when
    more is wanted.
    """
    if not any(size.canary_share for size in sizes):  # a simulation passes here very often
        return tuple(sizes), units
    rest = []
    for size in sizes:
        points = canary_points(size, units)
        rest.append(
            replace(
                size,
                capacity=max(0, size.capacity - points),
                floor=max(0, size.floor - points),
                ceiling=max(0, size.ceiling - points),
            )
        )
    return tuple(rest), units - sum(_canary_units(size, units) for size in sizes)


def falls_short(sizes: Sequence[PoolSize], units: float) -> bool:
    """Return whether the pools supply less than *units*, rounding errors aside."""
    if any(size.capacity < canary_points(size, units) for size in sizes):
        return True
    rest, rest_units = besides_canaries(sizes, units)
    missing = rest_units - total_units(rest)
    return all(missing / size.units_per_capacity > ROUNDING for size in rest) and missing > 0


def bounded(sizes: Sequence[PoolSize]) -> tuple[PoolSize, ...]:
    """Return the pools within their floors and ceilings."""
    return tuple(resized(one, min(max(one.capacity, one.floor), one.ceiling)) for one in sizes)


def grow(
    sizes: Sequence[PoolSize], to_units: float, *, at_most_units: float
) -> tuple[PoolSize, ...]:
    """Return the pools after filling them, first to last, until they supply *to_units*.

    Growth keeps to the order, whatever is cheapest for this very number: demand that rises on
    will need whole instances of the first pools anyway.

    Args:
        sizes: The pools as they are; what runs already counts.
        to_units: What they should supply together.
        at_most_units: Most units that may be added.

    >>> a = PoolSize(name="a", units_per_capacity=10, capacity=2, floor=0, ceiling=3)
    >>> b = PoolSize(name="b", units_per_capacity=4, capacity=0, floor=0, ceiling=9)
    >>> [size.capacity for size in grow((a, b), 37, at_most_units=100)]
    [3, 2]
    """
    rest, rest_units = besides_canaries(sizes, to_units)
    missing, budget = rest_units - total_units(rest), at_most_units
    added: list[int] = []
    for size in rest:
        each = size.units_per_capacity
        room = max(0, size.ceiling - size.capacity)
        add = min(points_for(missing, each), room, whole_points(budget, each))
        missing, budget = missing - add * each, budget - add * each
        added.append(add)
    grown: list[PoolSize] = []
    for size, add in zip(sizes, added, strict=True):
        each = size.units_per_capacity
        lacking = max(0, canary_points(size, to_units) - size.capacity)
        canary = min(lacking, whole_points(budget, each))
        budget -= canary * each
        grown.append(resized(size, size.capacity + add + canary))
    return tuple(grown)


def _canary_units(size: PoolSize, units: float) -> float:
    return max(0.0, min(size.canary_share * units, size.ceiling * size.units_per_capacity))
