"""What a group was asked to run, against the size that it shows.

They differ while a request is on its way, when somebody else sets the size, and when capacity that
was asked for never comes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from peakfleet_planner.snapshot import (
    ForeignSize,
    Growth,
    Memory,
    PoolReading,
    Shortfall,
    Snapshot,
    booting_since,
)
from peakfleet_planner.spec import PoolSpec

IN_FLIGHT_SECONDS: Final = 30
"""What another tick has asked for so recently counts, though its group does not show it yet: that
tick may still be asking, and AWS's own answers lag."""
HALF_DONE_SECONDS: Final = 120
"""A size between two of the fleet's own is for so long a change that was made in part: a tick that
ended too early is made good by the next two. Later, somebody has set it."""
MISSING_AFTER_BOOTS: Final = 2.0
LEAST_MISSING_SECONDS: Final = 300
"""Capacity that neither serves nor boots for so many boot times, and so long, will not come."""
OVERDUE_AFTER_BOOTS: Final = 3.0
LEAST_OVERDUE_SECONDS: Final = 600
"""Capacity that does not serve for so many boot times, and so long, whatever it does meanwhile, is
not counted on: a machine that boots for ever, or one after the other that a health check ends."""
LEAST_HOPELESS_SECONDS: Final = 1800
"""After twice as long as that, and so long, it is no longer waited for. Before, the hook of its
launch times out, after a quarter of an hour by default, and says that the image may be to blame."""
USUAL_SHORT_SHARE: Final = 0.1
"""So much of a pool may always be replaced, by an instance refresh or for Spot."""


def settled(reading: PoolReading, memory: Memory, now_epoch_seconds: int) -> PoolReading:
    """Return a group as it will be once what is under way has arrived, and since when that boots.

    Two ticks within seconds, of which an event asked for one, would else launch the same twice.
    So would a tick after one whose requests AWS has not answered yet.

    Args:
        reading: The group as it was seen.
        memory: What is remembered of the fleet's last changes.
        now_epoch_seconds: The tick's time.
    """
    unanswered = sum(one.capacity for one in memory.launches if one.pool == reading.name)
    steps = memory.growth.get(reading.name, ())
    asked = memory.desired.get(reading.name, 0)
    if unanswered:  # an answer may have come between the question and the reading of the group
        size = max(reading.desired_capacity, min(asked, reading.desired_capacity + unanswered))
        reading = replace(reading, desired_capacity=size, unanswered_capacity=unanswered)
    before = memory.before.get(reading.name, asked)
    booting = reading.booting_capacity
    newest = steps[-1][0] if steps else now_epoch_seconds
    is_recent = now_epoch_seconds - IN_FLIGHT_SECONDS < newest < now_epoch_seconds
    if is_recent and before <= reading.desired_capacity < asked:
        missing = asked - reading.desired_capacity
        booting = None if booting is None else booting + missing
        reading = replace(reading, desired_capacity=asked, booting_capacity=booting)
    return replace(reading, booting_since=booting_since(steps, booting or 0))


def foreign_sizes(snapshot: Snapshot) -> tuple[ForeignSize, ...]:
    """Return the sizes that somebody else has set, as known and as found now.

    The fleet's own is what it asked for last. A size from there to the one before is the fleet's
    own too while that change is recent: it may have been made in part. A known size stays
    somebody else's for as long as it is left; a new one is known since now.
    """
    memory, now = snapshot.memory, snapshot.now_epoch_seconds
    if memory is None:
        return ()
    known = {one.pool: one for one in memory.foreign}
    found = []
    for reading in snapshot.pools:
        size = reading.desired_capacity - snapshot.granted.get(reading.name, 0)
        asked = memory.desired.get(reading.name)
        if asked is None or size == asked:
            continue
        one = known.get(reading.name)
        if one is None or one.capacity != size:
            if _is_half_done(memory, reading.name, size, now):
                continue
            one = ForeignSize(pool=reading.name, capacity=size, since_epoch_seconds=now)
        found.append(one)
    return tuple(found)


def known_growth(snapshot: Snapshot) -> dict[str, Growth]:
    """Return when each pool was asked for more lately, by the fleet or by somebody else.

    What the safety net or a human has launched is as new as what the fleet launched itself.
    """
    memory = snapshot.recalled
    found = dict(memory.growth)
    for one in foreign_sizes(snapshot):
        points = one.capacity - memory.desired.get(one.pool, one.capacity)
        if points > 0:
            steps = (*found.get(one.pool, ()), (one.since_epoch_seconds, points))
            found[one.pool] = tuple(sorted(steps))
    return found


def unmet_since(snapshot: Snapshot) -> dict[str, int]:
    """Return what to remember: since when each pool lacks what it was asked for."""
    known = snapshot.recalled.unmet_since or {}
    return {
        reading.name: known.get(reading.name, snapshot.now_epoch_seconds)
        for reading in snapshot.pools
        if reading.unmet_capacity
    }


def shortfalls(snapshot: Snapshot) -> dict[str, Shortfall]:
    """Return what to remember: since when more than a little of each pool does not serve.

    A group that does not replace what is unhealthy lacks it on purpose.
    """
    known, now = snapshot.recalled.shortfalls or {}, snapshot.now_epoch_seconds
    found = {}
    for reading in snapshot.pools:
        short = reading.desired_capacity - reading.in_service_capacity
        if not reading.replaces_unhealthy or not _is_short(reading, short):
            continue
        was = known.get(reading.name, Shortfall(since_epoch_seconds=now, least_capacity=short))
        found[reading.name] = replace(was, least_capacity=min(was.least_capacity, short))
    return found


def overdue_capacity(pool: PoolSpec, reading: PoolReading, snapshot: Snapshot) -> tuple[int, bool]:
    """Return the points that should serve for long, and do not: they are not counted on.

    And whether they are still waited for. Where nobody keeps for how long, what boots says by
    itself since when.

    Args:
        pool: The pool.
        reading: Its group as it was seen.
        snapshot: With what is remembered.
    """
    now, kept = snapshot.now_epoch_seconds, snapshot.recalled.shortfalls
    patience = max(OVERDUE_AFTER_BOOTS * pool.boot_seconds, LEAST_OVERDUE_SECONDS)
    if kept is None:
        boots = [one for one in reading.booting_since if now - one[0] >= patience]
        points = sum(some for _, some in boots)
        begun = min((since for since, _ in boots), default=now)
    elif known := kept.get(reading.name):
        begun = known.since_epoch_seconds
        if now - begun < patience:
            return 0, True
        short = reading.desired_capacity - reading.in_service_capacity
        points = min(known.least_capacity, short)
        points -= _asked_since(reading.name, now - patience, snapshot)
    else:
        return 0, True
    waits = now - begun < max(2 * patience, LEAST_HOPELESS_SECONDS)
    return (points if _is_short(reading, points) else 0), waits


def missing_capacity(pool: PoolSpec, reading: PoolReading, snapshot: Snapshot) -> int:
    """Return the points that a group was asked for and that will not come.

    A group that loses instances lacks them for a moment too, so it must have lacked something for
    a few boot times. Where nobody keeps since when, only a group is sure that has nothing at all,
    and was not asked lately.

    Args:
        pool: The pool.
        reading: Its group as it was seen.
        snapshot: With what is remembered of the last changes, by the fleet or by somebody else.
    """
    unmet, name = reading.unmet_capacity, reading.name
    if not unmet:
        return 0
    memory, now = snapshot.recalled, snapshot.now_epoch_seconds
    patience = max(MISSING_AFTER_BOOTS * pool.boot_seconds, LEAST_MISSING_SECONDS)
    if memory.unmet_since is not None:
        if now - memory.unmet_since.get(name, now) < patience:
            return 0
    elif unmet < reading.desired_capacity or not _was_asked_long_ago(memory, name, unmet):
        return 0
    return max(0, unmet - _asked_since(name, now - patience, snapshot))


def _asked_since(pool: str, since: float, snapshot: Snapshot) -> int:
    return sum(points for at, points in known_growth(snapshot).get(pool, ()) if at > since)


def _is_short(reading: PoolReading, points: int) -> bool:
    return points > USUAL_SHORT_SHARE * reading.desired_capacity


def _was_asked_long_ago(memory: Memory, pool: str, points: int) -> bool:
    """Return whether the fleet itself asked for so many points; a growth says by itself when."""
    asked_before = points <= memory.before.get(pool, points)
    return memory.desired.get(pool) == points and (pool in memory.growth or asked_before)


def _is_half_done(memory: Memory, pool: str, size: int, now: int) -> bool:
    """Return whether a size shows the fleet's own last change, made in part or not at all yet.

    Where nobody keeps when a pool was asked for less, a size that is still the one before it is.
    """
    asked = memory.desired[pool]
    before = memory.before.get(pool, asked)
    if not min(asked, before) <= size <= max(asked, before):
        return False
    if memory.shrinkage is None and asked < size == before:
        return True
    steps = (*memory.growth.get(pool, ()), *(memory.shrinkage or {}).get(pool, ()))
    return any(now - since < HALF_DONE_SECONDS for since, _ in steps)
