"""The daily ledger of what each pool did for its money: metrics in, one record a day and pool out.

Read `entry_point`, then `pool_hours`, which reads what pools did in the hours of a day.
"""

from peakfleet_handlers.ledger.entry_point import handler, run
