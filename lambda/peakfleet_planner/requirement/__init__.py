"""Step 3 of a decision: how many units, how far ahead."""

from peakfleet_planner.requirement.lead_time import demand_within_reach
from peakfleet_planner.requirement.live_requirement import (
    Need,
    foreseen_need,
    raised,
    reactive_need,
)

__all__ = [
    "Need",
    "demand_within_reach",
    "foreseen_need",
    "raised",
    "reactive_need",
]
