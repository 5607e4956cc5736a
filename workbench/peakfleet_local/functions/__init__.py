"""Lambda, EventBridge and Scheduler."""

from peakfleet_local.functions.event_delivery import Delivered, Delivery
from peakfleet_local.functions.functions import Functions
from peakfleet_local.functions.schedules import Firing, enabled_schedules
from peakfleet_local.functions.worker import Death, Invocation

__all__ = [
    "Death",
    "Delivered",
    "Delivery",
    "Firing",
    "Functions",
    "Invocation",
    "enabled_schedules",
]
