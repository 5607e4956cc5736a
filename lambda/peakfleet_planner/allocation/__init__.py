"""Steps 4 and 5 of a decision: which pools grow and which shrink."""

from peakfleet_planner.allocation.sizing import size

__all__ = [
    "size",
]
