"""The daily ledger of what each pool did for its money."""

from peakfleet_handlers.ledger.day_items import day_item, read_day
from peakfleet_handlers.ledger.entry_point import handler, run

__all__ = [
    "day_item",
    "handler",
    "read_day",
    "run",
]
