"""Lead times as they were measured, in place of what was declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from peakfleet_planner.snapshot import BootTimes
from peakfleet_planner.spec import FleetSpec


def with_measured_boots(spec: FleetSpec, boots: Mapping[str, BootTimes]) -> FleetSpec:
    """Return *spec* with the boot time to plan with of each pool whose boots were measured.

    >>> from peakfleet_planner import Metric, PoolSpec, RateSignal
    >>> metric = Metric(namespace="Live", metric_name="Streams")
    >>> spec = FleetSpec(
    ...     fleet="Live",
    ...     pools=(PoolSpec(name="g", group="asg", units_per_capacity=1, max_capacity=9),),
    ...     signals=(RateSignal(name="streams", metrics={"m": metric}, expression="m"),),
    ... )
    >>> measured = {"g": BootTimes(seconds={"c8g.large": (90, 95, 100, 105, 110)})}
    >>> with_measured_boots(spec, measured).pools[0].boot_seconds
    100
    """
    pools = tuple(
        replace(pool, boot_seconds=boots[pool.name].lead_seconds(pool.boot_seconds))
        if pool.name in boots
        else pool
        for pool in spec.pools
    )
    return spec if pools == spec.pools else replace(spec, pools=pools)
