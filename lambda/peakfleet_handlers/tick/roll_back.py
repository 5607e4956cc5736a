"""Back to an older launch template version, where a newer one does not work."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from peakfleet_handlers.aws import Calls, Cause, Clients
from peakfleet_handlers.state import fact_items
from peakfleet_planner import FleetSpec, Memory, Plan, RolledBack, Snapshot

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef

READ, CHANGE = "DescribeAutoScalingGroups", "UpdateAutoScalingGroup"


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
    spec: FleetSpec, snapshot: Snapshot, plan: Plan, *, clients: Clients, calls: Calls
) -> dict[str, int]:
    """Let pools launch an older version from now on; return those that do, and which.

    What is given up is written down first: after a crash in between, the older version is not
    mistaken for one that was deployed, and given up too.

    Args:
        spec: The fleet.
        snapshot: What the plan was decided from.
        plan: What to do.
        clients: AWS.
        calls: Where failures are noted.
    """
    groups = {pool.name: pool.group for pool in spec.pools}
    versions = {pool.name: pool.template_version for pool in snapshot.pools}
    done = {}
    for told in plan.pools:
        version = versions.get(told.name)
        if told.roll_back_to is None or version is None:
            continue
        given_up = RolledBack(
            pool=told.name,
            version=version,
            to_version=told.roll_back_to,
            at_epoch_seconds=snapshot.now_epoch_seconds,
        )
        if _written(spec, given_up, clients, calls) and _changed(
            groups[told.name], given_up, clients.autoscaling, calls
        ):
            done[told.name] = told.roll_back_to
    return done


def _written(spec: FleetSpec, given_up: RolledBack, clients: Clients, calls: Calls) -> bool:
    if spec.state_table is None:
        return False
    put = partial(
        clients.dynamodb.put_item,
        TableName=spec.state_table,
        Item=fact_items.rolled_back_item(spec.fleet, given_up),
    )
    return calls.attempt("PutItem", fact_items.ROLLBACK + given_up.pool, put) is not None


def _changed(
    group_name: str, given_up: RolledBack, autoscaling: AutoScalingClient, calls: Calls
) -> bool:
    """Change the version, and nothing else of the group; whether that was done."""
    describe = partial(autoscaling.describe_auto_scaling_groups, AutoScalingGroupNames=[group_name])
    answer = calls.attempt(READ, given_up.pool, describe)
    if not answer:
        return False
    if not answer["AutoScalingGroups"]:
        calls.note(READ, group_name, Cause.NOT_FOUND, f"pool '{given_up.pool}' has no group")
        return False
    change = partial(
        autoscaling.update_auto_scaling_group,
        AutoScalingGroupName=group_name,
        **_template(answer["AutoScalingGroups"][0], str(given_up.to_version)),
    )
    return calls.attempt(CHANGE, given_up.pool, change) is not None


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
