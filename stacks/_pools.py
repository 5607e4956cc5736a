"""Pools as the settings describe them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from aws_cdk import Duration

from peakfleet import CapacityPool, KnownPeak, Purchase, WarmPool
from stacks.settings import Chip, FleetSettings, PoolSettings, Prices, PurchaseOption

_MAKERS: Mapping[Chip, Callable[..., CapacityPool]] = {
    Chip.GRAVITON: CapacityPool.graviton,
    Chip.X86: CapacityPool.x86,
    Chip.INFERENTIA: CapacityPool.inferentia,
    Chip.TRAINIUM: CapacityPool.trainium,
}


def pools_of(
    fleet: FleetSettings, prices: Prices, *, root_volume_gib: int = 20
) -> tuple[CapacityPool, ...]:
    """Return the pools of a fleet, in the order in which they are filled.

    Args:
        fleet: The fleet's settings.
        prices: What instances cost.
        root_volume_gib: Size of each instance's root volume. Default: 20.
    """
    return tuple(_pool(pool, prices, root_volume_gib) for pool in fleet.pools)


def known_peaks_of(fleet: FleetSettings) -> tuple[KnownPeak, ...]:
    """Return the peaks that have been announced for a fleet."""
    return tuple(
        KnownPeak(
            peak.name,
            start=datetime.fromisoformat(peak.start),
            duration=Duration.minutes(peak.minutes),
            units=peak.units,
            uncertainty=peak.uncertainty,
        )
        for peak in fleet.known_peaks
    )


def _pool(pool: PoolSettings, prices: Prices, root_volume_gib: int) -> CapacityPool:
    spot = pool.purchase is PurchaseOption.SPOT
    canary = {"canary_share": pool.canary_share} if pool.canary_share else {}
    warm = WarmPool.forecast(max_instances=pool.warm_instances) if pool.warm_instances else None
    return _MAKERS[pool.chip](
        *pool.instance_types,
        units_per_instance=pool.units_per_instance,
        max_instances=pool.max_instances,
        min_instances=pool.min_instances,
        purchase=Purchase.spot() if spot else Purchase.on_demand(),
        usd_per_hour={
            kind: prices.usd_per_hour[kind] * (1 - prices.spot_saving[kind] if spot else 1)
            for kind in pool.instance_types
        },
        root_volume_gib=root_volume_gib,
        warm=warm,
        **canary,
    )
