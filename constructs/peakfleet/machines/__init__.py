"""Machines: groups, launch templates and what instances run.

In: pools as data, and what the groups of a fleet have in common (`GroupSettings`). Out: real Auto
Scaling groups of the CDK.

Read `groups` first; `hooks` says what a group waits for, `agent` what completes the hooks on an
instance, `user_data` how a script is put around a user's own.
"""

from peakfleet.machines.agent import InstanceAgent, define_agent
from peakfleet.machines.groups import (
    KEEPS_PROFILES,
    GroupSettings,
    PoolGroup,
    define_groups,
    instance_role,
    security_groups_of,
    selected_subnets,
    way_out_of,
)
from peakfleet.machines.hooks import FLEET_TAG, Hooks
from peakfleet.machines.user_data import HOME, check_shell, commands_of, strict_script
