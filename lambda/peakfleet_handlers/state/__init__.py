"""The state table: records to memory and back."""

from peakfleet_handlers.state.event_table import EventTable, Only
from peakfleet_handlers.state.fact_items import number, outage_item, read_units, units_item
from peakfleet_handlers.state.facts import UNREADABLE, Facts, keep_facts, read_facts
from peakfleet_handlers.state.items import (
    FIRST_READ,
    LATEST,
    Item,
    hold_item,
    key,
    latest_item,
    read_latest,
)
from peakfleet_handlers.state.memory import (
    Recorded,
    confirm_change,
    query_all,
    read_memory,
    record_change,
)

__all__ = [
    "FIRST_READ",
    "LATEST",
    "UNREADABLE",
    "EventTable",
    "Facts",
    "Item",
    "Only",
    "Recorded",
    "confirm_change",
    "hold_item",
    "keep_facts",
    "key",
    "latest_item",
    "number",
    "outage_item",
    "query_all",
    "read_facts",
    "read_latest",
    "read_memory",
    "read_units",
    "record_change",
    "units_item",
]
