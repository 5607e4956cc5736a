"""What a tick knows: one `Snapshot`, built anew by each tick.

In: what was read (`PoolReading` for each group, metric series for each signal) and what is
remembered (`Memory`, with a record for each thing). Out: nothing, these are values. Read
`snapshot`, then `memory`, then `capacity_errors`: where capacity could not be had; `spend`: what
was spent and claimed.
"""

from peakfleet_planner.snapshot.capacity_errors import Outage, OutageCause
from peakfleet_planner.snapshot.memory import (
    MOST_BOOTS,
    MOST_GROWTH,
    BootTimes,
    Draining,
    ForeignSize,
    Growth,
    Heights,
    Hold,
    MeasuredUnits,
    Memory,
    Notice,
    OpenLaunch,
    RolledBack,
    Shortfall,
    booting_since,
)
from peakfleet_planner.snapshot.signal_memory import (
    MOST_SHARES,
    WATCHED_MINUTES,
    SignalMemory,
)
from peakfleet_planner.snapshot.snapshot import (
    PoolReading,
    Snapshot,
    TrafficReading,
    standing_hold,
)
from peakfleet_planner.snapshot.spend import (
    CLAIM_KEPT_SECONDS,
    GATHERING_SECONDS,
    SPOT_PRICES_LAST_SECONDS,
    WANT_KEPT_SECONDS,
    SharedSpend,
    SpendClaim,
    SpendOverride,
    Spent,
    SpotPrices,
    month_of,
)
