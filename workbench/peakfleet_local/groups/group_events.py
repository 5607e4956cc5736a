from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from peakfleet_local.groups.activities import Activity
from peakfleet_local.moto import MotoObject
from peakfleet_local.world import CloudEvent, Place, cloud_event, instance_arn, timestamp

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
_ACTIONS = {
    LAUNCHING: "EC2 Instance-launch Lifecycle Action",
    TERMINATING: "EC2 Instance-terminate Lifecycle Action",
}
_ENDS = {True: "EC2 Instance Launch", False: "EC2 Instance Terminate"}


def place_of(group: MotoObject) -> Place:
    """Return where a group is."""
    return Place(account=group.account_id, region=group.region)


def lifecycle_action(
    group: MotoObject,
    hook: MotoObject,
    *,
    instance_id: str,
    token: str,
    origin: str,
    destination: str,
    at: float,
) -> CloudEvent:
    """Return what Auto Scaling says of an instance that waits for a hook."""
    metadata = getattr(hook, "notification_metadata", None)
    detail: dict[str, Any] = {
        "LifecycleActionToken": token,
        "AutoScalingGroupName": group.name,
        "LifecycleHookName": hook.name,
        "EC2InstanceId": instance_id,
        "LifecycleTransition": hook.lifecycle_transition,
        **({"NotificationMetadata": metadata} if metadata else {}),
        "Origin": origin,
        "Destination": destination,
    }
    return _event(group, _ACTIONS[hook.lifecycle_transition], detail, resources=(), at=at)


def activity_event(
    group: MotoObject,
    activity: Activity,
    *,
    launch: bool,
    instance_id: str = "",
    zone: str = "",
    ends: Mapping[str, str],
) -> CloudEvent:
    """Return what Auto Scaling says of a launch or a termination that ended.

    Args:
        group: Whose instance it is.
        activity: What ended; its failure makes the event unsuccessful.
        launch: Whether it was a launch.
        instance_id: Of the instance. Default: there was none.
        zone: Where. Default: nowhere.
        ends: Origin and Destination.
    """
    place = place_of(group)
    detail = {
        "StatusCode": "Failed" if activity.failure else "InProgress",
        "Description": activity.description,
        "AutoScalingGroupName": group.name,
        "ActivityId": activity.activity_id,
        "Details": {"Availability Zone": zone},
        "RequestId": activity.activity_id,
        "StatusMessage": activity.failure,
        "EndTime": timestamp(activity.ended_at),
        "EC2InstanceId": instance_id,
        "StartTime": timestamp(activity.started_at),
        "Cause": activity.cause,
        **ends,
    }
    end = "Unsuccessful" if activity.failure else "Successful"
    resources = (instance_arn(place, instance_id),) if instance_id else ()
    return _event(
        group, f"{_ENDS[launch]} {end}", detail, resources=resources, at=activity.ended_at
    )


def _event(
    group: MotoObject,
    detail_type: str,
    detail: Mapping[str, Any],
    *,
    resources: tuple[str, ...],
    at: float,
) -> CloudEvent:
    return cloud_event(
        source="aws.autoscaling",
        detail_type=detail_type,
        place=place_of(group),
        at_epoch_seconds=at,
        resources=(group.arn, *resources),
        detail=detail,
    )
