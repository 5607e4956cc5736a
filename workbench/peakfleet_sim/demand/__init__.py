"""Demand by the minute, in units: recorded, generated, scaled, cut to a window.

Comes in: a recording in whatever form a monitoring system exports it, or the size of a premiere
night. Goes out: `Demand`, one mean per minute. The room imports no other. Read in this order:

- `demand`: the value, windows, scale.
- `recording`: the steps of reading, from a file to a constant step without gaps, each in words.
- `options`: what a user says that the file does not.
- `source`, `table`, `json_exports`: bytes, then rows, then the columns of time and demand.
- `times`, `numbers`: the notations of cells.
- `minutes`: how a coarser step becomes minutes.
- `premiere`: generated demand.
"""

from peakfleet_sim.demand.demand import Demand, DemandError, Floats, ScaledDemand, scale_to
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.premiere import premiere_night
from peakfleet_sim.demand.recording import Recording, load_demand, read_recording

__all__ = [
    "Demand",
    "DemandError",
    "Floats",
    "ReadOptions",
    "Recording",
    "ScaledDemand",
    "load_demand",
    "premiere_night",
    "read_recording",
    "scale_to",
]
