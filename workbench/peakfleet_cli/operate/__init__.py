"""`peakfleet hold`, `resume`, `explain`, `status` and `release`: a fleet that runs."""

from peakfleet_cli.operate.obstacle_words import Fact

__all__ = ["Fact"]
