"""Demand: recorded, generated, by the minute."""

from peakfleet_sim.demand.bridge import Floats
from peakfleet_sim.demand.demand import Demand, ScaledDemand, scale_to
from peakfleet_sim.demand.demand_file import load_demand
from peakfleet_sim.demand.premiere import premiere_night

__all__ = [
    "Demand",
    "Floats",
    "ScaledDemand",
    "load_demand",
    "premiere_night",
    "scale_to",
]
