"""The shared reader of a control plane: specifications of fleets in, a reading for each out.

It runs every minute and reads with one request what the ticks of all its fleets would read with
one each. No tick relies on it (`tick/metric_reads`): what it fails to read, they read themselves.
Read `entry_point`; what a fleet reads is in `fleet_metrics`.
"""

from peakfleet_handlers.read.entry_point import ReadingError, handler, run
