"""A local AWS for the demo and for end-to-end tests."""

import sys

from peakfleet_local.functions import Delivered
from peakfleet_local.groups import installed
from peakfleet_local.metrics import Completeness, MetricStore, set_alarm
from peakfleet_local.server import DeployError, LocalAws, deploy
from peakfleet_local.world import Behaviour, Ending, Machine, World

__all__ = [
    "Behaviour",
    "Completeness",
    "Delivered",
    "DeployError",
    "Ending",
    "LocalAws",
    "Machine",
    "MetricStore",
    "World",
    "deploy",
    "installed",
    "set_alarm",
]

# A module under the name that it had before the rooms, for one release.
sys.modules[f"{__name__}.physics"] = sys.modules[f"{__name__}.groups.physics"]
