"""The policies of others, and our own decision as one of them."""

from peakfleet_sim.policies.gauge import BacklogGauge, Gauge, LiveGauge
from peakfleet_sim.policies.hpa import KEEP_MINUTES, NODE_KEEP_MINUTES, Hpa
from peakfleet_sim.policies.lcp import LazyCapacityProvisioning
from peakfleet_sim.policies.peakfleet_policy import PeakfleetPolicy, backlog_spec, live_spec
from peakfleet_sim.policies.predictive import Predictive
from peakfleet_sim.policies.step_scaling import StepScaling
from peakfleet_sim.policies.target_tracking import TargetTracking

__all__ = [
    "KEEP_MINUTES",
    "NODE_KEEP_MINUTES",
    "BacklogGauge",
    "Gauge",
    "Hpa",
    "LazyCapacityProvisioning",
    "LiveGauge",
    "PeakfleetPolicy",
    "Predictive",
    "StepScaling",
    "TargetTracking",
    "backlog_spec",
    "live_spec",
]
