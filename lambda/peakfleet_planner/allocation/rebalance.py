"""Back to a cheaper pool, once it can be had again and the move pays for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor
from typing import Final

from peakfleet_planner.allocation.fill import besides_canaries
from peakfleet_planner.pools import PoolHealth, PoolSize
from peakfleet_planner.snapshot import Snapshot

QUIET_SECONDS: Final = 1800
"""A pool that was refused or reclaimed from within this time is not moved back to.

What has been quiet for so long is taken to stay so for as long again: over that time a move has
to earn what it costs.
"""
STEP_SHARE: Final = 0.25
"""Share of the dearer pool that one tick moves at most, at least one point of the cheaper one."""


def moved(
    sizes: tuple[PoolSize, ...],
    health: Sequence[PoolHealth],
    snapshot: Snapshot,
    *,
    needed_units: float,
    at_most_units: float,
) -> tuple[PoolSize, ...]:
    """Return the ladder after a cheaper pool grew in the place of a dearer one.

    The dearer one is let go afterwards, by the same rule as everything that is too much. A move
    costs the boot of the cheaper capacity, which is paid while the dearer still serves; it earns
    the difference in price for as long as the cheaper pool has been quiet.

    Args:
        sizes: The ladder as it would stay.
        health: How each pool stands, in the same order.
        snapshot: What was seen.
        needed_units: What demand needs; what is only kept for a while is not moved.
        at_most_units: Most units that one tick may add.
    """
    if any(_unsettled(one) for one in health):
        return sizes
    rest, needed_units = besides_canaries(sizes, needed_units)
    below = 0.0
    for place, (size, one) in enumerate(zip(rest, health, strict=True)):
        below += size.units
        if not _quiet(one, snapshot):
            continue
        above = [
            (dear.units, step)
            for dear, step in zip(rest[place + 1 :], health[place + 1 :], strict=True)
            if dear.capacity > dear.floor and _pays(one, step)
        ]
        dear_units = min(sum(units for units, _ in above), max(0.0, needed_units - below))
        each = size.units_per_capacity
        step_units = max(each, STEP_SHARE * dear_units)
        points = floor(min(dear_units, step_units, at_most_units) / each + 1e-9)
        points = min(points, size.ceiling - size.capacity)
        if points > 0:
            return tuple(
                replace(each_rung, capacity=each_rung.capacity + (points if here == place else 0))
                for here, each_rung in enumerate(sizes)
            )
    return sizes


def _unsettled(one: PoolHealth) -> bool:
    """Return whether something of a pool still boots, or is not what it should be."""
    reading = one.reading
    if reading is None or one.besides or one.unmet or one.foreign:
        return True
    return reading.in_service_capacity < reading.desired_capacity


def _quiet(one: PoolHealth, snapshot: Snapshot) -> bool:
    since = snapshot.now_epoch_seconds - QUIET_SECONDS
    pool = one.spec
    troubled = any(
        outage.asked_at_epoch_seconds > since
        for outage in snapshot.outages
        for kind in pool.instance_types or (None,)
        for zone in (one.reading.zones if one.reading else ()) or (None,)
        if outage.covers(pool=pool.name, purchase=pool.purchase, zone=zone, instance_type=kind)
    )
    return not troubled and one.available.cause is None


def _pays(cheap: PoolHealth, dear: PoolHealth) -> bool:
    """Return whether moving one unit costs less than it earns; unknown prices move nothing."""
    cheap_usd, dear_usd = cheap.spec.usd_per_capacity_hour, dear.spec.usd_per_capacity_hour
    if cheap_usd is None or dear_usd is None:
        return False
    cheap_usd /= cheap.spec.units_per_capacity
    dear_usd /= dear.spec.units_per_capacity
    return (dear_usd - cheap_usd) * QUIET_SECONDS > cheap_usd * cheap.spec.boot_seconds
