"""How a pool's instances are bought."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One way of buying: a pool has exactly one.

    Spot and on-demand capacity fail differently and are priced differently, so they are
    never mixed in one group. List two pools to use both.
    """

    is_spot: bool

    @classmethod
    def on_demand(cls) -> Purchase:
        """Buy at the list price; instances stay until the fleet lets them go."""
        return cls(is_spot=False)

    @classmethod
    def spot(cls) -> Purchase:
        """Buy spare capacity at a discount; AWS may take an instance back with two minutes' notice.

        Instance types are chosen by price and available capacity (`price-capacity-optimized`),
        and instances at risk are replaced before they are reclaimed (capacity rebalancing).
        Name several instance types, so that one that runs dry does not stop the pool.
        """
        return cls(is_spot=True)
