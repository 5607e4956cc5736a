"""AWS CDK constructs for fleets that take over the demand above your own baseline."""

from peakfleet.baseline import Baseline
from peakfleet.broken_image import BrokenImage
from peakfleet.capacity_block import CapacityBlock, OffPeak
from peakfleet.checkpoints import Checkpoints
from peakfleet.demand import DemandSignal
from peakfleet.drain import Drain
from peakfleet.efficiency import EfficiencyLedger, Feedback
from peakfleet.endpoint import Endpoint
from peakfleet.fleet import BurstFleet
from peakfleet.foresight import Foresight
from peakfleet.inference_fleet import InferenceFleet
from peakfleet.known_peak import KnownPeak
from peakfleet.model import Model
from peakfleet.other_writer import OtherWriter
from peakfleet.pool_options import PoolOptions
from peakfleet.pools import CapacityPool
from peakfleet.pressure import PressureAlarm
from peakfleet.purchase import Purchase
from peakfleet.queue_fleet import QueueFleet
from peakfleet.readiness import Readiness
from peakfleet.safety_net import SafetyNet
from peakfleet.service_level import Pace, ServiceLevel
from peakfleet.silence import WhenSilent
from peakfleet.state import FleetState
from peakfleet.stream_fleet import StreamFleet
from peakfleet.training_fleet import TrainingFleet
from peakfleet.warm_pool import WarmPool
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
