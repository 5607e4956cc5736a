"""AWS CDK constructs for fleets that take over the demand above your own baseline."""

from peakfleet.control_plane import FleetState
from peakfleet.fleet import BurstFleet
from peakfleet.inference import Endpoint, InferenceFleet, Model
from peakfleet.policy import (
    BrokenImage,
    Drain,
    EfficiencyLedger,
    Feedback,
    Foresight,
    KnownPeak,
    OtherWriter,
    Pace,
    PressureAlarm,
    Readiness,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool, PoolOptions, Purchase, WarmPool
from peakfleet.queue_fleet import QueueFleet
from peakfleet.signals import Baseline, DemandSignal, WhenSilent
from peakfleet.stream_fleet import StreamFleet
from peakfleet.training import CapacityBlock, Checkpoints, OffPeak, TrainingFleet
from peakfleet_planner import SpecError, TrafficSpec

__all__ = [
    "Baseline",
    "BrokenImage",
    "BurstFleet",
    "CapacityBlock",
    "CapacityPool",
    "Checkpoints",
    "DemandSignal",
    "Drain",
    "EfficiencyLedger",
    "Endpoint",
    "Feedback",
    "FleetState",
    "Foresight",
    "InferenceFleet",
    "KnownPeak",
    "Model",
    "OffPeak",
    "OtherWriter",
    "Pace",
    "PoolOptions",
    "PressureAlarm",
    "Purchase",
    "QueueFleet",
    "Readiness",
    "SafetyNet",
    "ServiceLevel",
    "SpecError",
    "StreamFleet",
    "TrafficSpec",
    "TrainingFleet",
    "WarmPool",
    "WhenSilent",
]
