"""What capacity costs: against other pools, against what its absence costs, and what is paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import FleetSpec, PoolSpec

LEAST_COST: Final = 2.0
"""An instance too many costs its boot and its hold beside the minutes in which it might be needed,
about twice as much in all: a miss that costs less is not worth preventing at any chance."""


def ordered_prices(sizes: Sequence[PoolSize]) -> tuple[float | None, ...]:
    """Return the price of a point of each pool; None where it is not known.

    The order of the pools is their owner's word: a later pool never counts as cheaper by the unit
    than one before it.

    >>> point = {"capacity": 0, "floor": 0, "ceiling": 9}
    >>> a = PoolSize(name="a", units_per_capacity=1, usd_per_capacity_hour=3, **point)
    >>> b = PoolSize(name="b", units_per_capacity=2, usd_per_capacity_hour=4, **point)
    >>> ordered_prices((a, b)), ordered_prices((b, a))
    ((3.0, 6.0), (4.0, 3.0))
    """
    highest = 0.0
    prices: list[float | None] = []
    for size in sizes:
        usd = size.usd_per_capacity_hour
        if usd is not None:
            highest = max(highest, usd / size.units_per_capacity)
        prices.append(None if usd is None else highest * size.units_per_capacity)
    return tuple(prices)


def too_dear(spec: FleetSpec, health: Sequence[PoolHealth]) -> frozenset[str]:
    """Return the names of the pools that are not worth starting for demand that may come.

    What a miss costs is told in minutes of the cheapest capacity that can be had. In minutes of
    a pool several times as dear it costs less; where it is no more than the pool itself wastes,
    the pool serves only demand that is there. A pool without a price is as cheap as any.

    Args:
        spec: The fleet.
        health: How each pool is.
    """
    prices = {one.spec.name: _usd_per_unit_hour(one) for one in health}
    known = [
        price
        for one in health
        if (price := prices[one.spec.name]) is not None and one.available.cause is None
    ]
    cheapest = min(known, default=0.0)
    cost = spec.service_level.unserved_cost
    return frozenset(
        name for name, price in prices.items() if price and cost * cheapest / price <= LEAST_COST
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidPrice:
    """What a spend limit counts a point of a pool at, in dollars an hour.

    Args:
        running: What runs, the mean of its types.
        new: What may be launched, the dearest of its types.
        is_read: Whether it is the price of Spot that was read; None where nothing is to be read.
    """

    running: float
    new: float
    is_read: bool | None = None


def paid_price(pool: PoolSpec, snapshot: Snapshot, types: Mapping[str, int]) -> PaidPrice:
    """Return what a pool costs; never less than what is paid, as far as that is known.

    AWS sells no Spot above the On-Demand price, so this counts while the other is not known.

    Args:
        pool: The pool.
        snapshot: What was seen, with the prices that are remembered.
        types: Points that run, by instance type; empty if that is not known.
    """
    dearest, most = pool.dearest_usd_per_capacity_hour, pool.most_usd_per_capacity_hour
    if most is None:
        return PaidPrice(running=dearest, new=dearest)
    prices, now = snapshot.recalled.spot_prices, snapshot.now_epoch_seconds
    usd = prices.of(pool.instance_types, now) if prices else None
    if usd is None:
        return PaidPrice(running=dearest, new=dearest, is_read=False)
    new, points = max(usd.values()), sum(types.values())
    runs = sum(count * usd.get(kind, max(most, new)) for kind, count in types.items())
    return PaidPrice(running=runs / points if points else new, new=new, is_read=True)


def _usd_per_unit_hour(one: PoolHealth) -> float | None:
    usd = one.spec.usd_per_capacity_hour
    return None if usd is None else usd / one.spec.units_per_capacity
