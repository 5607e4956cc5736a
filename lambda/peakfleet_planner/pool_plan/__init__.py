"""Step 6 of a decision: what each pool is told, and the traffic.

In: how each pool is and its size. Out: one `PoolPlan` for each pool, and the fleet's share of the
traffic. Read `pool_plan`, then `warm_pool` (what waits), `roll_back` (an older launch template
version), `traffic`, `region` (what another region is to take), and `causes`: why it was bought.
"""

from peakfleet_planner.pool_plan.causes import burst_causes, usd_per_hour
from peakfleet_planner.pool_plan.pool_plan import (
    idle_protected,
    pool_plans,
    stuck_drains,
    unchanged,
)
from peakfleet_planner.pool_plan.region import is_due, region_weight
from peakfleet_planner.pool_plan.roll_back import BROKEN_TEMPLATE, older_version, with_roll_backs
from peakfleet_planner.pool_plan.traffic import (
    MOST_WEIGHT,
    Split,
    apportioned,
    cloud_weight,
    late_weights,
    may_be_without_instances,
    next_split,
    wanted_split,
    weighted_units,
)
from peakfleet_planner.pool_plan.warm_pool import heights
