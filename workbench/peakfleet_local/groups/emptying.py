"""Emptying a group before CloudFormation deletes it."""

from __future__ import annotations

from peakfleet_local.moto import Client
from peakfleet_local.world import World

_STEP_SECONDS = 30
_MOST_SECONDS = 48 * 3600
"""No lifecycle hook waits for longer."""


def empty(autoscaling: Client, group: str, *, world: World) -> None:
    """Let everything of a group leave, as CloudFormation does before it deletes the group.

    The size is set to 0, instances finish their work while their hooks wait, and time passes until
    none of them is left. One that protects itself from scale-in leaves once its work is done.

    Args:
        autoscaling: Sets the size of the group.
        group: Its name. One that is gone already is left alone.
        world: Whose time passes.
    """
    if not autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]:
        return
    autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=0, MaxSize=0, DesiredCapacity=0
    )
    until = world.now_epoch_seconds + _MOST_SECONDS
    while _leaves(world, group) and world.now_epoch_seconds < until:
        world.advance(_STEP_SECONDS)
        if all(machine.instance_id in world.protected for machine in world.machines_of(group)):
            world.set_busy(group, share=0)  # they have worked for as long as the others


def _leaves(world: World, group: str) -> bool:
    """Return whether anything has not left, beside what was retained and has nothing to do."""
    return any(
        machine.instance_id in world.busy
        or world.state_of(machine.instance_id) != "Terminating:Retained"
        for machine in world.machines_of(group)
    )
