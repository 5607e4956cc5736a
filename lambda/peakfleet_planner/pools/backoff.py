"""Which zones of a pool may be asked for capacity, by what was refused lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from peakfleet_planner.plan import Launch
from peakfleet_planner.snapshot import Outage, OutageCause
from peakfleet_planner.spec import PoolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Where a pool may be asked.

    Args:
        zones: Availability Zones that may be asked; empty if they are not known.
        cause: Why the pool may not be asked at all; None if it may.
    """

    zones: tuple[str, ...] = ()
    cause: OutageCause | None = None


def availability(
    pool: PoolSpec, zones: Sequence[str], outages: Sequence[Outage], now: int
) -> Availability:
    """Return where *pool* may be asked for capacity.

    A zone is shut while every instance type in it was refused and none may be asked again. Once
    every zone has refused, one of them is asked again, the one that was asked the longest ago,
    and no sooner than the latest refusal allows: a dry pool is never asked often.

    Args:
        pool: The pool.
        zones: Its Availability Zones; empty if they are not known.
        outages: What was refused lately, of any pool.
        now: Epoch seconds.
    """
    own = [one for one in outages if one.pool in (None, pool.name)]
    refusals = {zone: _refusals(pool, zone, own) for zone in zones or (None,)}
    if all(refusals.values()):
        newest = max(
            (one for refused in refusals.values() for one in refused),
            key=lambda one: (one.retry_at_epoch_seconds, one.asked_at_epoch_seconds),
        )
        if now < newest.retry_at_epoch_seconds:
            return Availability(cause=newest.cause)
        due = min(refusals, key=lambda zone: _asked_at(refusals[zone]))
        return Availability(zones=() if due is None else (due,))
    return Availability(
        zones=tuple(
            zone
            for zone, refused in refusals.items()
            if zone is not None
            and (not refused or min(one.retry_at_epoch_seconds for one in refused) <= now)
        )
    )


def refused(
    pool: PoolSpec,
    *,
    zones: Sequence[str],
    zone: str | None,
    instance_types: Sequence[str],
    cause: OutageCause,
    outages: Sequence[Outage],
    now: int,
) -> tuple[Outage, ...]:
    """Return what to remember of a refusal, one outage for each instance type.

    A pool that was dry in every zone already counts the refusals of all its zones in a row.

    Args:
        pool: Who was asked.
        zones: Its Availability Zones.
        zone: Where it was asked; None if that is not known.
        instance_types: What was refused; empty stands for all of the pool's.
        cause: Why.
        outages: What is remembered already.
        now: Epoch seconds.
    """
    own = [one for one in outages if one.pool in (None, pool.name)]
    before = {place: _refusals(pool, place, own) for place in zones or (None,)}
    earlier = [one for each in before.values() for one in each if one.asked_at_epoch_seconds < now]
    dry = all(before.values()) and len(earlier) == sum(map(len, before.values()))
    whole = cause not in (OutageCause.NO_CAPACITY, OutageCause.NO_ADDRESSES, OutageCause.AT_RISK)
    nowhere = zone is None and cause is OutageCause.NO_ADDRESSES  # other pools may have some left
    made = Outage(
        cause=cause,
        asked_at_epoch_seconds=now,
        purchase=pool.purchase,
        zone=None if whole else zone,
        pool=pool.name if whole or nowhere or not pool.instance_types else None,
    )
    kinds: Sequence[str | None] = instance_types or pool.instance_types or (None,)
    if whole or cause is OutageCause.NO_ADDRESSES:
        kinds = (None,)
    known = {one.scope: one for one in outages}
    found = []
    for kind in kinds:
        one = replace(made, instance_type=kind)
        attempts = known[one.scope].attempts if one.scope in known else 0
        if dry:
            attempts = max(attempts, *(each.attempts for each in earlier))
        found.append(replace(one, attempts=attempts + 1))
    return tuple(found)


def remembered(outages: Sequence[Outage], new: Sequence[Outage]) -> tuple[Outage, ...]:
    """Return *outages* with *new* ones, which replace those of the same scope."""
    return tuple({one.scope: one for one in (*outages, *new)}.values())


def spread(zones: Sequence[str], running: Mapping[str, int], capacity: int) -> tuple[Launch, ...]:
    """Return where to launch *capacity* points, so that the zones are as even as can be.

    >>> spread(("a", "b"), {"a": 3, "b": 1}, 4)
    (Launch(zone='a', capacity=1), Launch(zone='b', capacity=3))
    """
    if not zones:
        return ()
    total = {zone: running.get(zone, 0) for zone in zones}
    heights, left, lowest = sorted(total.values()), max(0, capacity), 1
    level = heights[0]
    # The lowest zones rise together until they reach the next one, or nothing is left.
    while lowest < len(heights) and (heights[lowest] - level) * lowest <= left:
        left -= (heights[lowest] - level) * lowest
        level, lowest = heights[lowest], lowest + 1
    level, left = level + left // lowest, left % lowest
    launches = []
    for zone, running_now in total.items():
        is_low = running_now <= level
        points = level - running_now + (left > 0) if is_low else 0
        left -= is_low
        if points:
            launches.append(Launch(zone=zone, capacity=points))
    return tuple(launches)


def _refusals(pool: PoolSpec, zone: str | None, outages: Sequence[Outage]) -> list[Outage]:
    """Return the refusals that shut a zone, one for each type; none if a type is left."""
    found = []
    for kind in pool.instance_types or (None,):
        refusals = [
            one
            for one in outages
            if one.covers(pool=pool.name, purchase=pool.purchase, zone=zone, instance_type=kind)
        ]
        if not refusals:
            return []
        found.append(max(refusals, key=lambda one: one.retry_at_epoch_seconds))
    return found


def _asked_at(refusals: Sequence[Outage]) -> int:
    return max(one.asked_at_epoch_seconds for one in refusals)
