"""The ladder: which pools grow and which shrink to reach a number of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor

from peakfleet_planner.pools import PoolSize

_ROUNDING = 1e-9
"""Slack that keeps 30 / 0.1 from needing 301 instances."""
_MOST_POINTS = 1e9
"""More than any group has; an unbounded number becomes this."""


def total_units(sizes: Sequence[PoolSize]) -> float:
    """Return what all sizes supply."""
    return sum(size.units for size in sizes)


def canary_points(size: PoolSize, units: float) -> int:
    """Return the points that a size runs before its turn when the sizes supply *units*.

    >>> x86 = PoolSize(
    ...     name="x", units_per_capacity=12, capacity=0, floor=0, ceiling=9, canary_share=0.05
    ... )
    >>> canary_points(x86, 0), canary_points(x86, 30), canary_points(x86, 480)
    (0, 1, 2)
    """
    return ceil(_canary_units(size, units) / size.units_per_capacity - _ROUNDING)


def besides_canaries(sizes: Sequence[PoolSize], units: float) -> tuple[tuple[PoolSize, ...], float]:
    """Return the sizes without the points that are canaries, and what they are left to supply.

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
    """Return whether the sizes supply less than *units*, rounding errors aside."""
    if any(size.capacity < canary_points(size, units) for size in sizes):
        return True
    rest, rest_units = besides_canaries(sizes, units)
    missing = rest_units - total_units(rest)
    return all(missing / size.units_per_capacity > _ROUNDING for size in rest) and missing > 0


def bounded(sizes: Sequence[PoolSize]) -> tuple[PoolSize, ...]:
    """Return the sizes within their floors and ceilings."""
    return tuple(_sized(size, min(max(size.capacity, size.floor), size.ceiling)) for size in sizes)


def grow(
    sizes: Sequence[PoolSize], to_units: float, *, at_most_units: float
) -> tuple[PoolSize, ...]:
    """Return the sizes after filling them, first to last, until they supply *to_units*.

    Args:
        sizes: The ladder as it is; what runs already counts.
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
        add = min(
            max(0, ceil(min(missing / each, _MOST_POINTS) - _ROUNDING)),
            max(0, size.ceiling - size.capacity),
            _whole(budget / each),
        )
        missing, budget = missing - add * each, budget - add * each
        added.append(add)
    grown: list[PoolSize] = []
    for size, add in zip(sizes, added, strict=True):
        each = size.units_per_capacity
        lacking = max(0, canary_points(size, to_units) - size.capacity)
        canary = min(lacking, _whole(budget / each))
        budget -= canary * each
        grown.append(_sized(size, size.capacity + add + canary))
    return tuple(grown)


def shrink(
    sizes: Sequence[PoolSize], to_units: float, *, at_most_units: float
) -> tuple[PoolSize, ...]:
    """Return the sizes after emptying them, last to first, while they still supply *to_units*.

    Args:
        sizes: The ladder as it is.
        to_units: What they must still supply together.
        at_most_units: Most units that may be removed.

    >>> a = PoolSize(name="a", units_per_capacity=10, capacity=3, floor=0, ceiling=3)
    >>> b = PoolSize(name="b", units_per_capacity=4, capacity=2, floor=0, ceiling=9)
    >>> [size.capacity for size in shrink((a, b), 25, at_most_units=100)]
    [3, 0]
    """
    rest, rest_units = besides_canaries(sizes, to_units)
    excess = min(total_units(rest) - rest_units, at_most_units)
    shrunk: list[PoolSize] = []
    for size, free in zip(reversed(sizes), reversed(rest), strict=True):
        each = size.units_per_capacity
        remove = min(max(0, _whole(excess / each)), max(0, free.capacity - free.floor))
        excess -= remove * each
        shrunk.append(_sized(size, size.capacity - remove))
    return tuple(reversed(shrunk))


def _sized(size: PoolSize, capacity: int) -> PoolSize:
    """Return a size of another size; most ticks change nothing, and a copy takes its time."""
    return size if capacity == size.capacity else replace(size, capacity=capacity)


def _canary_units(size: PoolSize, units: float) -> float:
    return max(0.0, min(size.canary_share * units, size.ceiling * size.units_per_capacity))


def _whole(points: float) -> int:
    """Return the whole points in *points*; an unbounded budget is a very large one."""
    return floor(min(points, _MOST_POINTS) + _ROUNDING)
