"""How traffic is split between the baseline and the fleet."""

from __future__ import annotations

from typing import Final

from peakfleet_planner.snapshot import Snapshot, TrafficReading

MOST_WEIGHT: Final = 999
"""What an Elastic Load Balancing target group can weigh at most: all traffic."""
MOST_STEP: Final = 333
"""Most that one tick moves from one side to the other while both serve."""
_LEAD_SECONDS: Final = 60
"""Weights act late. They are read a tick after they were set, and the last instance leaves a tick
after that."""


def cloud_weight(burst_units: float, baseline_units: float, serving_units: float) -> int:
    """Return the share of the traffic, of 999, that should go to the fleet.

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


def next_weight(target: int, read: TrafficReading | None, *, least: int | None = None) -> int:
    """Return the weight to set in this tick on the way to *target*.

    A load balancer does not move traffic away from a side whose targets are all unhealthy, so
    that is done here, at once. Between two sides that serve it moves in bounded steps, and while
    it is not known whether they serve, it stays.

    Args:
        target: See `cloud_weight`.
        read: What was read of the listener and its targets. None: nothing is known of them.
        least: The target for what surely serves, where a group could not be read: between the two
            the weight stays. Default: the target.
    """
    if read is None or read.cloud_weight is None:
        return target
    if read.is_blind or not (read.baseline_healthy or read.cloud_healthy):
        return read.cloud_weight
    if not read.cloud_healthy:
        return 0
    if not read.baseline_healthy:
        return MOST_WEIGHT
    target = max(target if least is None else least, min(read.cloud_weight, target))
    return max(read.cloud_weight - MOST_STEP, min(read.cloud_weight + MOST_STEP, target))


def may_be_without_instances(snapshot: Snapshot) -> bool:
    """Return whether the last instance may leave: it has got no traffic for long enough."""
    if snapshot.traffic is None:
        return True
    since = snapshot.recalled.weightless_since
    return (
        snapshot.traffic.cloud_weight == 0
        and since is not None
        and snapshot.now_epoch_seconds - since >= _LEAD_SECONDS
    )
