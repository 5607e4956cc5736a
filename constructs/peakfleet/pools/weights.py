"""What an instance counts for in desired capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What an instance counts for in the desired capacity of a group: one, whatever its type.

    A weight that followed units or other types would change with a deployment, and AWS would
    launch or end instances to reach the old desired capacity by the new weights.

    Args:
        by_type: Points of one instance of each type.
        units_per_point: Units that a new instance is planned with.
    """

    by_type: Mapping[str, int]
    units_per_point: float
