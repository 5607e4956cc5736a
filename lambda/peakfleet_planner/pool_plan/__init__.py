"""What each pool is told."""

from peakfleet_planner.pool_plan.pool_plan import pool_plans, stuck_drains, unchanged
from peakfleet_planner.pool_plan.roll_back import BROKEN_TEMPLATE, older_version, with_roll_backs
from peakfleet_planner.pool_plan.traffic import MOST_WEIGHT, cloud_weight
from peakfleet_planner.pool_plan.warm_pool import heights

__all__ = [
    "BROKEN_TEMPLATE",
    "MOST_WEIGHT",
    "cloud_weight",
    "heights",
    "older_version",
    "pool_plans",
    "stuck_drains",
    "unchanged",
    "with_roll_backs",
]
