"""One pool as the allocation sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One pool as the ladder sees it, in points of capacity.

    Args:
        name: The pool.
        units_per_capacity: Units that one point serves.
        capacity: Points it is asked to run; what is booting counts.
        floor: Fewest points it may have.
        ceiling: Most points it may have.
        canary_share: Share of the wanted units that it serves before its turn. Default: 0.
    """

    name: str
    units_per_capacity: float
    capacity: int
    floor: int
    ceiling: int
    canary_share: float = 0.0

    @property
    def units(self) -> float:
        """Units of all its points."""
        return self.capacity * self.units_per_capacity
