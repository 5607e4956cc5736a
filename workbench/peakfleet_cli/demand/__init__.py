"""`peakfleet demand`: what a recording holds, before it is replayed.

Read `options` (what is said of a recording, for every command that reads one), then `check`.
Neither loads the reader before a command runs, for a quick `--help`.
"""

from peakfleet_cli.demand.check import demand
