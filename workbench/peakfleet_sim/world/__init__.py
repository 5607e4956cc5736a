"""The simulated world: time in minutes, instances, work, and what goes wrong.

Comes in: units of demand, and launches or terminations by pool. Goes out: what was served, what
metrics say, what was refused or reclaimed. Read `world` (the numbers that a replay fixes), `work`
(live demand or a queue meets capacity), `instances` (one group: boots, warm pool, bill),
`scenario` (lost metrics, outages, recorded Spot availability) and `pools` (the groups of a fleet
in a scenario, as a tick reads and changes them). The room imports `demand` and the planner.
"""

from peakfleet_sim.world.instances import Instances
from peakfleet_sim.world.pools import ROUNDING, ZONE, Pools, SimulatedGroup
from peakfleet_sim.world.scenario import (
    Period,
    PoolScenario,
    Scenario,
    load_availability,
    load_scenario,
)
from peakfleet_sim.world.work import (
    DEMAND,
    Backlog,
    BacklogMinute,
    BacklogWork,
    Live,
    LiveMinute,
    LongItems,
)
from peakfleet_sim.world.world import SECONDS_PER_MINUTE, Minute, WarmPoolSpec, Work, World
