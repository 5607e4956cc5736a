"""Auto Scaling groups that obey the world."""

from peakfleet_local.groups.api import complete_group
from peakfleet_local.groups.capacity_blocks import (
    ENDS_INSTANCES_SECONDS,
    CapacityReservations,
    Reservation,
    reservations_installed,
)
from peakfleet_local.groups.physics import installed

__all__ = [
    "ENDS_INSTANCES_SECONDS",
    "CapacityReservations",
    "Reservation",
    "complete_group",
    "installed",
    "reservations_installed",
]
