"""The state table of a fleet, and what its records mean together.

`memory` makes records into what a decision knows, and a change into its record; `claim` says which
tick may act; `spend` what fleets share of a limit; `table` is every call of DynamoDB. What a record
looks like is declared in `peakfleet_table`.
"""

from peakfleet_handlers.state.claim import Claim, later_tick_wins
from peakfleet_handlers.state.memory import (
    Actual,
    Known,
    confirm_change,
    memory_of,
    plan_text,
    read_known,
    read_memory,
    record_change,
)
from peakfleet_handlers.state.spend import read_shared, shared_writes, with_rebuilt_spend
from peakfleet_handlers.state.table import ALWAYS, Only, Recorded, StateTable, Write
