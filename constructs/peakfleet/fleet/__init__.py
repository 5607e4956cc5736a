"""BurstFleet, and what every fleet shares."""

from peakfleet.fleet.burst_fleet import BurstFleet
from peakfleet.fleet.intent import IntentFleet
from peakfleet.fleet.metrics import FleetMetrics

__all__ = [
    "BurstFleet",
    "FleetMetrics",
    "IntentFleet",
]
