"""The hourly learning of a fleet's demand: two weeks of metrics in, one model out.

Read `entry_point`, then `history`, which reads the two weeks a week at a time.
"""

from peakfleet_handlers.learn.entry_point import handler, run
