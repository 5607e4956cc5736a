"""What a tick knows."""

from peakfleet_planner.snapshot.capacity_errors import Outage, OutageCause
from peakfleet_planner.snapshot.memory import (
    MOST_BOOTS,
    MOST_GROWTH,
    BootTimes,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    MeasuredUnits,
    Notice,
    RolledBack,
    booting_since,
)
from peakfleet_planner.snapshot.signal_memory import (
    MOST_SHARES,
    WATCHED_MINUTES,
    WHOLE_SAMPLES,
    SignalMemory,
)
from peakfleet_planner.snapshot.snapshot import Hold, Memory, PoolReading, Snapshot

__all__ = [
    "MOST_BOOTS",
    "MOST_GROWTH",
    "MOST_SHARES",
    "WATCHED_MINUTES",
    "WHOLE_SAMPLES",
    "BootTimes",
    "Draining",
    "ForeignSize",
    "Growth",
    "Heights",
    "Hold",
    "MeasuredUnits",
    "Memory",
    "Notice",
    "Outage",
    "OutageCause",
    "PoolReading",
    "RolledBack",
    "SignalMemory",
    "Snapshot",
    "booting_since",
]
