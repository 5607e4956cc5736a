"""How traffic is split between the baseline and the fleet."""

from __future__ import annotations

from typing import Final

MOST_WEIGHT: Final = 999
"""What an Elastic Load Balancing target group can weigh at most: all traffic."""


def cloud_weight(burst_units: float, baseline_units: float, serving_units: float) -> int:
    """Return the share of the traffic, of 999, that goes to the fleet.

    The baseline is filled first: the fleet gets what is above it, and no more than its share
    of what both sides can serve.

    >>> cloud_weight(burst_units=100, baseline_units=400, serving_units=200)
    200
    >>> cloud_weight(burst_units=0, baseline_units=400, serving_units=200)
    0
    """
    served_by_cloud = min(burst_units, serving_units)
    if served_by_cloud <= 0:
        return 0
    return round(MOST_WEIGHT * served_by_cloud / (baseline_units + served_by_cloud))
