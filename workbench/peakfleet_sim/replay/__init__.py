"""Demand replayed against policies, and the optimum."""

from peakfleet_sim.replay.comparison import Contest, Queue
from peakfleet_sim.replay.fleet_replay import FleetReplay, replay_fleet
from peakfleet_sim.replay.ladder_replay import replay_ladder
from peakfleet_sim.replay.optimum import NAME
from peakfleet_sim.replay.policy_names import KINDS, Choice, choose
from peakfleet_sim.replay.replay import Run, replay
from peakfleet_sim.replay.score import Outcome, score
from peakfleet_sim.replay.spec_world import ladder_dollars, queue_of, usual_delay_seconds, world_of

__all__ = [
    "KINDS",
    "NAME",
    "Choice",
    "Contest",
    "FleetReplay",
    "Outcome",
    "Queue",
    "Run",
    "choose",
    "ladder_dollars",
    "queue_of",
    "replay",
    "replay_fleet",
    "replay_ladder",
    "score",
    "usual_delay_seconds",
    "world_of",
]
