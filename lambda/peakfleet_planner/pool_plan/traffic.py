"""How traffic is split between the baseline and the fleet."""

from __future__ import annotations

ALL = 100


def cloud_weight(burst_units: float, baseline_units: float, serving_units: float) -> int:
    """Return the percent of the traffic that goes to the fleet.

    The baseline is filled first: the fleet gets what is above it, and no more than its share
    of what both sides can serve.

    >>> cloud_weight(burst_units=100, baseline_units=400, serving_units=200)
    20
    >>> cloud_weight(burst_units=0, baseline_units=400, serving_units=200)
    0
    """
    served_by_cloud = min(burst_units, serving_units)
    if served_by_cloud <= 0:
        return 0
    return round(ALL * served_by_cloud / (baseline_units + served_by_cloud))
