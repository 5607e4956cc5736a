"""The local AWS as a whole: a server on this machine, and the CDK CLI against it.

`local_aws` opens every other room in one process and is what tests and the demo hold in their
hands; `http` serves moto; `deploy` runs the real CLI and compares the templates with what
exists afterwards.
"""

from peakfleet_local.server.deploy import DeployError, deploy, missing_resources
from peakfleet_local.server.local_aws import ACCOUNT, LocalAws
