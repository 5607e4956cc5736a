"""Virtual world, peers, optimum, scoring and reports."""

from peakfleet_sim.backlog import Backlog, BacklogMinute, BacklogWork
from peakfleet_sim.compare import Contest, Queue
from peakfleet_sim.demand import Demand, ScaledDemand, scale_to
from peakfleet_sim.demand_file import load_demand
from peakfleet_sim.errors import DemandError
from peakfleet_sim.instances import Instances
from peakfleet_sim.live import Live, LiveMinute
from peakfleet_sim.peakfleet_policy import PeakfleetPolicy, backlog_spec, live_spec
from peakfleet_sim.premiere import premiere_night
from peakfleet_sim.replay import Run, replay
from peakfleet_sim.score import Outcome, score
from peakfleet_sim.warm_pool import WarmPoolSpec
from peakfleet_sim.world import Decision, Policy, Seen, World

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
