"""Boot times and units as they were measured, in place of what was declared, within bounds.

And the units of a pool whose instance types differ: those of what runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from peakfleet_planner.snapshot import BootTimes, MeasuredUnits, PoolReading
from peakfleet_planner.spec import FleetSpec, PoolSpec


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


def calibrated_units(
    declared_units: float, measured: MeasuredUnits, *, at_most_change: float
) -> float:
    """Return the units that one point of capacity is planned with.

    What was declared stands as long as the measurement does not contradict it, which is while it
    lies within the measured bounds. Otherwise the estimate counts, as far as it may.

    Args:
        declared_units: What the specification says.
        measured: What was measured.
        at_most_change: How far the result may be from what was declared, as share of it.

    >>> measured = MeasuredUnits(units=13, low=12, high=14, days=9)
    >>> [calibrated_units(units, measured, at_most_change=0.2) for units in (12.5, 12, 11, 16)]
    [12.5, 12, 13, 13]
    >>> calibrated_units(10, measured, at_most_change=0.2)
    12.0
    """
    if measured.low <= declared_units <= measured.high:
        return declared_units
    least, most = (1 - at_most_change) * declared_units, (1 + at_most_change) * declared_units
    return min(max(measured.units, least), most)


def with_measured_units(spec: FleetSpec, units: Mapping[str, MeasuredUnits]) -> FleetSpec:
    """Return *spec* with the units to plan with, if its owner lets measured ones feed back.

    The bounds of a tick's pace follow where a point of capacity would no longer fit in them.

    Args:
        spec: The fleet as declared.
        units: What was measured, by pool.
    """
    if spec.efficiency is None or spec.efficiency.at_most_change is None:
        return spec
    at_most_change = spec.efficiency.at_most_change
    pools = tuple(
        replace(
            pool,
            units_per_capacity=calibrated_units(
                pool.units_per_capacity, units[pool.name], at_most_change=at_most_change
            ),
        )
        if pool.name in units
        else pool
        for pool in spec.pools
    )
    return _with_pools(spec, pools)


def with_running_types(spec: FleetSpec, readings: Sequence[PoolReading]) -> FleetSpec:
    """Return *spec* with the units that an instance of each pool serves as it runs.

    A group counts every instance as one, whatever its type. So where the types of a pool serve
    different units, an instance of it counts for the mean of what serves and boots. The price of a
    unit stays.

    Args:
        spec: The fleet as declared.
        readings: Its groups as they were seen.

    >>> from peakfleet_planner import Metric, RateSignal
    >>> metric = Metric(namespace="Live", metric_name="Streams")
    >>> units = {"c8g.4xlarge": 16, "c8g.2xlarge": 8}
    >>> pool = PoolSpec(
    ...     name="g", group="asg", units_per_capacity=16, max_capacity=9, units_by_type=units
    ... )
    >>> signal = RateSignal(name="streams", metrics={"m": metric}, expression="m")
    >>> spec = FleetSpec(fleet="Live", pools=(pool,), signals=(signal,))
    >>> seen = PoolReading(
    ...     name="g", desired_capacity=4, in_service_capacity=4, min_capacity=0, max_capacity=9,
    ...     types={"c8g.4xlarge": 3, "c8g.2xlarge": 1},
    ... )
    >>> with_running_types(spec, [seen]).pools[0].units_per_capacity
    14.0
    """
    types = {one.name: one.types for one in readings}
    pools = tuple(
        _of_running(pool, types.get(pool.name, {})) if pool.units_by_type else pool
        for pool in spec.pools
    )
    return _with_pools(spec, pools)


def _of_running(pool: PoolSpec, types: Mapping[str, int]) -> PoolSpec:
    points = sum(types.values())
    if not points:
        return pool
    declared = pool.units_per_capacity
    units = sum(count * pool.units_by_type.get(kind, declared) for kind, count in types.items())
    each, usd = units / points, pool.usd_per_capacity_hour
    if each == declared:
        return pool
    return replace(
        pool,
        units_per_capacity=each,
        usd_per_capacity_hour=None if usd is None else usd * each / declared,
    )


def _with_pools(spec: FleetSpec, pools: tuple[PoolSpec, ...]) -> FleetSpec:
    if pools == spec.pools:
        return spec
    largest = max(pool.units_per_capacity for pool in pools)
    pace = replace(
        spec.pace,
        out_units=max(spec.pace.out_units, largest),
        in_units=max(spec.pace.in_units, largest),
    )
    return replace(spec, pools=pools, pace=pace)


def changed_units(declared: FleetSpec, planned: FleetSpec) -> dict[str, float]:
    """Return what a point of capacity counts for, in each pool where that was not declared."""
    return {
        after.name: after.units_per_capacity
        for before, after in zip(declared.pools, planned.pools, strict=True)
        if before.units_per_capacity != after.units_per_capacity
    }
