"""What is let go may wait, stopped, and serve again: for as long as that is worth a boot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from peakfleet_planner.pools import with_measured_boots
from peakfleet_planner.snapshot import Heights, Memory, PoolReading, Snapshot
from peakfleet_planner.spec import FleetSpec, PoolSpec, hold_seconds

MOST_HEIGHTS: Final = 32
"""Sizes that are remembered of each pool. With more, some wait a little longer than they would."""


def prepared_capacity(
    pool: PoolSpec, reading: PoolReading | None, memory: Memory | None, *, capacity: int, now: int
) -> int | None:
    """Return how many points may serve or wait together; None where nothing is reused.

    That is the most that there were within the time for which waiting costs no more than a boot.
    It is never raised above what there is, so that nothing boots only to wait. While it is not
    known what there was, it stays as it is. What was launched from another version of the launch
    template does not serve again: as soon as some of it waits, all that waits ends.

    Args:
        pool: The pool.
        reading: Its group as it was seen.
        memory: What is remembered; None if that could not be read.
        capacity: What the pool is asked to run next.
        now: Epoch seconds of the decision.
    """
    warm = pool.warm
    if warm is None or not warm.reuse or reading is None:
        return None
    prepared = 0 if reading.waits_outdated else reading.prepared_capacity or 0
    if memory is not None:
        recent = _recent(memory.heights.get(pool.name, ()), pool, now)
        prepared = min(prepared, max((points for _, points in recent), default=0))
    return min(max(prepared, reading.standing_capacity, capacity), capacity + warm.max_capacity)


def heights(spec: FleetSpec, snapshot: Snapshot) -> Mapping[str, Heights]:
    """Return what to remember of the sizes of each pool that reuses what is let go.

    Only the last time of each size counts, and only until the pool is as large again.
    """
    now, memory = snapshot.now_epoch_seconds, snapshot.recalled
    spec, known = with_measured_boots(spec, memory.boots), memory.heights
    seen = {reading.name: reading for reading in snapshot.pools}
    found = {}
    for pool in spec.pools:
        if pool.warm is None or not pool.warm.reuse:
            continue
        kept = list(_recent(known.get(pool.name, ()), pool, now))
        if reading := seen.get(pool.name):
            standing = reading.standing_capacity
            kept = [(until, points) for until, points in kept if points > standing]
            kept += [(now, standing)] if standing else []
        if len(kept) > MOST_HEIGHTS:
            later = [*kept[1::2], kept[-1]]
            kept = [(end[0], start[1]) for start, end in zip(kept[::2], later, strict=False)]
        found[pool.name] = tuple(kept)
    return {name: points for name, points in found.items() if points}


def _recent(known: Heights, pool: PoolSpec, now: int) -> Iterable[tuple[int, int]]:
    share = pool.warm.cost_fraction if pool.warm else 1.0
    since = now - hold_seconds(boot_seconds=pool.boot_seconds, cost_fraction=share)
    return ((until, points) for until, points in known if until > since)
