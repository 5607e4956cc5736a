"""Learn the demand of a fleet: planner and numpy only, no clock, no I/O."""

from peakfleet_learner.demand_history import History
from peakfleet_learner.grading import ReactiveRule
from peakfleet_learner.learner import (
    GRADED_MINUTES,
    MOST_DELAY_MINUTES,
    SETTLING_MINUTES,
    Learner,
    learn,
    learned_before,
    taught,
)
from peakfleet_learner.running import Seen, foreseen_aims

__all__ = [
    "GRADED_MINUTES",
    "MOST_DELAY_MINUTES",
    "SETTLING_MINUTES",
    "History",
    "Learner",
    "ReactiveRule",
    "Seen",
    "foreseen_aims",
    "learn",
    "learned_before",
    "taught",
]
