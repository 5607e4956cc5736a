"""Steps 1 and 2 of a decision: what is asked for, and what the own side carries."""

from peakfleet_planner.demand.live import SignalDemand, live_demand, read_demand
from peakfleet_planner.demand.queue import SPARE_SHARE, Queue, read_queue, required_units
from peakfleet_planner.demand.samples import read_samples
from peakfleet_planner.demand.usable_baseline import UsableBaseline, usable_baseline

__all__ = [
    "SPARE_SHARE",
    "Queue",
    "SignalDemand",
    "UsableBaseline",
    "live_demand",
    "read_demand",
    "read_queue",
    "read_samples",
    "required_units",
    "usable_baseline",
]
