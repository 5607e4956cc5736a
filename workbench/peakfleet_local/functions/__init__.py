"""Lambda, and what invokes it: EventBridge Scheduler, EventBridge rules, other functions.

`functions` knows the deployed code and gives it to a `worker`, one warm process per function,
which runs `worker_main`. `schedules` fire on the virtual clock; `event_delivery` takes the
events of the world to the functions whose rules match.
"""

from peakfleet_local.functions.event_delivery import Delivered, Delivery
from peakfleet_local.functions.functions import Functions
from peakfleet_local.functions.schedules import Firing, enabled_schedules
from peakfleet_local.functions.worker import Crash, Invocation
