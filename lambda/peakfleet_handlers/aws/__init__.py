"""Every call of AWS, bounded in time, and what its answers mean. Nothing in here raises.

Read `calls` first: the deadline, how AWS is asked, how failures are told; `clients` makes what it
asks with. Then what is read: `series` (metrics), `groups` (Auto Scaling groups and warm pools),
`activities` (launches that failed), `fronts` (weights of traffic: `listeners`, `records` and their
`splits`), `events` (what EventBridge delivers), `spot_prices`. Then what is done: `launches` and
`launch_errors` (capacity asked for, and why not), `resizes`, `instances` (drains, warm pools,
replacements). `telemetry` is log and metrics.
"""

from peakfleet_handlers.aws.activities import outages_of, read_refused
from peakfleet_handlers.aws.calls import (
    REPORT_SECONDS,
    UNREADABLE,
    Calls,
    Cause,
    Deadline,
    FailedCall,
    Listed,
    cause_of,
)
from peakfleet_handlers.aws.clients import (
    ATTEMPTS,
    CALL_SECONDS,
    CONNECT_SECONDS,
    READ_SECONDS,
    Clients,
    clients,
)
from peakfleet_handlers.aws.events import Happening, Kind, read_happening
from peakfleet_handlers.aws.fronts import Front, read_front, read_traffic
from peakfleet_handlers.aws.groups import read_pools
from peakfleet_handlers.aws.launch_errors import counted, outage_cause
from peakfleet_handlers.aws.launches import Launcher
from peakfleet_handlers.aws.records import list_records, set_records
from peakfleet_handlers.aws.resizes import Resize, growth, resize, resizes, shrinkage
from peakfleet_handlers.aws.series import read_before, read_series, window_start
from peakfleet_handlers.aws.spot_prices import read_spot_prices
from peakfleet_handlers.aws.telemetry import NAMESPACE, SERVICE, emit, logger
