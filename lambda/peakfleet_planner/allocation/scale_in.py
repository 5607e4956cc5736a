"""Scale-in: which points to let go, so that what stays costs least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from peakfleet_planner.allocation.fill import (
    ROUNDING,
    besides_canaries,
    points_for,
    resized,
    total_units,
    whole_points,
)
from peakfleet_planner.allocation.price import ordered_prices
from peakfleet_planner.pools import PoolSize

MOST_STEPS: Final = 300
"""Most counts that the search for the cheapest allocation tries; few ladders need a hundredth."""


def shrink(
    sizes: Sequence[PoolSize],
    to_units: float,
    *,
    at_most_units: float = inf,
    spare_units: float = inf,
) -> tuple[PoolSize, ...]:
    """Return the pools after letting go what is not needed to supply *to_units*.

    Where all prices are known, what stays is the cheapest part of what there is; otherwise the
    pools are emptied last to first.

    Args:
        sizes: The pools as they are.
        to_units: What they must still supply together.
        at_most_units: Most units that may be let go by the pace. Default: no bound.
        spare_units: Most units that may go because others serve already. Default: no bound.

    >>> a = PoolSize(name="a", units_per_capacity=10, capacity=3, floor=0, ceiling=3)
    >>> b = PoolSize(name="b", units_per_capacity=4, capacity=2, floor=0, ceiling=9)
    >>> [size.capacity for size in shrink((a, b), 25)]
    [3, 0]
    """
    rest, rest_units = besides_canaries(sizes, to_units)
    total = total_units(rest)
    excess = min(total - rest_units, at_most_units)
    if not any(
        one.capacity > one.floor and whole_points(excess, one.units_per_capacity) for one in rest
    ):
        return tuple(sizes)
    is_equal = len({one.units_per_capacity for one in rest}) == 1
    known = [] if is_equal else [usd for usd in ordered_prices(rest) if usd is not None]
    if len(known) < len(rest):
        kept = _emptied(rest, total - min(excess, spare_units))
    else:
        kept = _first_of(rest, cheapest_part(rest, known, total - excess), spare_units)
    return tuple(
        resized(size, size.capacity - (one.capacity - stays))
        for size, one, stays in zip(sizes, rest, kept, strict=True)
    )


def cheapest_part(
    sizes: Sequence[PoolSize], usd: Sequence[float], to_units: float
) -> tuple[int, ...]:
    """Return how many points of each pool to keep, so that they supply *to_units* at least cost.

    Exact for ladders of the usual length: every count that could be cheaper is tried, the first
    pools fullest first. Of equally cheap parts the one with more in the first pools is taken; so
    to supply more never takes fewer units.

    Args:
        sizes: The pools: no more than their capacity, no less than their floor.
        usd: Price of one point of each; by the unit never less than that of the pool before.
        to_units: What they must supply together.

    >>> small = PoolSize(name="s", units_per_capacity=16, capacity=7, floor=0, ceiling=9)
    >>> large = PoolSize(name="l", units_per_capacity=48, capacity=3, floor=0, ceiling=9)
    >>> cheapest_part((small, large), (0.2, 1.9), 240)
    (6, 3)
    >>> cheapest_part((small, large), (0.2, 0.6), 144)
    (6, 1)
    """
    start = _emptied(sizes, to_units)
    search = _Search(
        units=tuple(one.units_per_capacity for one in sizes),
        usd=tuple(usd),
        least=tuple(min(one.floor, one.capacity) for one in sizes),
        most=tuple(one.capacity for one in sizes),
        best=start,
        best_usd=sum(points * each for points, each in zip(start, usd, strict=True)),
    )
    search.run(0, to_units, 0.0, ())
    return search.best


@dataclass(slots=True, kw_only=True)
class _Search:
    """Branch and bound over the counts of each pool, by what the rest costs at the least."""

    units: tuple[float, ...]
    usd: tuple[float, ...]
    least: tuple[int, ...]
    most: tuple[int, ...]
    best: tuple[int, ...]
    best_usd: float
    steps: int = 0

    def run(self, place: int, missing: float, cost: float, chosen: tuple[int, ...]) -> None:
        slack = ROUNDING * self.units[place]
        last = place == len(self.units) - 1
        others = range(place + 1, len(self.units))
        could = sum(self.most[one] * self.units[one] for one in others)
        must_units = sum(self.least[one] * self.units[one] for one in others)
        must_usd = sum(self.least[one] * self.usd[one] for one in others)
        next_usd = 0.0 if last else self.usd[place + 1] / self.units[place + 1]
        top = points_for(missing - must_units, self.units[place])
        top = min(max(top, self.least[place]), self.most[place])
        for points in range(top, self.least[place] - 1, -1):
            left = missing - points * self.units[place]
            if left > could + slack:
                return
            self.steps += 1
            now = cost + points * self.usd[place]
            bound = now + must_usd + max(0.0, left - must_units) * next_usd
            if bound >= self.best_usd * (1 - ROUNDING) or self.steps > MOST_STEPS:
                if left - must_units > 0 or self.steps > MOST_STEPS:
                    return
            elif last:
                self.best, self.best_usd = (*chosen, points), now
            else:
                self.run(place + 1, left, now, (*chosen, points))


def _first_of(
    sizes: Sequence[PoolSize], kept: tuple[int, ...], spare_units: float
) -> tuple[int, ...]:
    """Return the counts after letting go as much as may go now, of what is not kept."""
    now: list[int] = []
    for one, stays in zip(reversed(sizes), reversed(kept), strict=True):
        gone = min(one.capacity - stays, whole_points(spare_units, one.units_per_capacity))
        spare_units -= gone * one.units_per_capacity
        now.append(one.capacity - gone)
    return tuple(reversed(now))


def _emptied(sizes: Sequence[PoolSize], to_units: float) -> tuple[int, ...]:
    """Return the counts after emptying the pools last to first, as far as that goes."""
    excess = total_units(sizes) - to_units
    kept: list[int] = []
    for one in reversed(sizes):
        free = max(0, one.capacity - one.floor)
        gone = min(whole_points(excess, one.units_per_capacity), free)
        excess -= gone * one.units_per_capacity
        kept.append(one.capacity - gone)
    return tuple(reversed(kept))
