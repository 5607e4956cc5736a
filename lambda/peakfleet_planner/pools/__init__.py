"""How each pool stands, and where it may be asked."""

from peakfleet_planner.pools.backoff import refused, remembered, spread
from peakfleet_planner.pools.health import Standing, foreign_sizes, standings
from peakfleet_planner.pools.in_flight import settled
from peakfleet_planner.pools.measured_boots import with_measured_boots
from peakfleet_planner.pools.measured_units import (
    calibrated_units,
    changed_units,
    with_measured_units,
)
from peakfleet_planner.pools.rung import Rung

__all__ = [
    "Rung",
    "Standing",
    "calibrated_units",
    "changed_units",
    "foreign_sizes",
    "refused",
    "remembered",
    "settled",
    "spread",
    "standings",
    "with_measured_boots",
    "with_measured_units",
]
