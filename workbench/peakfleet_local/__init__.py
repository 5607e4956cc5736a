"""A local AWS for the demo and for end-to-end tests."""

from peakfleet_local.alarms import set_alarm
from peakfleet_local.delivering import Delivered
from peakfleet_local.deploy import DeployError, deploy
from peakfleet_local.machines import Behaviour, Ending, Machine
from peakfleet_local.metrics import MetricStore
from peakfleet_local.physics import installed
from peakfleet_local.server import LocalAws
from peakfleet_local.world import World

__all__ = [
    "Behaviour",
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
