"""Faults by name: what each does to a deployed fleet, and what the fleet promises meanwhile."""

from peakfleet_demo.scenarios.catalogue import CATALOGUE
from peakfleet_demo.scenarios.gangs import as_fleet
from peakfleet_demo.scenarios.instance_agent import LAST_STEP
from peakfleet_demo.scenarios.measurements import LAUNCHED, Record, Sample
from peakfleet_demo.scenarios.page import write_page
from peakfleet_demo.scenarios.runner import Result, Theatre
from peakfleet_demo.scenarios.scenario import Promise, Scenario, steady
from peakfleet_demo.scenarios.scenario_run import rehearse_scenarios
from peakfleet_demo.scenarios.setup import opened
from peakfleet_demo.scenarios.show import document, outcome
from peakfleet_demo.scenarios.training import (
    BACK_MINUTE,
    BLOCK_MINUTES,
    BLOCK_UNITS,
    COME_MINUTES,
    LEAVE_MINUTE,
    MACHINES,
    PART,
    POOL,
    UNITS,
)

__all__ = [
    "BACK_MINUTE",
    "BLOCK_MINUTES",
    "BLOCK_UNITS",
    "CATALOGUE",
    "COME_MINUTES",
    "LAST_STEP",
    "LAUNCHED",
    "LEAVE_MINUTE",
    "MACHINES",
    "PART",
    "POOL",
    "UNITS",
    "Promise",
    "Record",
    "Result",
    "Sample",
    "Scenario",
    "Theatre",
    "as_fleet",
    "document",
    "opened",
    "outcome",
    "rehearse_scenarios",
    "steady",
    "write_page",
]
