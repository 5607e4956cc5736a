"""The state table's records as values: one declaration for each kind. No boto3, no I/O.

Handlers and the command write and read the table through these declarations alone. A value goes in
(`OUTAGES.item(fleet, outage)` gives DynamoDB's form of it) and comes out again
(`OUTAGES.read(item)`), whole or not at all: what is damaged is refused by its path, and whoever
reads treats it as lost.

Read `records` first, which lists every kind; then `values`, what they hold beside the planner's own
values, and `reading`, what a shared reader leaves; then `kind`, what a declaration can say; then
`forms`, how each value is kept.
`hold_tag` is the one thing that is kept beside the table too.
"""

from peakfleet_table.forms import DamagedRecordError, Form, Item
from peakfleet_table.hold_tag import HOLD_TAG, read_hold_tag, write_hold_tag
from peakfleet_table.kind import (
    EXPIRES_AT,
    Attribute,
    Kind,
    has_expired,
    has_key,
    path_of,
    read_all,
)
from peakfleet_table.reading import (
    MOST_PACKED_BYTES,
    SharedReading,
    can_be_kept,
    metric_key,
)
from peakfleet_table.records import (
    ASKED,
    BOOTS,
    DAYS,
    DECISIONS,
    DRAINS,
    FIRST_READ,
    GANGS,
    HOLDS,
    HOURS,
    LATESTS,
    LAUNCHES,
    MODELS,
    NOTICES,
    OUTAGES,
    PROPOSALS,
    READY_KEPT_SECONDS,
    RECORDINGS,
    ROLLBACKS,
    SERIES,
    SHARED_SPENDS,
    SIZE_KEPT_SECONDS,
    SIZES,
    SPEND_OVERRIDES,
    STRIKES,
    STRIKES_KEPT_SECONDS,
    TICKS,
    UNITS,
    UNITS_KEPT_SECONDS,
)
from peakfleet_table.values import (
    Asked,
    Decision,
    Gang,
    Latest,
    NewestTick,
    PackedModel,
    PackedRecording,
    PoolBoots,
    PoolUnits,
    Strikes,
)

__all__ = [
    "ASKED",
    "BOOTS",
    "DAYS",
    "DECISIONS",
    "DRAINS",
    "EXPIRES_AT",
    "FIRST_READ",
    "GANGS",
    "HOLDS",
    "HOLD_TAG",
    "HOURS",
    "LATESTS",
    "LAUNCHES",
    "MODELS",
    "MOST_PACKED_BYTES",
    "NOTICES",
    "OUTAGES",
    "PROPOSALS",
    "READY_KEPT_SECONDS",
    "RECORDINGS",
    "ROLLBACKS",
    "SERIES",
    "SHARED_SPENDS",
    "SIZES",
    "SIZE_KEPT_SECONDS",
    "SPEND_OVERRIDES",
    "STRIKES",
    "STRIKES_KEPT_SECONDS",
    "TICKS",
    "UNITS",
    "UNITS_KEPT_SECONDS",
    "Asked",
    "Attribute",
    "DamagedRecordError",
    "Decision",
    "Form",
    "Gang",
    "Item",
    "Kind",
    "Latest",
    "NewestTick",
    "PackedModel",
    "PackedRecording",
    "PoolBoots",
    "PoolUnits",
    "SharedReading",
    "Strikes",
    "can_be_kept",
    "has_expired",
    "has_key",
    "metric_key",
    "path_of",
    "read_all",
    "read_hold_tag",
    "write_hold_tag",
]
