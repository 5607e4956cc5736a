"""What each pool is told: its size, and where, whom and what besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from peakfleet_planner.plan import PoolPlan
from peakfleet_planner.pool_plan.warm_pool import prepared_capacity
from peakfleet_planner.pools import PoolHealth, PoolSize, spread
from peakfleet_planner.requirement import Need
from peakfleet_planner.snapshot import Notice, OutageCause, PoolReading, Snapshot
from peakfleet_planner.spec import IN_FLIGHT, BacklogSignal, FleetSpec, PoolSpec

LEAST_WARM_SHARE = 0.75
"""A warm pool is let shrink only below this share: what waits costs little, a boot does not."""
SERVES_ON_SECONDS = 60
"""An instance that AWS takes back two minutes after its notice can be told to go in the second of
these minutes, and ticks are a minute apart."""
IDLE_SECONDS = 600
"""What works has a message in flight at some time of these minutes."""
STUCK_AFTER_SECONDS = 300
"""A drain may end this much later than its pool allows before it counts as stuck."""


def unchanged(health: Sequence[PoolHealth], snapshot: Snapshot) -> tuple[PoolPlan, ...]:
    """Return a plan that leaves every pool as it is."""
    remembered = snapshot.recalled.desired
    plans = []
    for one in health:
        seen = one.reading.desired_capacity if one.reading else None
        capacity = remembered[one.spec.name] if seen is None else seen
        plans.append(
            PoolPlan(
                name=one.spec.name,
                desired_capacity=capacity,
                seen_capacity=seen,
                units=capacity * one.spec.units_per_capacity,
                replaces_unhealthy=one.reading.replaces_unhealthy if one.reading else True,
            )
        )
    return tuple(plans)


def pool_plans(
    health: Sequence[PoolHealth],
    sizes: Sequence[PoolSize],
    snapshot: Snapshot,
    need: Need,
    *,
    serving_units: float,
    in_units: float,
    sure: bool,
) -> tuple[PoolPlan, ...]:
    """Return what each pool is told.

    Args:
        health: How each pool stands.
        sizes: The size of each, in the same order.
        snapshot: What was seen.
        need: What the pools should supply.
        serving_units: What they supplied when observed.
        in_units: Most units that a retired pool lets go of now.
        sure: Whether capacity may be let go at all.
    """
    risked_units = sum(
        notice.capacity * one.spec.units_per_capacity for one in health for notice in one.notices
    )
    can_spare = sure and serving_units - risked_units >= need.burst
    retired_units = sum(
        one.reading.in_service_capacity * one.spec.units_per_capacity
        for one in health
        if one.spec.retired and one.reading
    )
    lacking_units = max(0.0, need.keep - (serving_units - retired_units - risked_units))
    warm_units = need.warm_units
    plans = []
    for one, size in zip(health, sizes, strict=True):
        warm = _warm(one, warm_units)
        if warm is not None and warm_units is not None:
            warm_units = max(0.0, warm_units - warm * one.spec.units_per_capacity)
        plan = _pool_plan(one, size, snapshot, can_spare=can_spare, warm=warm)
        if one.spec.retired and one.reading and sure:
            kept = _kept(one, one.reading, lacking_units, in_units=in_units)
            lacking_units = max(0.0, lacking_units - kept * one.spec.units_per_capacity)
            plan = replace(plan, desired_capacity=min(plan.desired_capacity, kept))
        plans.append(plan)
    return tuple(plans)


def _kept(one: PoolHealth, reading: PoolReading, lacking_units: float, *, in_units: float) -> int:
    """Return what a retired pool keeps: what works, and what the others do not serve yet."""
    each = one.spec.units_per_capacity
    bound = reading.standing_capacity * each - max(each, in_units)  # units may be unbounded
    kept_units = max(0.0, bound, lacking_units)
    return max(reading.busy_capacity, ceil(kept_units / each - 1e-9))


def stuck_drains(health: Sequence[PoolHealth], snapshot: Snapshot) -> int:
    """Return how many instances have not left although their time to finish is over."""
    limits = {one.spec.name: one.spec.drain_seconds for one in health}
    now = snapshot.now_epoch_seconds
    return sum(
        now - one.since_epoch_seconds > limits[one.pool] + STUCK_AFTER_SECONDS
        for one in snapshot.recalled.draining
        if one.pool in limits
    )


def idle_protected(spec: FleetSpec, snapshot: Snapshot, *, wanted_units: float) -> int:
    """Return how many instances are protected from scale-in for no work, and are not wanted.

    Where queues alone are read, that is what is protected beyond the messages in flight of the
    last minutes: whoever works has one at least. Messages that the company's own side works on
    count as well, so that this is a lower bound. Elsewhere nobody sees what an instance works on,
    and all that is protected beyond the wanted units counts. A queue that could not be read says
    nothing.

    Args:
        spec: The fleet.
        snapshot: What was observed.
        wanted_units: What the pools are wanted to supply.
    """
    seen = {reading.name: reading for reading in snapshot.pools}
    units = instances = 0.0
    for pool in spec.pools:
        if reading := seen.get(pool.name):
            units += reading.busy_capacity * pool.units_per_capacity
            instances += reading.busy_instances
    if units <= wanted_units:
        return 0
    beyond = instances * (1 - max(0.0, wanted_units) / units)
    if all(isinstance(signal, BacklogSignal) for signal in spec.signals):
        in_flight = 0.0
        for signal in spec.signals:
            series = snapshot.signals.get(signal.name, {}).get(IN_FLIGHT)
            if series is None or not series.readable:
                return 0
            since = snapshot.now_epoch_seconds - IDLE_SECONDS
            in_flight += max((count for at, count in series.points if at >= since), default=0.0)
        beyond = min(beyond, instances - in_flight)
    return max(0, int(beyond))


def _pool_plan(
    one: PoolHealth, size: PoolSize, snapshot: Snapshot, *, can_spare: bool, warm: int | None
) -> PoolPlan:
    pool, reading = one.spec, one.reading
    now = snapshot.now_epoch_seconds
    drained = [n for n in one.notices if can_spare or _is_due(n, pool, now)]
    overdue = one.overdue if can_spare else 0
    besides = max(0, one.besides - overdue - sum(notice.capacity for notice in drained))
    more = max(0, size.capacity - one.size.capacity)
    capacity = size.capacity + besides
    return PoolPlan(
        name=pool.name,
        desired_capacity=capacity,
        seen_capacity=reading.desired_capacity if reading else None,
        units=size.units,
        launches=spread(one.available.zones, reading.zones, more)
        if reading and pool.launch == "direct"
        else (),
        warm_capacity=warm,
        prepared_capacity=prepared_capacity(
            pool, reading, snapshot.memory, capacity=capacity, now=now
        ),
        drains=(*(notice.instance_id for notice in drained), *_hopeless(one, overdue)),
        sweeps=_sweeps(one, snapshot),
        outage=one.available.cause,
        replaces_unhealthy=one.replaces_unhealthy,
        replacements=one.replacements,
        suspended=one.suspended,
    )


def _is_due(notice: Notice, pool: PoolSpec, now: int) -> bool:
    """Return whether an instance has to go, although nothing serves in its place yet.

    One that finishes its work needs all of the two minutes that AWS gives. One that does not
    serves on, until the last tick before they are over.
    """
    if notice.kind != "interruption":
        return False
    return pool.drain_seconds > 0 or now - notice.seen_at_epoch_seconds >= SERVES_ON_SECONDS


def _hopeless(one: PoolHealth, overdue: int) -> tuple[str, ...]:
    """Return what boots where nothing becomes ready, or for too long while others serve.

    By number, what serves might go instead.
    """
    if one.reading is None:
        return ()
    is_hopeless = one.available.cause is OutageCause.NEVER_READY and one.foreign is None
    booting = sorted(one.reading.booting)
    return tuple(booting if is_hopeless else booting[:overdue])


def _sweeps(one: PoolHealth, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the instances that outlived their drain for longer than the pool allows.

    One whose drain is not remembered stays, and is counted: it may still work on something.
    """
    if one.reading is None:
        return ()
    since = {d.instance_id: d.since_epoch_seconds for d in snapshot.recalled.draining}
    over = snapshot.now_epoch_seconds - one.spec.drain_seconds
    return tuple(i for i in one.reading.retained if i in since and since[i] <= over)


def _warm(one: PoolHealth, warm_units: float | None) -> int | None:
    warm = one.spec.warm
    if warm is None or warm.reuse or one.reading is None:
        return None
    if one.reading.waits_outdated:  # all that waits ends, and the next tick has it booted anew
        return 0
    if warm.min_capacity == warm.max_capacity:
        return warm.max_capacity
    if warm_units is None:
        return None
    wanted = ceil(warm_units / one.spec.units_per_capacity - 1e-9)
    wanted = min(max(wanted, warm.min_capacity), warm.max_capacity)
    target = one.reading.warm_target
    if target is None or wanted > target or wanted < LEAST_WARM_SHARE * target:
        return wanted
    return target
