"""Learn the demand of a fleet: planner and numpy only, no clock, no I/O."""

from peakfleet_learner.learner import (
    GRADED_MINUTES,
    MOST_DELAY_MINUTES,
    SETTLING_MINUTES,
    Learner,
    learn,
)

__all__ = [
    "GRADED_MINUTES",
    "MOST_DELAY_MINUTES",
    "SETTLING_MINUTES",
    "Learner",
    "learn",
]
