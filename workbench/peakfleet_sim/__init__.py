"""The simulator: recorded demand through the production decision and through other policies.

Five rooms, each imports only those below it:

- `report`: an HTML page and a picture of runs.
- `replay`: the engine, the optimum, scores, policies by name.
- `policies`: the production decision and other autoscalers.
- `world`: instances, work, pools, scenarios, in ticks of a minute.
- `demand`: recorded and generated demand.

A replay in three lines: `demand = load_demand(path)`, `comparison = Comparison(demand=demand,
world=World(baseline_units=400))`, `score(comparison.peakfleet(), optimum=comparison.optimum())`.
"""

from peakfleet_sim.demand import (
    Demand,
    DemandError,
    ReadOptions,
    Recording,
    ScaledDemand,
    load_demand,
    premiere_night,
    read_recording,
    scale_to,
)
from peakfleet_sim.policies import (
    Decision,
    PeakfleetPolicy,
    Policy,
    Seen,
    backlog_spec,
    live_spec,
)
from peakfleet_sim.replay import Comparison, Outcome, Queue, Run, replay, score
from peakfleet_sim.world import (
    Backlog,
    BacklogMinute,
    BacklogWork,
    Instances,
    Live,
    LiveMinute,
    WarmPoolSpec,
    World,
)

__all__ = [
    "Backlog",
    "BacklogMinute",
    "BacklogWork",
    "Comparison",
    "Decision",
    "Demand",
    "DemandError",
    "Instances",
    "Live",
    "LiveMinute",
    "Outcome",
    "PeakfleetPolicy",
    "Policy",
    "Queue",
    "ReadOptions",
    "Recording",
    "Run",
    "ScaledDemand",
    "Seen",
    "WarmPoolSpec",
    "World",
    "backlog_spec",
    "live_spec",
    "load_demand",
    "premiere_night",
    "read_recording",
    "replay",
    "scale_to",
    "score",
]
