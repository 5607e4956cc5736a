"""The groups of a fleet that only says what it would do, as they would be had it done so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from peakfleet_planner.snapshot import PoolReading, Snapshot
from peakfleet_planner.spec import FleetSpec, PoolSpec


def in_shadow(spec: FleetSpec, snapshot: Snapshot) -> Snapshot:
    """Return what a fleet would have observed, had it done what it decided.

    What it added counts as booting for the boot time of its pool, and serves from then on. Before
    its first decision the groups are as they are. What AWS refuses, and takes back, is not known:
    nobody asked for it.

    Args:
        spec: The fleet.
        snapshot: What was seen of its groups.
    """
    if snapshot.memory is None:
        return snapshot
    memory = replace(snapshot.memory, outages=(), notices=(), foreign=(), draining=(), launches=())
    pools = tuple(_readings(spec, replace(snapshot, memory=memory)))
    return replace(snapshot, memory=memory, pools=pools, refused=())


def _readings(spec: FleetSpec, snapshot: Snapshot) -> Iterator[PoolReading]:
    seen = {reading.name: reading for reading in snapshot.pools}
    for pool in spec.pools:
        real = seen.get(pool.name)
        desired = snapshot.recalled.desired.get(pool.name)
        if desired is None and real is None:
            continue
        since = snapshot.now_epoch_seconds - pool.boot_seconds
        grown = snapshot.recalled.growth.get(pool.name, ())
        yield _reading(pool, real, desired, tuple(one for one in grown if one[0] > since))


def _reading(
    pool: PoolSpec,
    real: PoolReading | None,
    desired: int | None,
    booting_since: tuple[tuple[int, int], ...],
) -> PoolReading:
    if desired is None:
        desired, booting_since = (real.in_service_capacity if real else 0), ()
    booting = min(desired, sum(points for _, points in booting_since))
    return PoolReading(
        name=pool.name,
        desired_capacity=desired,
        in_service_capacity=desired - booting,
        min_capacity=pool.min_capacity,
        max_capacity=pool.max_capacity,
        booting_capacity=booting,
        booting_since=booting_since,
        zones=dict.fromkeys(real.zones, 0) if real else {},
    )
