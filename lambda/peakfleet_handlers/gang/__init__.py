"""One tick of one training group."""

from peakfleet_handlers.gang.entry_point import handler, run

__all__ = [
    "handler",
    "run",
]
