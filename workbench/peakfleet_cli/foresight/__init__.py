"""`peakfleet learn`: what a fleet learns from.

Read `learn`, which gives a new fleet a recording.
"""

from peakfleet_cli.foresight.learn import learn
