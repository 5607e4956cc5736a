"""What each chip does for its money."""

from peakfleet_planner.efficiency.chip_efficiency import (
    ChipEfficiency,
    Verdict,
    chip_efficiencies,
    measured_units,
)
from peakfleet_planner.efficiency.confidence import (
    FEWEST_DAYS,
    Bounds,
    geometric_bounds,
    t_quantile,
)
from peakfleet_planner.efficiency.days import LEAST_BUSY_SHARE, Hour, PoolDay, measured_hours
