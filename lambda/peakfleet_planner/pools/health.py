"""How each pool is: what of it counts, and whether it may be asked for more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from peakfleet_planner.plan import NEEDED_PROCESSES
from peakfleet_planner.pools.backoff import Availability, availability, refused
from peakfleet_planner.pools.requested_size import (
    foreign_sizes,
    missing_capacity,
    overdue_capacity,
)
from peakfleet_planner.snapshot import (
    ForeignSize,
    Memory,
    Notice,
    Outage,
    OutageCause,
    PoolReading,
    Snapshot,
)
from peakfleet_planner.spec import FleetSpec, PoolSpec

FEWEST_UNHEALTHY: Final = 3
HALT_ABOVE, RESUME_BELOW = 0.45, 0.2
"""More unhealthy than this share halts replacement, as the Cluster Autoscaler does."""
LAUNCH: Final = "Launch"
REPLACE_UNHEALTHY: Final = "ReplaceUnhealthy"
"""Processes of a group, by EC2 Auto Scaling's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """Points of capacity of one pool that count, and its bounds.

    Args:
        name: The pool.
        units_per_capacity: Units that one point serves.
        capacity: Points it is asked to run; what is booting counts.
        floor: Fewest points it may have.
        ceiling: Most points it may have.
        canary_share: Share of the wanted units that it serves before its turn. Default: 0.
        usd_per_capacity_hour: Price of one point for an hour. Default: unknown.
    """

    name: str
    units_per_capacity: float
    capacity: int
    floor: int
    ceiling: int
    canary_share: float = 0.0
    usd_per_capacity_hour: float | None = None

    @property
    def units(self) -> float:
        """Units of all its points."""
        return self.capacity * self.units_per_capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHealth:
    """One pool.

    Args:
        spec: The pool.
        reading: As it was seen; None if it could not be read and is only remembered.
        size: What of it counts, and its bounds.
        least: Fewest points that it may have, were none of them busy.
        most: Most points that it may have, could all of them be had.
        besides: Points that it was asked for and that do not count: at risk, unhealthy for good,
            overdue, or of a retired pool.
        overdue: Of these, what should serve for long, does not, and is not waited for any more.
            Default: none.
        unmet: Points that it was asked for and that could not be had.
        available: Where it may be asked.
        notices: Its instances that AWS may take back.
        replaces_unhealthy: Whether it should replace what is unhealthy.
        replacements: Unhealthy instances to replace as a trial, while it does not.
        missing: What to remember of capacity that was asked for and never came. Default: nothing.
        foreign: The size that somebody else has set, while that is left alone.
    """

    spec: PoolSpec
    reading: PoolReading | None
    size: PoolSize
    least: int
    most: int
    besides: int = 0
    overdue: int = 0
    unmet: int = 0
    available: Availability
    notices: tuple[Notice, ...] = ()
    replaces_unhealthy: bool = True
    replacements: tuple[str, ...] = ()
    missing: tuple[Outage, ...] = ()
    foreign: ForeignSize | None = None

    @property
    def suspended(self) -> tuple[str, ...]:
        """Processes of its group that somebody else has suspended."""
        return self.reading.suspended if self.reading else ()

    @property
    def is_hindered(self) -> bool:
        """Whether one of these is needed."""
        return not NEEDED_PROCESSES.isdisjoint(self.suspended)


def pool_health(spec: FleetSpec, snapshot: Snapshot) -> tuple[PoolHealth, ...]:
    """Return the pools as observed, or as remembered where a group could not be read."""
    memory = snapshot.recalled
    seen = {pool.name: pool for pool in snapshot.pools}
    foreign = {one.pool: one for one in foreign_sizes(snapshot)}
    found = []
    for pool in spec.pools:
        if pool.name in seen:
            found.append(_seen(spec, snapshot, pool, seen[pool.name], foreign.get(pool.name)))
        elif pool.name in memory.desired:
            found.append(_remembered(snapshot, pool, memory))
    return tuple(found)


def _seen(
    spec: FleetSpec,
    snapshot: Snapshot,
    pool: PoolSpec,
    reading: PoolReading,
    foreign: ForeignSize | None,
) -> PoolHealth:
    memory = snapshot.recalled
    outages = snapshot.outages
    replaces = _replaces(reading)
    overdue, waits = overdue_capacity(pool, reading, snapshot) if replaces else (0, True)
    available, missing = _available(snapshot, outages, pool, reading, overdue=overdue)
    notices = tuple(
        one
        for one in memory.notices
        if one.pool == pool.name and one.instance_id in reading.serving
    )
    at_risk = sum(one.capacity for one in notices)
    besides = min(
        reading.desired_capacity, at_risk + (0 if replaces else reading.unhealthy_capacity)
    )
    unmet = _unmet(reading, available.cause)
    overdue = max(0, min(overdue, reading.desired_capacity) - besides - unmet)
    besides += overdue
    if foreign is not None and not _is_left_alone(spec, foreign, snapshot.now_epoch_seconds):
        foreign = None
    raised = foreign is not None and foreign.capacity > memory.desired.get(pool.name, 0)
    if raised:  # it stays asked for, though it does not come and others are asked meanwhile
        besides, unmet = min(reading.desired_capacity, besides + unmet), 0
    if pool.retired:  # nothing of it counts, so that the other pools grow in its place
        besides, unmet = reading.standing_capacity, reading.unmet_capacity
    capacity = max(0, reading.desired_capacity - besides - unmet)
    allowed = max(min(pool.max_capacity, reading.max_capacity), reading.min_capacity)
    ceiling = max(0, allowed - besides)  # no group is smaller than its own minimum
    floor = max(pool.min_capacity, reading.min_capacity)
    if pool.retired:
        ceiling = floor = 0
    if available.cause is None and _never_served(pool, outages):
        ceiling = min(ceiling, max(capacity, reading.in_service_capacity + 1))
    if reading.unanswered_capacity:  # what may still come cannot be let go
        floor = max(floor, capacity)
    most = ceiling
    if foreign is not None:  # left alone, above the maximum too
        floor, ceiling = capacity, max(ceiling, capacity)
        if not raised:
            ceiling = capacity
    return PoolHealth(
        spec=pool,
        reading=reading,
        size=_size(
            pool,
            capacity=capacity,
            floor=max(floor, min(reading.busy_capacity, capacity)),
            ceiling=min(ceiling, capacity) if available.cause else ceiling,
        ),
        least=floor,
        most=most,
        besides=besides,
        overdue=0 if waits or pool.retired or foreign else overdue,
        unmet=unmet,
        available=available,
        notices=notices,
        replaces_unhealthy=replaces,
        replacements=()
        if replaces or available.cause or not _is_trial_due(reading)
        else tuple(sorted(reading.unhealthy)[:1]),
        missing=missing,
        foreign=foreign,
    )


def _remembered(snapshot: Snapshot, pool: PoolSpec, memory: Memory) -> PoolHealth:
    """Return a pool that could not be read: nobody knows its size, so it keeps the one it has."""
    foreign = (one.capacity for one in memory.foreign if one.pool == pool.name)
    capacity = max(memory.desired[pool.name], *foreign, 0)
    return PoolHealth(
        spec=pool,
        reading=None,
        size=_size(pool, capacity=capacity, floor=capacity, ceiling=capacity),
        least=capacity,
        most=max(capacity, pool.max_capacity),
        available=availability(pool, (), snapshot.outages, snapshot.now_epoch_seconds),
    )


def _size(pool: PoolSpec, *, capacity: int, floor: int, ceiling: int) -> PoolSize:
    return PoolSize(
        name=pool.name,
        units_per_capacity=pool.units_per_capacity,
        capacity=capacity,
        floor=floor,
        ceiling=ceiling,
        canary_share=pool.canary_share,
        usd_per_capacity_hour=pool.usd_per_capacity_hour,
    )


def _available(
    snapshot: Snapshot,
    outages: Sequence[Outage],
    pool: PoolSpec,
    reading: PoolReading,
    *,
    overdue: int,
) -> tuple[Availability, tuple[Outage, ...]]:
    """Return where a pool may be asked, and what to remember if what was asked for never came."""
    now = snapshot.now_epoch_seconds
    if LAUNCH in reading.suspended:
        return Availability(cause=OutageCause.SUSPENDED), ()
    available = availability(pool, tuple(reading.zones), outages, now)
    if available.cause or not (overdue or missing_capacity(pool, reading, snapshot)):
        return available, ()
    missing = refused(
        pool,
        zones=(),
        zone=None,
        instance_types=(),
        cause=OutageCause.MISSING,
        outages=outages,
        now=now,
    )
    return Availability(cause=OutageCause.MISSING), missing


def _unmet(reading: PoolReading, cause: OutageCause | None) -> int:
    """Return what a pool that may not be asked was asked for and will not serve.

    Where nothing becomes ready, what boots will not either, and its group would replace it for
    ever.
    """
    if cause is None:
        return 0
    hopeless = (reading.booting_capacity or 0) if cause is OutageCause.NEVER_READY else 0
    return reading.unmet_capacity + hopeless


def _never_served(pool: PoolSpec, outages: Sequence[Outage]) -> bool:
    """Return whether the last launches of a pool never served, so that one is tried first."""
    return any(one.cause is OutageCause.NEVER_READY and one.pool == pool.name for one in outages)


def _replaces(reading: PoolReading) -> bool:
    """Return whether a group should replace its unhealthy instances.

    When this many are unhealthy at once, it is rarely their own fault, and new ones fare no better.
    But what is unhealthy stays so: only others in its place can show that the trouble is over. So
    one at a time is replaced by name; where the names are not known, the group may replace as many
    as it does at once.
    """
    unhealthy = reading.unhealthy_capacity
    share = unhealthy / max(1, unhealthy + reading.in_service_capacity)
    if REPLACE_UNHEALTHY in reading.suspended:
        return reading.replaces_unhealthy
    if reading.replaces_unhealthy:
        return not too_many_unhealthy(unhealthy, reading.in_service_capacity)
    return share < RESUME_BELOW or (not reading.unhealthy and _is_trial_due(reading))


def too_many_unhealthy(unhealthy_capacity: int, serving_capacity: int) -> bool:
    """Return whether so many are unhealthy at once that it is not their own fault."""
    share = unhealthy_capacity / max(1, unhealthy_capacity + serving_capacity)
    return unhealthy_capacity >= FEWEST_UNHEALTHY and share > HALT_ABOVE


def _is_trial_due(reading: PoolReading) -> bool:
    """Return whether one may be replaced: not while the last one boots, nor if a human forbids."""
    booting = reading.booting_capacity
    if booting is None:
        there = reading.in_service_capacity + reading.unhealthy_capacity
        booting = reading.desired_capacity - there
    return booting <= 0 and REPLACE_UNHEALTHY not in reading.suspended


def _is_left_alone(spec: FleetSpec, foreign: ForeignSize, now: int) -> bool:
    writer = spec.other_writer
    return writer.mode == "yield" or now - foreign.since_epoch_seconds < writer.grace_seconds
