"""A ladder of Spot before on-demand, and groups in three zones."""

from __future__ import annotations

from collections.abc import Sequence

from peakfleet_planner import (
    FixedBaseline,
    FleetSpec,
    MetricSeries,
    Plan,
    PoolReading,
    PoolSpec,
    Snapshot,
)
from tests.planner.fleets import NOW, STREAMS, fleet

ZONES = ("a", "b", "c")
LADDER: FleetSpec = fleet(
    baseline=FixedBaseline(units=0),
    pools=(
        PoolSpec(
            name="Spot",
            group="asg-spot",
            units_per_capacity=10,
            max_capacity=100,
            usd_per_capacity_hour=0.04,
            instance_types=("c8g.large", "c7g.large"),
            purchase="spot",
            launch="direct",
        ),
        PoolSpec(
            name="OnDemand",
            group="asg-on-demand",
            units_per_capacity=10,
            max_capacity=100,
            usd_per_capacity_hour=0.1,
            instance_types=("c8g.large",),
            launch="direct",
        ),
    ),
)
__all__ = ["LADDER", "NOW", "STREAMS", "ZONES", "demand", "groups", "wants"]


def groups(running: Sequence[int]) -> tuple[PoolReading, ...]:
    """Return groups of which everything serves, spread over the zones."""
    return tuple(
        PoolReading(
            name=pool.name,
            desired_capacity=size,
            in_service_capacity=size,
            booting_capacity=0,
            min_capacity=0,
            max_capacity=pool.max_capacity,
            zones={zone: size // 3 + (place < size % 3) for place, zone in enumerate(ZONES)},
        )
        for pool, size in zip(LADDER.pools, running, strict=True)
    )


def demand(units: float, readings: tuple[PoolReading, ...], *, now: int = NOW) -> Snapshot:
    """Return two hours of steady demand."""
    points = tuple((now - 60 * age, units) for age in range(120, 0, -1))
    return Snapshot(
        now_epoch_seconds=now,
        signals={"streams": {"m": MetricSeries(points=points)}},
        pools=readings,
    )


def wants(plan: Plan) -> float:
    """Return what the pools should supply."""
    return plan.wanted_units
