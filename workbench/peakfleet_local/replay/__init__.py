"""Demand replayed through deployed fleets."""

from peakfleet_local.replay.deployed_fleets import deployed_fleets, deployed_gangs
from peakfleet_local.replay.fleet_world import (
    Physics,
    ReplayedFleet,
    Work,
    backlog_of,
    usable_baseline_units,
)
from peakfleet_local.replay.replay import FleetMinute, Minute, Phases, PoolMinute, replay

__all__ = [
    "FleetMinute",
    "Minute",
    "Phases",
    "Physics",
    "PoolMinute",
    "ReplayedFleet",
    "Work",
    "backlog_of",
    "deployed_fleets",
    "deployed_gangs",
    "replay",
    "usable_baseline_units",
]
