"""Scaling activities of groups, as DescribeScalingActivities and EventBridge report them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from peakfleet_local.moto import MotoObject
from peakfleet_local.world import CloudEvent, Place, cloud_event, instance_arn, timestamp

ACTIVITIES_KEPT = 500
_OUTCOMES = {True: "EC2 Instance Launch", False: "EC2 Instance Terminate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One scaling activity of a group, as DescribeScalingActivities reports it.

    Args:
        number: Counts up within the world.
        group: Name of the group.
        description: What was done.
        cause: Why.
        started_at: Epoch seconds.
        ended_at: Epoch seconds.
        running_status: Status until it ends.
        failure: Why it failed. Default: it did not.
        zone: Availability Zone of a launch. Default: not said.
    """

    number: int
    group: str
    description: str
    cause: str
    started_at: float
    ended_at: float
    running_status: str
    failure: str = ""
    zone: str = ""

    @property
    def activity_id(self) -> str:
        """Its id, in the form of a UUID."""
        return f"{self.number:08d}-0000-4000-8000-000000000000"


class ActivityLog:
    """The latest scaling activities of every group."""

    def __init__(self) -> None:
        self._activities: dict[str, deque[Activity]] = {}
        self._numbers = count(1)

    def record(
        self,
        *,
        group: str,
        description: str,
        cause: str,
        started_at: float,
        ended_at: float,
        running_status: str = "InProgress",
        failure: str = "",
        zone: str = "",
    ) -> Activity:
        """Remember an activity."""
        activity = Activity(
            number=next(self._numbers),
            group=group,
            description=description,
            cause=cause,
            started_at=started_at,
            ended_at=ended_at,
            running_status=running_status,
            failure=failure,
            zone=zone,
        )
        self._activities.setdefault(group, deque(maxlen=ACTIVITIES_KEPT)).appendleft(activity)
        return activity

    def finish(self, activity: Activity, *, at: float, failure: str = "") -> Activity:
        """Remember when an activity ended, and how."""
        finished = replace(activity, ended_at=at, failure=failure)
        kept = self._activities[activity.group]
        if activity in kept:
            kept[kept.index(activity)] = finished
        return finished

    def latest(self, group: str) -> list[Activity]:
        """The activities of a group, newest first."""
        return list(self._activities.get(group, ()))


def as_document(activity: Activity, *, now_epoch_seconds: float) -> dict[str, Any]:
    """Return an activity as DescribeScalingActivities does."""
    ended = activity.ended_at <= now_epoch_seconds
    status = "Failed" if activity.failure else "Successful"
    document: dict[str, Any] = {
        "ActivityId": activity.activity_id,
        "AutoScalingGroupName": activity.group,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": datetime.fromtimestamp(activity.started_at, tz=UTC),
        "StatusCode": status if ended else activity.running_status,
        "Progress": 100 if ended else 50,
    }
    if activity.failure:
        document["StatusMessage"] = activity.failure
    if activity.zone:
        document["Details"] = json.dumps({"Availability Zone": activity.zone})
    if ended:
        document["EndTime"] = datetime.fromtimestamp(activity.ended_at, tz=UTC)
    return document


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
    return group_event(
        group, f"{_OUTCOMES[launch]} {end}", detail, resources=resources, at=activity.ended_at
    )


def group_event(
    group: MotoObject,
    detail_type: str,
    detail: Mapping[str, Any],
    *,
    resources: tuple[str, ...],
    at: float,
) -> CloudEvent:
    """Return an event of Auto Scaling about a group.

    Args:
        group: Which one; its ARN is the first resource.
        detail_type: Such as EC2 Instance Launch Successful.
        detail: What Auto Scaling says.
        resources: Further ARNs.
        at: Epoch seconds.
    """
    return cloud_event(
        source="aws.autoscaling",
        detail_type=detail_type,
        place=place_of(group),
        at_epoch_seconds=at,
        resources=(group.arn, *resources),
        detail=detail,
    )


def place_of(group: MotoObject) -> Place:
    """Return where a group is."""
    return Place(account=group.account_id, region=group.region)
