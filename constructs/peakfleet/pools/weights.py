from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from peakfleet_planner import SpecError

MOST_WEIGHT = 999
"""The largest weight that an Auto Scaling group accepts for an instance type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Instance types of different size in points of capacity.

    Args:
        by_type: Points of one instance of each type.
        units_per_point: Units that one point serves.
    """

    by_type: Mapping[str, int]
    units_per_point: float

    @property
    def smallest(self) -> int:
        """Points of the smallest type."""
        return min(self.by_type.values())

    @property
    def differ(self) -> bool:
        """Whether the group needs weights at all."""
        return len(set(self.by_type.values())) > 1


def weigh(owner: str, units_by_type: Mapping[str, float]) -> Weights:
    """Return the smallest whole weights that keep the types' units in proportion.

    >>> weights = weigh("pool 'a'", {"c8g.4xlarge": 16, "c8g.2xlarge": 8})
    >>> dict(weights.by_type), weights.units_per_point
    ({'c8g.4xlarge': 2, 'c8g.2xlarge': 1}, 8.0)

    Raises:
        SpecError: The proportion needs weights above what a group accepts.
    """
    exact = {kind: Fraction(repr(units)) for kind, units in units_by_type.items()}
    point = Fraction(
        gcd(*(units.numerator for units in exact.values())),
        lcm(*(units.denominator for units in exact.values())),
    )
    by_type = {kind: int(units / point) for kind, units in exact.items()}
    if len(set(by_type.values())) > 1 and max(by_type.values()) > MOST_WEIGHT:
        raise SpecError(
            f"{owner}: units_per_instance {dict(units_by_type)} needs weights up to "
            f"{max(by_type.values())}, and {MOST_WEIGHT} is the most; round the units so that "
            f"they share a larger common part"
        )
    return Weights(by_type=by_type, units_per_point=float(point))
