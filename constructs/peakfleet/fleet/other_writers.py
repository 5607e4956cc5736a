from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from aws_cdk import Stack
from aws_cdk import aws_autoscaling as autoscaling
from constructs import Construct, IConstruct

from peakfleet_planner import SpecError

_LISTENERS: WeakKeyDictionary[IConstruct, dict[str, str]] = WeakKeyDictionary()
"""Of each app: which fleet sets the weights of a listener."""


def claim_listener(scope: Construct, *, fleet: str, listener_arn: str) -> None:
    """Refuse a listener whose weights another fleet of the app sets already."""
    owners = _LISTENERS.setdefault(scope.node.root, {})
    owner = owners.setdefault(listener_arn, fleet)
    if owner != fleet:
        raise SpecError(
            f"the fleet {owner} already sets the weights of this listener, and two fleets would "
            f"undo each other's work every minute; give each fleet a listener of its own"
        )


def second_writers(
    scope: Construct, groups: Mapping[str, autoscaling.AutoScalingGroup]
) -> list[str]:
    """Return a message for everything else in the stack that sets the size of a fleet's group."""
    stack = Stack.of(scope)
    names = {
        str(stack.resolve(group.auto_scaling_group_name)): pool for pool, group in groups.items()
    }
    messages = []
    for construct in stack.node.find_all():
        pool = names.get(_written_group(stack, construct))
        if pool is not None:
            messages.append(
                f"{construct.node.path} also sets the size of the group of pool '{pool}', and the "
                f"two would undo each other's work every minute; remove it, or let it only add "
                f"capacity (disable_scale_in)"
            )
    return messages


def _written_group(stack: Stack, construct: IConstruct) -> str:
    """Return the group whose size a construct sets or may reduce; empty if it does not."""
    match construct:
        case autoscaling.CfnScalingPolicy() if _may_shrink(stack, construct):
            return str(stack.resolve(construct.auto_scaling_group_name))
        case autoscaling.CfnScheduledAction() if construct.desired_capacity is not None:
            return str(stack.resolve(construct.auto_scaling_group_name))
        case autoscaling.CfnAutoScalingGroup() if construct.desired_capacity is not None:
            return str(stack.resolve(construct.ref))
        case _:
            return ""


def _may_shrink(stack: Stack, policy: autoscaling.CfnScalingPolicy) -> bool:
    tracking: dict[str, Any] | None = stack.resolve(policy.target_tracking_configuration)
    if tracking is not None:
        return tracking.get("disableScaleIn") is not True
    steps: list[dict[str, Any]] = stack.resolve(policy.step_adjustments) or []
    changes = [step.get("scalingAdjustment", 0) for step in steps]
    changes.append(policy.scaling_adjustment or 0)
    return policy.adjustment_type == "ExactCapacity" or min(changes) < 0
