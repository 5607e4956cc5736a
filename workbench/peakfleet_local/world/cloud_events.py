"""Events as EventBridge carries them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

CloudEvent = Mapping[str, Any]
"""An event with the fields that EventBridge gives every one."""
INTERRUPTION_NOTICE_SECONDS = 120
"""How long EC2 leaves a Spot instance after it has warned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something happened.

    Args:
        account: Number of the account.
        region: Such as us-east-1.
    """

    account: str
    region: str


def timestamp(epoch_seconds: float) -> str:
    """Return a moment as events write it.

    >>> timestamp(1_647_950_400)
    '2022-03-22T12:00:00Z'
    """
    return datetime.fromtimestamp(epoch_seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cloud_event(
    *,
    source: str,
    detail_type: str,
    place: Place,
    at_epoch_seconds: float,
    resources: Sequence[str],
    detail: Mapping[str, Any],
) -> CloudEvent:
    """Return an event.

    Args:
        source: Such as aws.ec2.
        detail_type: Such as EC2 Spot Instance Interruption Warning.
        place: Where it happened.
        at_epoch_seconds: When.
        resources: ARNs of what it is about.
        detail: What the service says.
    """
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": place.account,
        "time": timestamp(at_epoch_seconds),
        "region": place.region,
        "resources": list(resources),
        "detail": dict(detail),
    }


def instance_arn(place: Place, instance_id: str) -> str:
    """Return the ARN of an instance."""
    return f"arn:aws:ec2:{place.region}:{place.account}:instance/{instance_id}"


def rebalance_recommendation(
    *, instance_id: str, place: Place, at_epoch_seconds: float
) -> CloudEvent:
    """Return what EC2 says of a Spot instance that it may soon take back."""
    return cloud_event(
        source="aws.ec2",
        detail_type="EC2 Instance Rebalance Recommendation",
        place=place,
        at_epoch_seconds=at_epoch_seconds,
        resources=[instance_arn(place, instance_id)],
        detail={"instance-id": instance_id},
    )


def interruption_warning(
    *, instance_id: str, zone: str, place: Place, at_epoch_seconds: float
) -> CloudEvent:
    """Return what EC2 says of a Spot instance two minutes before it takes it back."""
    return cloud_event(
        source="aws.ec2",
        detail_type="EC2 Spot Instance Interruption Warning",
        place=place,
        at_epoch_seconds=at_epoch_seconds,
        resources=[f"arn:aws:ec2:{zone}:instance/{instance_id}"],
        detail={"instance-id": instance_id, "instance-action": "terminate"},
    )


def _watched(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return one metric of an alarm as its events have it."""
    metric = query.get("MetricStat", {}).get("Metric")
    if metric is None:
        return {"id": query["Id"], "expression": query.get("Expression", "")}
    named = {one["Name"]: one["Value"] for one in metric.get("Dimensions", ())}
    told = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": named}
    return {"id": query["Id"], "metricStat": {"metric": told}}


def alarm_state_change(
    *,
    name: str,
    arn: str,
    before: str,
    state: str,
    reason: str,
    place: Place,
    at: float,
    metrics: Sequence[Mapping[str, Any]] = (),
) -> CloudEvent:
    """Return what CloudWatch says of an alarm that changes its state.

    Args:
        name: Of the alarm.
        arn: Of the alarm.
        before: OK, ALARM or INSUFFICIENT_DATA.
        state: The new one.
        reason: Why.
        place: Where the alarm is.
        at: Epoch seconds of the change.
        metrics: What it watches, as DescribeAlarms has it. Default: it is not said.
    """
    moment = datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return cloud_event(
        source="aws.cloudwatch",
        detail_type="CloudWatch Alarm State Change",
        place=place,
        at_epoch_seconds=at,
        resources=[arn],
        detail={
            "alarmName": name,
            "configuration": {"metrics": [_watched(one) for one in metrics]},
            "previousState": {"value": before},
            "state": {"value": state, "reason": reason, "timestamp": moment},
        },
    )
