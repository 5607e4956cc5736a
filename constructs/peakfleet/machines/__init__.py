"""Groups, launch templates and what instances run."""

from peakfleet.machines.agent import InstanceAgent, define_agent
from peakfleet.machines.assets import runtime_code
from peakfleet.machines.groups import (
    GroupSettings,
    define_group,
    instance_role,
    launch_template_arns,
)
from peakfleet.machines.hooks import Hooks

__all__ = [
    "GroupSettings",
    "Hooks",
    "InstanceAgent",
    "define_agent",
    "define_group",
    "instance_role",
    "launch_template_arns",
    "runtime_code",
]
