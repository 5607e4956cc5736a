"""Steps 1 and 2 of a decision: what is asked for, and what the company's own side carries.

In: metric values as they were read. Out: a `SignalDemand` for each signal, in units, and the
`UsableBaseline`. Read in this order:

- `samples`: which metric values can be true, and what they are in units;
- `live`: demand now and soon, by the freshness rule of the signal;
- `queue`: what the counts of a queue say of the age of its work;
- `learned`: the one series that a forecast is made of;
- `signal_memory`: what the next ticks should remember of a signal;
- `witness`: what a second signal says of the first;
- `usable_baseline`: how much of the baseline may be counted on;
- `taken`: what its workers take of a queue, as measured.
"""

from peakfleet_planner.demand.learned import combined_demand, learned_demand
from peakfleet_planner.demand.live import (
    FEW_RISES,
    HEADROOM_WITHOUT_HISTORY,
    NEAR_ZERO_SHARE,
    NEW_HEIGHTS_SHARE,
    VANISHED_SECONDS,
    SignalDemand,
    critical_fractile,
    live_demand,
    read_demand,
)
from peakfleet_planner.demand.queue import SPARE_SHARE, Queue, read_queue, required_units
from peakfleet_planner.demand.samples import in_units, read_samples
from peakfleet_planner.demand.signal_memory import remember_signals
from peakfleet_planner.demand.taken import with_measured_take
from peakfleet_planner.demand.usable_baseline import (
    UsableBaseline,
    usable_baseline,
    without_dead_targets,
)
from peakfleet_planner.demand.witness import Testimony, testimony
