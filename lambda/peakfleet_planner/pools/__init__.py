"""How each pool is: what of it counts, and where it may be asked for more.

In: the fleet and a snapshot. Out: one `PoolHealth` for each pool that can be decided on. Read
`measured` (boot times and units, declared or measured), `requested_size` (what a group was asked
to run, against what it shows), `backoff` (what was refused lately, and when it is asked again),
then `health`, which puts them together.
"""

from peakfleet_planner.pools.backoff import refused, remembered, spread
from peakfleet_planner.pools.health import PoolHealth, PoolSize, pool_health, too_many_unhealthy
from peakfleet_planner.pools.measured import (
    calibrated_units,
    changed_units,
    with_measured_boots,
    with_measured_units,
    with_running_types,
)
from peakfleet_planner.pools.requested_size import (
    foreign_sizes,
    known_growth,
    settled,
    shortfalls,
    unmet_since,
)
from peakfleet_planner.pools.shadow import in_shadow
