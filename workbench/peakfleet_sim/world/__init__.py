"""The simulated world: instances, queues, failures."""

from peakfleet_sim.world.backlog import Backlog, BacklogMinute, BacklogWork
from peakfleet_sim.world.instances import Instances
from peakfleet_sim.world.live import DEMAND, Live, LiveMinute
from peakfleet_sim.world.scenario import (
    Availability,
    Period,
    PoolScenario,
    PoolWeather,
    Scenario,
    Weather,
    load_scenario,
    weather_of,
)
from peakfleet_sim.world.simulated_group import ZONE, SimulatedGroup
from peakfleet_sim.world.warm_pool import WarmPoolSpec
from peakfleet_sim.world.world import (
    SECONDS_PER_MINUTE,
    Decision,
    Minute,
    Policy,
    Seen,
    Work,
    World,
)

__all__ = [
    "DEMAND",
    "SECONDS_PER_MINUTE",
    "ZONE",
    "Availability",
    "Backlog",
    "BacklogMinute",
    "BacklogWork",
    "Decision",
    "Instances",
    "Live",
    "LiveMinute",
    "Minute",
    "Period",
    "Policy",
    "PoolScenario",
    "PoolWeather",
    "Scenario",
    "Seen",
    "SimulatedGroup",
    "WarmPoolSpec",
    "Weather",
    "Work",
    "World",
    "load_scenario",
    "weather_of",
]
