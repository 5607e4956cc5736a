"""The state table of a fleet, and what its records mean together.

`table` is every call of DynamoDB; `memory` makes records into what a decision knows, and a change
into its record. What a record looks like is declared in `peakfleet_table`.
"""

from peakfleet_handlers.state.memory import (
    LATER_TICK_WINS,
    confirm_change,
    later_tick,
    memory_of,
    plan_text,
    read_memory,
    record_change,
)
from peakfleet_handlers.state.table import ALWAYS, Only, Recorded, StateTable

__all__ = [
    "ALWAYS",
    "LATER_TICK_WINS",
    "Only",
    "Recorded",
    "StateTable",
    "confirm_change",
    "later_tick",
    "memory_of",
    "plan_text",
    "read_memory",
    "record_change",
]
