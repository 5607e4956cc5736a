"""Auto Scaling groups, and the EC2 instances in them, under the laws of a world.

`installed(world)` replaces what moto grants at once: instances boot, zones are full, bounds are
enforced, weights count, hooks are waited for. A request comes in through `physics` (what
changes a group), `api` (what describes it) or `launch_instances`; the `reconciler` then moves
the group towards its desired capacity. What happened goes out as an activity and as an event of
the world.

Read in this order: `physics`, `reconciler`, `configuration` (what a group says), `placement`
(which type and zone), `launching` (one launch), `lifecycle` (one instance), `hooks`,
`warm_pools`, `scaling_policies`, `activities`. Beside them stand `emptying` (before a group is
deleted), `listeners`, `calls` (counted and throttled), `spot_prices` and `capacity_reservations`.
"""

from peakfleet_local.groups.api import complete_group
from peakfleet_local.groups.capacity_reservations import (
    ENDS_INSTANCES_SECONDS,
    CapacityReservations,
    Reservation,
    reservations_installed,
)
from peakfleet_local.groups.emptying import empty
from peakfleet_local.groups.physics import installed
