"""How others scale, as they document it, to compare with under the same physics."""

from peakfleet_sim.peers.gauge import BacklogGauge, Gauge, LiveGauge
from peakfleet_sim.peers.hpa import Hpa
from peakfleet_sim.peers.lcp import LazyCapacityProvisioning
from peakfleet_sim.peers.predictive import Predictive
from peakfleet_sim.peers.step_scaling import StepScaling
from peakfleet_sim.peers.target_tracking import TargetTracking

__all__ = [
    "BacklogGauge",
    "Gauge",
    "Hpa",
    "LazyCapacityProvisioning",
    "LiveGauge",
    "Predictive",
    "StepScaling",
    "TargetTracking",
]
