"""What AWS tells of a fleet, written down for its next decision."""

from peakfleet_handlers.events.entry_point import (
    SCHEDULE_VARIABLE,
    UnfinishedEventError,
    handler,
    run,
)
from peakfleet_handlers.events.ticks import Clock

__all__ = [
    "SCHEDULE_VARIABLE",
    "Clock",
    "UnfinishedEventError",
    "handler",
    "run",
]
