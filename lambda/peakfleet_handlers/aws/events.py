"""What EventBridge delivers, read into what has happened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from peakfleet_handlers.aws.telemetry import NAMESPACE


class Kind(StrEnum):
    """What an event tells, as its `detail-type` names it."""

    LAUNCHED = "EC2 Instance Launch Successful"
    NOT_LAUNCHED = "EC2 Instance Launch Unsuccessful"
    TERMINATED = "EC2 Instance Terminate Successful"
    TERMINATING = "EC2 Instance-terminate Lifecycle Action"
    INTERRUPTION = "EC2 Spot Instance Interruption Warning"
    REBALANCE = "EC2 Instance Rebalance Recommendation"
    ALARM = "CloudWatch Alarm State Change"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that AWS tells.

    Args:
        event_id: Of the event; a second delivery has the same.
        kind: What it tells.
        at_epoch_seconds: When it happened.
        detail: What the event says about it.
    """

    event_id: str
    kind: Kind
    at_epoch_seconds: int
    detail: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The Auto Scaling group that it is about; empty if it does not say."""
        return str(self.detail.get("AutoScalingGroupName", ""))

    @property
    def instance_id(self) -> str:
        """The instance that it is about; empty if it does not say."""
        return str(self.detail.get("EC2InstanceId") or self.detail.get("instance-id") or "")

    @property
    def fleets(self) -> tuple[str, ...]:
        """The fleets whose own metrics an alarm watches; none if it does not say."""
        try:
            watched = self.detail["configuration"]["metrics"]
            metrics = [one["metricStat"]["metric"] for one in watched if "metricStat" in one]
            own = [one["dimensions"] for one in metrics if one["namespace"] == NAMESPACE]
            return tuple({str(one["Fleet"]): None for one in own})
        except (LookupError, TypeError):
            return ()

    @property
    def activity_id(self) -> str:
        """The scaling activity that it is about, else the event itself."""
        return str(self.detail.get("ActivityId") or self.event_id)

    @property
    def zone(self) -> str | None:
        """The Availability Zone that it is about; None if it does not say."""
        details = self.detail.get("Details")
        if isinstance(details, str):  # as DescribeScalingActivities has it
            try:
                details = json.loads(details)
            except ValueError:
                return None
        zone = details.get("Availability Zone") if isinstance(details, Mapping) else None
        return str(zone) if zone else None

    @property
    def started_epoch_seconds(self) -> int:
        """When its scaling activity began; when it happened if it does not say."""
        return self._time("StartTime")

    @property
    def ended_epoch_seconds(self) -> int:
        """When its scaling activity ended; when it happened if it does not say."""
        return self._time("EndTime")

    def text(self, name: str) -> str:
        """Return a text of the event's detail; empty if there is none."""
        return str(self.detail.get(name) or "")

    def _time(self, name: str) -> int:
        try:
            return _epoch_seconds(self.detail[name])
        except (KeyError, ValueError):
            return self.at_epoch_seconds


def read_happening(event: object) -> Happening:
    """Return what an event tells.

    Raises:
        ValueError: It is no event that this function knows; the message names the field.
    """
    if not isinstance(event, Mapping):
        raise ValueError(f"event must be an object, got {event!r}")  # noqa: TRY004  one kind of refusal
    kind, detail = event.get("detail-type"), event.get("detail")
    if kind not in tuple(Kind):
        raise ValueError(f"event: detail-type must be one of {', '.join(Kind)}, got {kind!r}")
    if not isinstance(detail, Mapping):
        raise ValueError(f"event: detail must be an object, got {detail!r}")  # noqa: TRY004  as above
    return Happening(
        event_id=str(event.get("id", "")),
        kind=Kind(kind),
        at_epoch_seconds=_epoch_seconds(event.get("time")),
        detail=detail,
    )


def _epoch_seconds(text: object) -> int:
    time = datetime.fromisoformat(str(text))
    if time.tzinfo is None:
        raise ValueError(f"event: a time such as 2022-03-22T18:59:43Z is needed, got {text!r}")
    return int(time.timestamp())
