"""Alarms change their state when they are told to; nothing here watches a metric."""

from __future__ import annotations

from typing import Protocol

from peakfleet_local.moto import Client
from peakfleet_local.world import Place, World, alarm_state_change


class Alarmed(Protocol):
    """What has alarms; `LocalAws` has them."""

    @property
    def world(self) -> World:
        """Clock and events."""

    @property
    def place(self) -> Place:
        """Account and Region."""

    def client(self, service: str) -> Client:
        """Return a client of a service."""


def set_alarm(aws: Alarmed, name: str, state: str, *, reason: str = "set by hand") -> None:
    """Change the state of an alarm, which is an event; `LocalAws.deliver_events` delivers it.

    Args:
        aws: Where the alarm is.
        name: Of the alarm.
        state: OK, ALARM or INSUFFICIENT_DATA. The one that it has already is no change.
        reason: Why.

    Raises:
        ValueError: There is no such alarm.
    """
    cloudwatch = aws.client("cloudwatch")
    found = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    if not alarms:
        raise ValueError(f"there is no alarm '{name}'")
    before = alarms[0]["StateValue"]
    if before == state:
        return
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
    event = alarm_state_change(
        name=name,
        arn=alarms[0]["AlarmArn"],
        before=before,
        state=state,
        reason=reason,
        place=aws.place,
        at=aws.world.now_epoch_seconds,
    )
    aws.world.events.append(event)
