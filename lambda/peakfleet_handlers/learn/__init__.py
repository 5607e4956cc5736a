"""The hourly learning of a fleet's demand."""

from peakfleet_handlers.learn.entry_point import handler, run

__all__ = [
    "handler",
    "run",
]
