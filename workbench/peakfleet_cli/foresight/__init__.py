"""`peakfleet learn` and `peakfleet peaks`: what a fleet learns from, and what was found in it.

Read `learn`, which gives a new fleet a recording, then `peaks`, which lists what comes back.
"""

from peakfleet_cli.foresight.learn import learn
from peakfleet_cli.foresight.peaks import peaks
