"""Demand signals and the baseline."""

from peakfleet.signals.baseline import Baseline
from peakfleet.signals.demand_signal import DemandSignal
from peakfleet.signals.metrics import read
from peakfleet.signals.silence import WhenSilent

__all__ = [
    "Baseline",
    "DemandSignal",
    "WhenSilent",
    "read",
]
