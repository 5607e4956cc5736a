"""A fleet of one pool that works on one queue, and what is decided of its counts."""

from __future__ import annotations

from dataclasses import replace

from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    Memory,
    PaceSpec,
    Plan,
    PoolSpec,
    ServiceLevelSpec,
    Snapshot,
    decide,
)
from peakfleet_planner.demand import SPARE_SHARE
from tests.planner.fleets import JOBS, NOW, seen, series


def queue_fleet(
    *,
    deadline_seconds: float = 1200,
    baseline_units: float = 0,
    boot_seconds: float = 180,
    each: float = 1.0,
    seconds_per_item: float = 60.0,
    unserved_cost: float = 10.0,
) -> FleetSpec:
    """Return a fleet whose deadline is this long after what is spared of it."""
    return FleetSpec(
        fleet="Media/Transcode",
        pools=(
            PoolSpec(
                name="p0",
                group="a",
                units_per_capacity=each,
                max_capacity=500,
                boot_seconds=boot_seconds,
            ),
        ),
        signals=(
            BacklogSignal(
                name="jobs",
                metrics={"waiting": JOBS, "in_flight": JOBS},
                seconds_per_item=seconds_per_item,
                drain_within_seconds=deadline_seconds / (1 - SPARE_SHARE),
            ),
        ),
        baseline=FixedBaseline(units=baseline_units),
        service_level=ServiceLevelSpec(unserved_cost=unserved_cost),
        pace=PaceSpec(),
    )


def planned(
    spec: FleetSpec,
    waiting: list[float],
    in_flight: list[float],
    *,
    capacity: int = 0,
    in_service: int | None = None,
    booting_since: tuple[tuple[int, int], ...] = (),
    memory: Memory = Memory(),  # noqa: B008  frozen
) -> Plan:
    """Return what is decided of these counts, the newest a minute old."""
    serving = capacity if in_service is None else in_service
    (pool,) = seen(spec, [capacity], in_service=[serving])
    return decide(
        spec,
        Snapshot(
            now_epoch_seconds=NOW,
            signals={"jobs": {"waiting": series(waiting), "in_flight": series(in_flight)}},
            pools=(replace(pool, booting_since=booting_since),),
            memory=memory,
        ),
    )
