"""What AWS tells of a fleet: an event in, records for the next decision and perhaps a tick out.

Read `entry_point`, then `whose`, which fleet an event is of, and `rules`, which says what follows
from each kind of event; `writes` and `boots` are the records that they leave, `ticks` is a tick out
of turn.
"""

from peakfleet_handlers.events.entry_point import (
    SCHEDULES_VARIABLE,
    TABLE_VARIABLE,
    UnfinishedEventError,
    handler,
    run,
)
from peakfleet_handlers.events.ticks import Clock
from peakfleet_handlers.events.whose import Plane
