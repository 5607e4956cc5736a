"""AWS CDK constructs for fleets that take over the demand above your own baseline.

The rooms, from the bottom: `pools`, `signals` and `policy` are values that a user writes;
`machines` makes groups of pools; `control_plane` has functions, schedules and state; `alarms`
watches them; `fleet` puts them together as `BurstFleet`. Constructs named by intent are made of
it: `queue_fleet`, `stream_fleet`, `inference`; `training` has a gang of its own. `testing` has
fixtures for your unit tests. Each room's page says what comes in, what goes out, what to read.
"""

from peakfleet.control_plane import ControlPlane, Encryption, FleetState, Functions, Spread
from peakfleet.fleet import BurstFleet, FleetOptions, PlacementOptions
from peakfleet.inference import Endpoint, InferenceFleet, Model
from peakfleet.policy import (
    BrokenImage,
    Drain,
    Foresight,
    KnownPeak,
    Metrics,
    Mode,
    OtherWriter,
    Pace,
    Readiness,
    SafetyNet,
    ServiceLevel,
    SpendLimit,
)
from peakfleet.pools import (
    CapacityPool,
    EfficiencyLedger,
    Feedback,
    PoolOptions,
    Purchase,
    WarmPool,
)
from peakfleet.queue_fleet import QueueFleet
from peakfleet.signals import Baseline, DemandSignal, PressureAlarm, WhenSilent
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
    "ControlPlane",
    "DemandSignal",
    "Drain",
    "EfficiencyLedger",
    "Encryption",
    "Endpoint",
    "Feedback",
    "FleetOptions",
    "FleetState",
    "Foresight",
    "Functions",
    "InferenceFleet",
    "KnownPeak",
    "Metrics",
    "Mode",
    "Model",
    "OffPeak",
    "OtherWriter",
    "Pace",
    "PlacementOptions",
    "PoolOptions",
    "PressureAlarm",
    "Purchase",
    "QueueFleet",
    "Readiness",
    "SafetyNet",
    "ServiceLevel",
    "SpecError",
    "SpendLimit",
    "Spread",
    "StreamFleet",
    "TrafficSpec",
    "TrainingFleet",
    "WarmPool",
    "WhenSilent",
]
