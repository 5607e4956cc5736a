"""Virtual world, peers, optimum, scoring and reports."""

from peakfleet_sim.demand import Demand, ScaledDemand, load_demand, premiere_night, scale_to
from peakfleet_sim.errors import DemandError
from peakfleet_sim.policies import PeakfleetPolicy, backlog_spec, live_spec
from peakfleet_sim.replay import Contest, Outcome, Queue, Run, replay, score
from peakfleet_sim.world import (
    Backlog,
    BacklogMinute,
    BacklogWork,
    Decision,
    Instances,
    Live,
    LiveMinute,
    Policy,
    Seen,
    WarmPoolSpec,
    World,
)

__all__ = [
    "Backlog",
    "BacklogMinute",
    "BacklogWork",
    "Contest",
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
    "Run",
    "ScaledDemand",
    "Seen",
    "WarmPoolSpec",
    "World",
    "backlog_spec",
    "live_spec",
    "load_demand",
    "premiere_night",
    "replay",
    "scale_to",
    "score",
]
