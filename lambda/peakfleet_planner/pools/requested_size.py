"""What a group was asked to run, against the size that it shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from peakfleet_planner.snapshot import ForeignSize, Memory, PoolReading, Snapshot, booting_since

SETTLING_SECONDS: Final = 30
"""What another tick has asked for so recently counts, though its group does not show it yet: that
tick may still be asking, and AWS's own answers lag."""


def settled(reading: PoolReading, memory: Memory, now_epoch_seconds: int) -> PoolReading:
    """Return a group as it will be once what is under way has arrived, and since when that boots.

    Two ticks within seconds, of which an event asked for one, would else launch the same twice.

    Args:
        reading: The group as it was seen.
        memory: What is remembered of the fleet's last changes.
        now_epoch_seconds: The tick's time.
    """
    steps = memory.growth.get(reading.name, ())
    asked = memory.desired.get(reading.name, 0)
    before = memory.before.get(reading.name, asked)
    booting = reading.booting_capacity
    newest = steps[-1][0] if steps else now_epoch_seconds
    is_recent = now_epoch_seconds - SETTLING_SECONDS < newest < now_epoch_seconds
    if is_recent and before <= reading.desired_capacity < asked:
        missing = asked - reading.desired_capacity
        booting = None if booting is None else booting + missing
        reading = replace(reading, desired_capacity=asked, booting_capacity=booting)
    return replace(reading, booting_since=booting_since(steps, booting or 0))


def foreign_sizes(snapshot: Snapshot) -> tuple[ForeignSize, ...]:
    """Return the sizes that somebody else has set, as known and as found now.

    What the fleet asked for last, and what it had before, are its own; anything between them is
    a request that was met in part.
    """
    memory = snapshot.memory
    if memory is None:
        return ()
    known = {one.pool: one for one in memory.foreign}
    found = []
    for reading in snapshot.pools:
        size = reading.desired_capacity - snapshot.granted.get(reading.name, 0)
        asked = memory.desired.get(reading.name)
        if asked is None:
            continue
        before = memory.before.get(reading.name, asked)
        if min(asked, before) <= size <= max(asked, before):
            continue
        one = known.get(reading.name)
        since = one.since_epoch_seconds if one else snapshot.now_epoch_seconds
        found.append(ForeignSize(pool=reading.name, capacity=size, since_epoch_seconds=since))
    return tuple(found)
