"""What capacity costs against what its absence costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from peakfleet_planner.pools import PoolHealth
from peakfleet_planner.spec import FleetSpec

LEAST_COST: Final = 2.0
"""An instance too many costs its boot and its hold beside the minutes in which it might be needed,
about twice as much in all: a miss that costs less is not worth preventing at any chance."""


def too_dear(spec: FleetSpec, health: Sequence[PoolHealth]) -> tuple[PoolHealth, ...]:
    """Return the pools that are not worth starting for demand that may come.

    What a miss costs is told in minutes of the cheapest capacity that can be had. In minutes of
    a pool several times as dear it costs less; where it is no more than the pool itself wastes,
    the pool serves only demand that is there. A pool without a price is as cheap as any.

    Args:
        spec: The fleet.
        health: How each pool stands.
    """
    prices = {one.spec.name: _usd_per_unit_hour(one) for one in health}
    known = [
        price
        for one in health
        if (price := prices[one.spec.name]) is not None and one.available.cause is None
    ]
    cheapest = min(known, default=0.0)
    cost = spec.service_level.unserved_cost
    return tuple(
        one
        for one in health
        if (price := prices[one.spec.name]) and cost * cheapest / price <= LEAST_COST
    )


def _usd_per_unit_hour(one: PoolHealth) -> float | None:
    usd = one.spec.usd_per_capacity_hour
    return None if usd is None else usd / one.spec.units_per_capacity
