"""A local AWS for the demo and for end-to-end tests."""

from peakfleet_local.deploy import DeployError, deploy
from peakfleet_local.metrics import MetricStore
from peakfleet_local.physics import installed
from peakfleet_local.server import LocalAws
from peakfleet_local.world import World

__all__ = ["DeployError", "LocalAws", "MetricStore", "World", "deploy", "installed"]
