"""Demand by the minute, in units: recorded, generated, scaled, cut to a window.

Comes in: a CSV file, or the size of a premiere night. Goes out: `Demand`, one mean per minute.
Read `demand` first (the value, windows, scale), then `demand_file` (the file format, and how a
coarser step becomes minutes), then `premiere` (generated demand). The room imports no other.
"""

from peakfleet_sim.demand.demand import Demand, DemandError, Floats, ScaledDemand, scale_to
from peakfleet_sim.demand.demand_file import load_demand
from peakfleet_sim.demand.premiere import premiere_night

__all__ = [
    "Demand",
    "DemandError",
    "Floats",
    "ScaledDemand",
    "load_demand",
    "premiere_night",
    "scale_to",
]
