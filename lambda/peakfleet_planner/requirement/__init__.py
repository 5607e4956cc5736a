"""Step 3 of a decision: how many units the pools should supply, and how far ahead.

In: demand and baseline. Out: a `Need` in units. Read in this order:

- `lead_time`: demand as far ahead as the slowest pool that is reached needs to serve;
- `live_requirement`: by the reactive rule, by the forecast, and by the calendar;
- `queue_requirement`: so that queued work is finished by its deadline;
- `downstream_limit`: how far the fleet may grow before it breaks what it leans on.
"""

from peakfleet_planner.requirement.downstream_limit import downstream_views, within_limits
from peakfleet_planner.requirement.lead_time import demand_within_lead_time
from peakfleet_planner.requirement.live_requirement import (
    Need,
    asked_units,
    forecast_need,
    lasts_unserved,
    lead_seconds_for,
    reactive_need,
    roll_forecast,
    service_of,
    with_known_peaks,
    with_maintenance,
    with_service,
)
from peakfleet_planner.requirement.queue_requirement import Capacity, queue_need
