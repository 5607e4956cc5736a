"""Gangs and what their ticks see of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from peakfleet_planner import Hold, Memory, Metric, MetricSeries, PoolReading, PoolSpec
from peakfleet_planner.gang import (
    GangMemory,
    GangSigns,
    GangSnapshot,
    GangSpec,
    PrioritySpec,
    ReservationReading,
    ReservationSpec,
)

NOW = 1_800_000_000
MACHINES = 4
ZONE = "us-east-1d"
KIND = "trn2.48xlarge"
BOOT_SECONDS = 600
IDS = tuple(f"i-{number}" for number in range(MACHINES))
FORMED = GangMemory(formation=NOW - 7200, members=IDS)
PRIORITY = PrioritySpec(
    wanted=Metric(namespace="PeakFleet", metric_name="WantedUnits", statistic="Maximum"),
    units_per_machine=10,
)
BLOCK = ReservationSpec(reservation_id="cr-0123456789abcdef0")
OFF_PEAK = ReservationSpec(reservation_id="cr-0123456789abcdef0", priority=PRIORITY)


def gang(reservation: ReservationSpec | None = None, **options: Any) -> GangSpec:  # noqa: ANN401  a gang's own
    return GangSpec(
        fleet="Media/Search",
        pool=PoolSpec(
            name="Trainium",
            group="g",
            units_per_capacity=64,
            max_capacity=MACHINES,
            boot_seconds=BOOT_SECONDS,
            instance_types=(KIND,),
            launch="direct",
            drain_seconds=480,
        ),
        bucket="b",
        prefix="search/7",
        state_table="t",
        reservation=reservation,
        **options,
    )


def group(
    *,
    serving: int = 0,
    booting: int = 0,
    desired: int | None = None,
    **options: Any,  # noqa: ANN401  a reading's own
) -> PoolReading:
    return PoolReading(
        name="Trainium",
        desired_capacity=serving + booting if desired is None else desired,
        in_service_capacity=serving,
        booting_capacity=booting,
        min_capacity=0,
        max_capacity=MACHINES,
        zones={ZONE: serving + booting},
        serving=frozenset(IDS[:serving]),
        **options,
    )


def block(
    state: str = "active",
    *,
    ends_in: int | None = 86_400,
    **options: Any,  # noqa: ANN401  a reading's own
) -> ReservationReading:
    return ReservationReading(
        state=state,
        ends_at_epoch_seconds=None if ends_in is None else NOW + ends_in,
        **{
            "zone": ZONE,
            "instance_type": KIND,
            "total": MACHINES,
            "available": MACHINES,
            **options,
        },
    )


def wanted(*units: float, until: int = NOW) -> MetricSeries:
    """Return a value a minute, the last one just before *until*."""
    first = until - 60 * len(units)
    return MetricSeries(points=tuple((first + 60 * i, value) for i, value in enumerate(units)))


def seen(**options: Any) -> GangSnapshot:  # noqa: ANN401  a snapshot's own
    return GangSnapshot(**{"now_epoch_seconds": NOW, "group": group(), **options})


def held() -> Memory:
    return Memory(hold=Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 600))


sizes = st.integers(0, MACHINES)
readings = st.none() | st.builds(
    lambda serving, booting, desired, leaving: group(
        serving=min(serving, MACHINES),
        booting=min(booting, MACHINES - serving),
        desired=desired,
        leaving_capacity=leaving,
    ),
    sizes,
    sizes,
    sizes,
    sizes,
)
states = st.sampled_from(
    ["active", "scheduled", "payment-pending", "expired", "failed", "delayed", "cancelled"]
)
reservations = st.none() | st.builds(
    block,
    states,
    ends_in=st.none() | st.integers(-3600, 7200),
    available=sizes,
    zone=st.sampled_from([ZONE, "us-east-1a"]),
)
memories = st.none() | st.builds(
    GangMemory,
    formation=st.sampled_from([0, NOW - 100_000, NOW - 60]),
    members=st.sampled_from([(), IDS, IDS[:2]]),
    forming_since=st.none() | st.integers(NOW - 7200, NOW),
    released_at=st.none() | st.integers(NOW - 7200, NOW),
    ends_at=st.none() | st.integers(NOW - 3600, NOW + 7200),
    failures=st.integers(0, 5),
)
signs = st.none() | st.builds(
    GangSigns, finished=st.booleans(), stopped=st.sampled_from([None, "failed", "notice"])
)
demands = st.builds(
    MetricSeries,
    points=st.lists(
        st.tuples(st.integers(NOW - 7200, NOW - 60), st.floats(allow_nan=True)), max_size=20
    ).map(lambda found: tuple(sorted(found, key=lambda point: point[0]))),
    readable=st.booleans(),
)
specs = st.sampled_from([gang(), gang(BLOCK), gang(OFF_PEAK)])
known = st.builds(
    GangSnapshot,
    now_epoch_seconds=st.just(NOW),
    group=readings.filter(lambda reading: reading is not None),
    reservation=reservations,
    wanted=demands,
    signs=signs,
    gang=memories.filter(lambda memory: memory is not None),
)
"""Snapshots in which group and memory could be read, and nobody holds the gang."""
snapshots = st.builds(
    GangSnapshot,
    now_epoch_seconds=st.just(NOW),
    group=readings,
    reservation=reservations,
    wanted=demands,
    signs=signs,
    memory=st.sampled_from([None, Memory(), held()]),
    gang=memories,
)
