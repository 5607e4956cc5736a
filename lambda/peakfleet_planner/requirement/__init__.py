"""Step 3 of a decision: how many units the pools should supply, and how far ahead.

In: demand and baseline. Out: a `Need` in units. Read in this order:

- `lead_time`: demand as far ahead as the slowest pool that is reached needs to serve;
- `live_requirement`: by the reactive rule; `forecast_requirement`: by the forecast;
- `calendar_requirement`: by known peaks and maintenance;
- `queue_requirement`: so that queued work is finished by its deadline;
- `downstream_limit`: how far the fleet may grow before it breaks what it leans on.
"""

from peakfleet_planner.requirement.calendar_requirement import (
    lead_seconds_for,
    with_known_peaks,
    with_maintenance,
)
from peakfleet_planner.requirement.downstream_limit import downstream_views, within_limits
from peakfleet_planner.requirement.forecast_requirement import (
    forecast_need,
    roll_forecast,
    service_of,
    with_service,
)
from peakfleet_planner.requirement.lead_time import demand_within_lead_time
from peakfleet_planner.requirement.live_requirement import (
    Need,
    asked_units,
    lasts_unserved,
    reactive_need,
)
from peakfleet_planner.requirement.queue_requirement import Capacity, queue_need
