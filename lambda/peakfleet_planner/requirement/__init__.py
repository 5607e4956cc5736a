"""Step 3 of a decision: how many units, how far ahead."""

from peakfleet_planner.requirement.lead_time import demand_within_reach
from peakfleet_planner.requirement.live_requirement import (
    Need,
    forecast_need,
    reactive_need,
    roll_forecast,
    with_known_peaks,
)

__all__ = [
    "Need",
    "demand_within_reach",
    "forecast_need",
    "reactive_need",
    "roll_forecast",
    "with_known_peaks",
]
