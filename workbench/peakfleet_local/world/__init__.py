"""The virtual world: clock, machines, faults."""

from peakfleet_local.world.cloud_events import (
    CloudEvent,
    Place,
    alarm_state_change,
    cloud_event,
    instance_arn,
    timestamp,
)
from peakfleet_local.world.faults import Refusal
from peakfleet_local.world.machines import ASLEEP, Behaviour, Ending, Machine, Purchase
from peakfleet_local.world.world import World

__all__ = [
    "ASLEEP",
    "Behaviour",
    "CloudEvent",
    "Ending",
    "Machine",
    "Place",
    "Purchase",
    "Refusal",
    "World",
    "alarm_state_change",
    "cloud_event",
    "instance_arn",
    "timestamp",
]
