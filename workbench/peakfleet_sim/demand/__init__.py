"""Demand by the minute, in units: recorded, generated, scaled, cut to a window.

Comes in: a recording in whatever form a monitoring system exports it, or the size of a premiere
night. Goes out: `Demand`, one mean per minute. The room imports no other. Read in this order:

- `demand`: the value, windows, scale. `recording`: a recording as it was understood.
- `reading`: the steps from a file to a recording. `options`: what a user adds to the file.
- `source`, `table`, `json_exports`, `columns`: bytes, rows, and which columns hold time and demand.
- `times`, `zones`, `numbers`: the notations of cells.
- `points`, `grid`, `minutes`: the order of time, a constant step without gaps, minutes.
- `premiere`: generated demand.
"""

from peakfleet_sim.demand.demand import Demand, DemandError, Floats, ScaledDemand, scale_to
from peakfleet_sim.demand.options import ReadOptions
from peakfleet_sim.demand.premiere import (
    ACTS,
    PREMIERE_MINUTE,
    premiere_night,
    premiere_with_past,
)
from peakfleet_sim.demand.reading import load_demand, read_recording
from peakfleet_sim.demand.recording import Recording
