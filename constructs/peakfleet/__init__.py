"""AWS CDK constructs for fleets that take over the demand above your own baseline."""

from peakfleet.baseline import Baseline
from peakfleet.demand import DemandSignal
from peakfleet.fleet import BurstFleet
from peakfleet.foresight import Foresight
from peakfleet.pool_options import PoolOptions
from peakfleet.pools import CapacityPool
from peakfleet.purchase import Purchase
from peakfleet.queue_fleet import QueueFleet
from peakfleet.safety_net import SafetyNet
from peakfleet.service_level import Pace, ServiceLevel
from peakfleet.silence import WhenSilent
from peakfleet.state import FleetState
from peakfleet.stream_fleet import StreamFleet
from peakfleet_planner import SpecError, TrafficSpec

__all__ = [
    "Baseline",
    "BurstFleet",
    "CapacityPool",
    "DemandSignal",
    "FleetState",
    "Foresight",
    "Pace",
    "PoolOptions",
    "Purchase",
    "QueueFleet",
    "SafetyNet",
    "ServiceLevel",
    "SpecError",
    "StreamFleet",
    "TrafficSpec",
    "WhenSilent",
]
