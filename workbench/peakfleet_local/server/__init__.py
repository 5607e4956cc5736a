"""The local AWS as a server, and the CDK CLI against it."""

from peakfleet_local.server.deploy import DeployError, deploy
from peakfleet_local.server.deployed import missing_resources
from peakfleet_local.server.server import ACCOUNT, LocalAws

__all__ = [
    "ACCOUNT",
    "DeployError",
    "LocalAws",
    "deploy",
    "missing_resources",
]
