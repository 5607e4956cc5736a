"""Demand replayed through deployed fleets, one virtual minute at a time.

`fleets` finds what is deployed and says what becomes of one minute's work; `replay` lets the
minutes pass: serve, publish, fire the schedules, read the plans.
"""

from peakfleet_local.replay.fleets import (
    CLOUD,
    OwnSide,
    Physics,
    ReplayedFleet,
    Work,
    backlog_of,
    deployed_fleets,
    deployed_gangs,
    usable_baseline_units,
)
from peakfleet_local.replay.replay import FleetMinute, Minute, Phases, PoolMinute, replay
