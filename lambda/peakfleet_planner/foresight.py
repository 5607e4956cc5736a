"""The former name of `forecast`, for one release."""

from peakfleet_planner.forecast import *  # noqa: F403  all of it
