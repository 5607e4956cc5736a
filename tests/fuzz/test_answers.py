"""Arbitrary answers of AWS: the events handler and the ledger go on, or ask for another try."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_handlers import events, ledger
from peakfleet_planner import EfficiencySpec
from peakfleet_table import TICKS, NewestTick
from tests.fuzz.test_handlers import CLOCK, EFFORT, JSON, NO_TIME, PLANE, SPEC, Refusing, spoiled
from tests.handlers import event_world as told
from tests.handlers.fake_aws import FakeAws, instance
from tests.handlers.scenes import NOW, TABLE, aws, event

SCALER = "arn:aws:lambda:us-east-1:123456789012:function:scaler"
EVENTS = (
    told.launched("i-1", group="g"),
    told.not_launched("We currently do not have sufficient capacity", group="g"),
    told.terminated("i-1", cause="an EC2 health check failed", group="g"),
    told.event("EC2 Spot Instance Interruption Warning", {"instance-id": "i-1"}),
    told.event("EC2 Instance Rebalance Recommendation", {"instance-id": "i-1"}),
    told.event(
        "EC2 Instance-terminate Lifecycle Action",
        {"AutoScalingGroupName": "g", "EC2InstanceId": "i-1", "LifecycleHookName": "drain"},
    ),
    told.event("CloudWatch Alarm State Change", {"state": {"value": "ALARM"}}),
)
ASKED = {
    "events": (
        "batch_get_item",
        "batch_write_item",
        "delete_item",
        "describe_auto_scaling_instances",
        "get_item",
        "get_schedule",
        "invoke",
        "put_item",
        "query",
        "transact_write_items",
        "update_item",
    ),
    "ledger": ("get_metric_data", "put_item", "query"),
}
BOOKED = replace(
    SPEC, efficiency=EfficiencySpec(baseline_pool="X86", namespace="PeakFleet/Workers/Media/Live")
)


class Answering(Refusing):
    """A fake that also answers what only the events handler asks."""

    def batch_get_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        keys = [(k["fleet"]["S"], k["item"]["S"]) for k in asked["RequestItems"][TABLE]["Keys"]]
        return {"Responses": {TABLE: [self.table[key] for key in keys if key in self.table]}}

    def get_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        found = self.table.get((asked["Key"]["fleet"]["S"], asked["Key"]["item"]["S"]))
        return {"Item": found} if found else {}

    def update_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        made: dict[str, Any] = {"seconds": {"M": {}}, "launched": {"M": {}}}
        return {"Attributes": {**made, **self.get_item(**asked).get("Item", {}), **asked["Key"]}}

    def delete_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  as above
        return {"Attributes": self.get_item(**asked).get("Item", {})}

    def describe_auto_scaling_instances(self, **_: object) -> dict[str, Any]:
        known = {"AutoScalingGroupName": "g", "AvailabilityZone": "us-east-1a"}
        return {
            "AutoScalingInstances": [{"InstanceId": "i-1", "InstanceType": "c8g.large", **known}]
        }

    def get_schedule(self, **_: object) -> dict[str, Any]:
        return {"Target": {"Arn": SCALER, "Input": json.dumps(event(SPEC))}}

    def invoke(self, **_: object) -> dict[str, Any]:
        return {"StatusCode": 202}


def account() -> FakeAws:
    fake = aws(300, graviton=3, x86=2)
    fake.__class__ = Answering
    fake.groups["g"].instances = [instance(InstanceId="i-1")]
    known = NewestTick(tick=NOW - 60, groups=("g", "x"), spot=("i-1",))
    fake.table[SPEC.fleet, "TICK"] = TICKS.item(SPEC.fleet, known)
    return fake


def spoil(fake: FakeAws, operation: str, data: st.DataObject) -> None:
    """Let an operation answer what no model of AWS says."""
    whole: Callable[..., Any] = getattr(fake, operation)

    def odd(**asked: Any) -> Any:  # noqa: ANN401  AWS's own shape
        return data.draw(spoiled(whole(**asked)) | JSON)

    setattr(fake, operation, odd)


@EFFORT
@given(data=st.data(), happened=st.sampled_from(EVENTS))
def test_an_event_is_taken_or_delivered_again_whatever_aws_answers(
    data: st.DataObject, happened: dict[str, Any]
) -> None:
    fake = account()
    for operation in data.draw(st.sets(st.sampled_from(ASKED["events"]), min_size=1, max_size=3)):
        spoil(fake, operation, data)
    before = dict(fake.desired)
    try:
        said = events.run(
            happened, plane=PLANE, clients=fake.clients, deadline=NO_TIME, clock=CLOCK
        )
    except events.UnfinishedEventError as error:
        assert str(error)  # noqa: PT017  an error is one of two good answers
    else:
        assert "kind" in said
    assert fake.desired == before


@EFFORT
@given(data=st.data())
def test_the_ledger_writes_what_it_can_read_whatever_aws_answers(data: st.DataObject) -> None:
    fake = account()
    for operation in data.draw(st.sets(st.sampled_from(ASKED["ledger"]), min_size=1, max_size=2)):
        spoil(fake, operation, data)
    before = dict(fake.desired)
    said = ledger.run(event(BOOKED), clients=fake.clients, deadline=NO_TIME)
    assert {"recorded", "measured", "failed_calls"} == set(said)
    assert fake.desired == before


@pytest.mark.parametrize("happened", EVENTS, ids=lambda one: one["detail-type"])
def test_nothing_is_refused_where_aws_answers_as_it_does(happened: dict[str, Any]) -> None:
    """What is spoiled above is whole here, so that the laws are about its being spoiled."""
    fake = account()
    said = events.run(happened, plane=PLANE, clients=fake.clients, deadline=NO_TIME, clock=CLOCK)
    assert said["kind"] == happened["detail-type"]


def test_the_ledger_has_something_to_write_down() -> None:
    fake = account()
    assert ledger.run(event(BOOKED), clients=fake.clients, deadline=NO_TIME)["recorded"]
