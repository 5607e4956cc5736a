"""AWS CDK constructs for fleets that take over the demand above your own baseline.

The rooms, from the bottom: `pools`, `signals` and `policy` are values that a user writes;
`machines` makes groups of pools; `control_plane` has functions, schedules and state; `alarms`
watches them; `fleet` puts them together as `BurstFleet`. Constructs named by intent are made of
it: `queue_fleet`, `stream_fleet`, `inference`; `training` has a gang of its own. `hybrid` is the
way to the company's own side, and who reports for it. `testing` has fixtures for your unit tests,
`dashboard` shows fleets beside each other. Each room's page says what comes in, what goes out.
"""

from peakfleet.control_plane import (
    ControlPlane,
    Encryption,
    FleetState,
    Functions,
    Reads,
    Spread,
)
from peakfleet.dashboard import FleetDashboard
from peakfleet.fleet import BurstFleet, FleetOptions, PlacementOptions
from peakfleet.hybrid import (
    HybridNetwork,
    Link,
    OwnRecord,
    ReporterIdentity,
    ReporterTrust,
    WeightedRecords,
)
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
    RegionShare,
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
from peakfleet.signals import (
    Baseline,
    DemandSignal,
    DownstreamLimit,
    Maintenance,
    PressureAlarm,
    Site,
    WhenSilent,
)
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
    "DownstreamLimit",
    "Drain",
    "EfficiencyLedger",
    "Encryption",
    "Endpoint",
    "Feedback",
    "FleetDashboard",
    "FleetOptions",
    "FleetState",
    "Foresight",
    "Functions",
    "HybridNetwork",
    "InferenceFleet",
    "KnownPeak",
    "Link",
    "Maintenance",
    "Metrics",
    "Mode",
    "Model",
    "OffPeak",
    "OtherWriter",
    "OwnRecord",
    "Pace",
    "PlacementOptions",
    "PoolOptions",
    "PressureAlarm",
    "Purchase",
    "QueueFleet",
    "Readiness",
    "Reads",
    "RegionShare",
    "ReporterIdentity",
    "ReporterTrust",
    "SafetyNet",
    "ServiceLevel",
    "Site",
    "SpecError",
    "SpendLimit",
    "Spread",
    "StreamFleet",
    "TrafficSpec",
    "TrainingFleet",
    "WarmPool",
    "WeightedRecords",
    "WhenSilent",
]
