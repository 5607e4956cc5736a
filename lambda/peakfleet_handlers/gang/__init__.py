"""One tick of one training group: all of its machines or none.

Read `entry_point`, then its steps: `observe` reads group, reservation, records and what the
machines say; the planner decides; `act` launches all or nothing, forms the group and releases it.
`signs` is what the group and its machines tell each other through objects of S3.
"""

from peakfleet_handlers.gang.entry_point import handler, run
