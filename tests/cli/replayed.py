"""A short replay against the fake cloud, for what shows and sums it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from peakfleet_demo.demo import Peak, choose_peak, physics_of
from peakfleet_demo.options import DemoOptions
from peakfleet_local.replay import Minute, ReplayedFleet, replay
from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    Metric,
    PoolSpec,
    RateSignal,
)
from tests.local.fake_cloud import FakeCloud


def pool(name: str, *, units: float, most: int, usd: float | None) -> PoolSpec:
    return PoolSpec(
        name=name,
        group=f"group-{name}",
        units_per_capacity=units,
        max_capacity=most,
        usd_per_capacity_hour=usd,
    )


def metric(name: str) -> Metric:
    return Metric(namespace="Test", metric_name=name)


LIVE = FleetSpec(
    fleet="Media/Live",
    pools=(pool("Graviton", units=100, most=40, usd=0.2),),
    signals=(RateSignal(name="streams", metrics={"m": metric("S")}, expression="m"),),
    baseline=FixedBaseline(units=2000),
)
JOBS = FleetSpec(
    fleet="Media/Transcode",
    pools=(
        pool("GravitonSpot", units=16, most=20, usd=0.2),
        pool("X86", units=8, most=40, usd=0.5),
    ),
    signals=(
        BacklogSignal(
            name="jobs",
            metrics={"waiting": metric("Waiting"), "in_flight": metric("InFlight")},
            seconds_per_item=90,
            drain_within_seconds=900,
        ),
    ),
    baseline=FixedBaseline(units=100),
)
FLEETS = (LIVE, JOBS)


@cache
def night() -> tuple[Peak, Sequence[Minute]]:
    """Return the first three hours of a premiere night, replayed."""
    peak = choose_peak(DemoOptions(hours=3), None, FLEETS)
    fleets = [
        ReplayedFleet(
            spec=spec,
            demand_units=peak.demands[spec.fleet].units.tolist(),
            physics=physics_of(spec),
        )
        for spec in FLEETS
    ]
    start = int(peak.start.timestamp())
    cloud = FakeCloud(*FLEETS)
    return peak, tuple(replay(cloud, fleets, start_epoch_seconds=start, phases=peak.phases))
