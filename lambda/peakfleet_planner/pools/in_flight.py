"""What was asked for moments ago, and does not show yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from peakfleet_planner.snapshot import Memory, PoolReading, booting_since

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
