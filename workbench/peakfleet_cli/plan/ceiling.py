"""Prices that a Spot pool cannot exceed, for a fleet whose price list has no Spot prices."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_chips import Prices
from peakfleet_planner import FleetSpec, PoolSpec


def with_ceilings(spec: FleetSpec) -> FleetSpec:
    """Return a fleet whose Spot pools without a price have that of their dearest type on demand.

    EC2 ends a Spot instance whose price would rise above the price on demand, unless its request
    names a higher one, which a fleet's never does.

    Args:
        spec: The fleet.
    """
    return replace(spec, pools=tuple(map(with_ceiling, spec.pools)))


def with_ceiling(pool: PoolSpec) -> PoolSpec:
    """Return a pool as `with_ceilings` does; the pool itself if its price is known."""
    if pool.usd_per_capacity_hour is not None or pool.purchase != "spot":
        return pool
    prices = Prices.found()
    usd = [prices.usd_per_hour(kind, spot=False) for kind in pool.instance_types]
    known = [price for price in usd if price is not None]
    dearest = max(known) if known and len(known) == len(usd) else None
    return replace(pool, usd_per_capacity_hour=dearest)
