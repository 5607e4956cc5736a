"""Back to an older launch template version, where a newer one does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peakfleet_handlers.aws import Calls, Cause
from peakfleet_handlers.state import Recorded, StateTable
from peakfleet_planner import FleetSpec, Memory, Plan, RolledBack, Snapshot
from peakfleet_table import ROLLBACKS

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef

READ = "DescribeAutoScalingGroups"


def behind(snapshot: Snapshot) -> dict[str, int]:
    """Return the pools that launch an older version than was deployed, and which."""
    given_up = (snapshot.memory or Memory()).rolled_back
    return {
        pool.name: pool.template_version
        for pool in snapshot.pools
        if pool.template_version is not None
        and pool.name in given_up
        and pool.template_version < given_up[pool.name].version
    }


def roll_back(
    table: StateTable | None,
    spec: FleetSpec,
    snapshot: Snapshot,
    plan: Plan,
    *,
    autoscaling: AutoScalingClient,
    calls: Calls,
) -> dict[str, int]:
    """Let pools launch an older version from now on; return those that do, and which.

    What is given up is written down first: after a crash in between, the older version is not
    mistaken for one that was deployed, and given up too.

    Args:
        table: Where it is written down; without one no pool goes back.
        spec: The fleet.
        snapshot: What the plan was decided from.
        plan: What to do.
        autoscaling: Client to change groups with.
        calls: Where failures are noted.
    """
    groups = {pool.name: pool.group for pool in spec.pools}
    versions = {pool.name: pool.template_version for pool in snapshot.pools}
    done = {}
    for told in plan.pools:
        version = versions.get(told.name)
        if told.roll_back_to is None or version is None or table is None:
            continue
        given_up = RolledBack(
            pool=told.name,
            version=version,
            to_version=told.roll_back_to,
            at_epoch_seconds=snapshot.now_epoch_seconds,
        )
        written = table.put(ROLLBACKS.item(table.fleet, given_up)) is Recorded.WRITTEN
        if written and _changed(groups[told.name], given_up, autoscaling, calls):
            done[told.name] = told.roll_back_to
    return done


def _changed(
    group_name: str, given_up: RolledBack, autoscaling: AutoScalingClient, calls: Calls
) -> bool:
    """Change the version, and nothing else of the group; whether that was done."""
    answer = calls.ask(
        autoscaling.describe_auto_scaling_groups, given_up.pool, AutoScalingGroupNames=[group_name]
    )
    if not answer:
        return False
    if not answer.get("AutoScalingGroups"):
        calls.note(READ, group_name, Cause.NOT_FOUND, f"pool '{given_up.pool}' has no group")
        return False
    version = str(given_up.to_version)
    template = calls.reading(
        READ, given_up.pool, lambda: _template(answer["AutoScalingGroups"][0], version)
    )
    if template is None:
        return False
    changed = calls.ask(
        autoscaling.update_auto_scaling_group,
        given_up.pool,
        AutoScalingGroupName=group_name,
        **template,
    )
    return changed is not None


def _template(group: AutoScalingGroupTypeDef, version: str) -> dict[str, Any]:
    """Return the template of a group with another version, as a request may have it."""
    mixed = group.get("MixedInstancesPolicy")
    if mixed is None:
        return {"LaunchTemplate": _of_version(group.get("LaunchTemplate", {}), version)}
    template = mixed.get("LaunchTemplate", {})
    other = _of_version(template.get("LaunchTemplateSpecification", {}), version)
    return {
        "MixedInstancesPolicy": {
            **mixed,
            "LaunchTemplate": {**template, "LaunchTemplateSpecification": other},
        }
    }


def _of_version(specification: Any, version: str) -> dict[str, str]:  # noqa: ANN401  AWS's own shape
    """Return the specification with its id alone: a request that names it twice is refused."""
    return {"LaunchTemplateId": specification["LaunchTemplateId"], "Version": version}
