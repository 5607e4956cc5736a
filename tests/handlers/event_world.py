"""A fleet that events are about: a real table in moto, and the few calls around it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from peakfleet_handlers.aws import Calls, Clients, Deadline
from peakfleet_handlers.events import Clock, Plane, run
from peakfleet_handlers.state import StateTable, read_memory
from peakfleet_planner import FleetSpec, Memory, PoolSpec
from tests.handlers.account import of
from tests.handlers.faults import refusal
from tests.handlers.scenes import FLEET, NOW, TABLE

SCHEDULE, SCALER = "schedule-1", "arn:aws:lambda:us-east-1:123456789012:function:scaler"
ZONE = "us-east-1a"
SPOT = PoolSpec(
    name="Spot",
    group="s",
    units_per_capacity=10,
    max_capacity=20,
    instance_types=("c8g.large", "c7g.large"),
    purchase="spot",
)
GRAVITON = replace(FLEET.pools[0], instance_types=("c8g.large",), boot_seconds=100)
EVENT_FLEET = replace(FLEET, pools=(SPOT, GRAVITON, FLEET.pools[1]))


@dataclass(kw_only=True)
class EventWorld:
    """A state table, a schedule, a scaler that is only asked, and the instances there are.

    `failing` maps an operation to the error code that it answers.
    """

    dynamodb: Any
    spec: FleetSpec = EVENT_FLEET
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    wall_seconds: float = 1000.0
    waited_seconds: float = 0.0
    while_waiting: Callable[[], object] | None = None
    calls: list[str] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        return cast("Clients", self)

    @property
    def autoscaling(self) -> EventWorld:
        return self

    scheduler = functions = autoscaling

    def run_instance(self, instance_id: str, group: str = "s", **told: str) -> None:
        self.instances[instance_id] = {
            "InstanceId": instance_id,
            "AutoScalingGroupName": group,
            "InstanceType": "c8g.large",
            "AvailabilityZone": ZONE,
            **told,
        }

    def get_schedule(self, *, Name: str) -> dict[str, Any]:  # noqa: N803  AWS's name
        self._called("GetSchedule")
        assert Name == SCHEDULE
        sent = {"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": self.spec.to_json()}
        return {"Target": {"Arn": SCALER, "Input": json.dumps(sent)}}

    def invoke(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self._called("Invoke")
        assert (asked["FunctionName"], asked["InvocationType"]) == (SCALER, "Event")
        self.asked.append(json.loads(asked["Payload"]))
        return {"StatusCode": 202}

    def describe_auto_scaling_instances(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        self._called("DescribeAutoScalingInstances")
        found = [self.instances[i] for i in asked["InstanceIds"] if i in self.instances]
        return {"AutoScalingInstances": found}

    def take(self, event: object, *, seconds_later: float = 2) -> dict[str, Any]:
        """Deliver an event, some seconds after the one before."""
        self.wall_seconds += seconds_later
        return run(
            event,
            plane=Plane(schedules={self.spec.fleet: SCHEDULE}, table=TABLE),
            clients=self.clients,
            deadline=Deadline.of(None),
            clock=Clock(now=lambda: self.wall_seconds, wait=self._wait),
        )

    def state_table(self, calls: Calls) -> StateTable:
        return StateTable(name=TABLE, fleet=self.spec.fleet, dynamodb=self.dynamodb, calls=calls)

    def memory(self, now: int = NOW) -> Memory:
        calls = Calls(deadline=Deadline.of(None))
        found = read_memory(self.state_table(calls), now_epoch_seconds=now)
        assert found is not None
        assert calls.failed == []
        return found

    def item(self, name: str) -> dict[str, Any] | None:
        key = {"fleet": {"S": self.spec.fleet}, "item": {"S": name}}
        found: dict[str, Any] | None = self.dynamodb.get_item(TableName=TABLE, Key=key).get("Item")
        return found

    def items(self) -> dict[str, dict[str, Any]]:
        found = self.dynamodb.scan(TableName=TABLE)["Items"]
        return {item["item"]["S"]: item for item in found if item["item"]["S"] != "ASKED"}

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if code := self.failing.get(operation):
            raise refusal(code)

    def _wait(self, seconds: float) -> None:
        self.wall_seconds += seconds
        self.waited_seconds += seconds
        if self.while_waiting:
            then, self.while_waiting = self.while_waiting, None
            then()


def make_table() -> Any:  # noqa: ANN401  a boto3 client
    """Return a client of a fresh state table."""
    client = of("dynamodb")
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "fleet", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "fleet", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def iso(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(kind: str, detail: Mapping[str, Any], *, at: int = NOW) -> dict[str, Any]:
    return {"id": f"{kind} {at}", "detail-type": kind, "time": iso(at), "detail": detail}


def activity(
    kind: str,
    instance_id: str,
    *,
    group: str = "s",
    started: int,
    ended: int,
    **detail: Any,  # noqa: ANN401  AWS's own shape
) -> dict[str, Any]:
    """Return the event of a scaling activity."""
    told = {
        "AutoScalingGroupName": group,
        "EC2InstanceId": instance_id,
        "ActivityId": f"{kind} {instance_id} {started}",
        "StartTime": iso(started),
        "EndTime": iso(ended),
        "StatusCode": "InProgress",
        "Details": {"Availability Zone": ZONE, "Subnet ID": "subnet-1"},
        **detail,
    }
    return event(kind, told, at=ended)


def launched(
    instance_id: str, *, at: int = NOW, seconds: int = 90, group: str = "s"
) -> dict[str, Any]:
    kind = "EC2 Instance Launch Successful"
    return activity(kind, instance_id, group=group, started=at - seconds, ended=at)


def not_launched(
    message: str, *, at: int = NOW, group: str = "s", name: str = ""
) -> dict[str, Any]:
    return activity(
        "EC2 Instance Launch Unsuccessful",
        name,
        group=group,
        started=at,
        ended=at,
        StatusCode="Failed",
        StatusMessage=message,
    )


def terminated(instance_id: str, *, cause: str, at: int = NOW, group: str = "s") -> dict[str, Any]:
    kind = "EC2 Instance Terminate Successful"
    return activity(kind, instance_id, group=group, started=at, ended=at + 30, Cause=cause)
