"""How a pool's instances are bought."""

from __future__ import annotations

from dataclasses import dataclass

from peakfleet_chips import PurchaseOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One way of buying: a pool has exactly one.

    Spot and on-demand capacity fail differently and are priced differently, so they are
    never mixed in one group. List two pools to use both.
    """

    is_spot: bool

    @property
    def option(self) -> PurchaseOption:
        """The way of buying in EC2's words."""
        return PurchaseOption.SPOT if self.is_spot else PurchaseOption.ON_DEMAND

    @classmethod
    def on_demand(cls) -> Purchase:
        """Buy at the list price; instances stay until the fleet lets them go."""
        return cls(is_spot=False)

    @classmethod
    def spot(cls) -> Purchase:
        """Buy spare capacity at a discount; AWS may take an instance back with two minutes' notice.

        Instance types are chosen by price and available capacity (`price-capacity-optimized`).
        The fleet replaces instances at risk itself, from the next pool that can be had: capacity
        rebalancing, which knows only the group's own pool, stays off.
        Name several instance types, so that one that runs dry does not stop the pool.
        """
        return cls(is_spot=True)
