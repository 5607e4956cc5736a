"""Constructs keep quiet: no outputs, no names, no lookups, the same template every time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk.assertions import Template

from peakfleet import DemandSignal, QueueFleet, StreamFleet
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, network, new_stack

PHYSICAL_NAMES = {
    "AlarmName",
    "AutoScalingGroupName",
    "FunctionName",
    "GroupName",
    "LaunchTemplateName",
    "LayerName",
    "LogGroupName",
    "QueueName",
    "RoleName",
    "TableName",
}
NAMED_BY_REFERENCE = {
    "AWS::AutoScaling::ScalingPolicy",  # names the group that it belongs to
    "AWS::Lambda::EventInvokeConfig",  # names the function that it belongs to
    "AWS::Lambda::Permission",  # likewise
}


def full() -> Stack:
    stack = new_stack()
    vpc = network(stack)
    burst_fleet(stack, vpc=vpc, pools=[SPOT, GRAVITON], foresight=None)
    QueueFleet(
        stack,
        "Transcode",
        vpc=vpc,
        pools=[GRAVITON],
        seconds_per_message=90,
        drain_within=Duration.minutes(10),
    )
    StreamFleet(
        stack,
        "Edge",
        vpc=vpc,
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        on_premises_targets=["10.9.0.4"],
    )
    return stack


@pytest.fixture(name="template", scope="module")
def _template() -> Mapping[str, Any]:
    return Template.from_stack(full()).to_json()


def test_nothing_is_exported(template: Mapping[str, Any]) -> None:
    assert "Outputs" not in template


def test_nothing_has_a_physical_name(template: Mapping[str, Any]) -> None:
    named = [
        logical_id
        for logical_id, found in template["Resources"].items()
        if found["Type"] not in NAMED_BY_REFERENCE
        and PHYSICAL_NAMES & set(found.get("Properties", {}))
    ]
    assert named == []


def test_two_synths_give_the_same_template(template: Mapping[str, Any]) -> None:
    again = Template.from_stack(full()).to_json()
    assert json.dumps(again, sort_keys=True) == json.dumps(template, sort_keys=True)


def test_one_more_pool_moves_no_other_resource() -> None:
    before, after = new_stack(), new_stack()
    burst_fleet(before, pools=[GRAVITON])
    burst_fleet(after, pools=[SPOT, GRAVITON])
    kept = Template.from_stack(before).to_json()["Resources"]
    grown = Template.from_stack(after).to_json()["Resources"]
    assert set(kept) < set(grown)


def test_a_tick_its_events_and_where_it_can_learn_a_lesson_serve_a_fleet_however_many_pools(
    template: Mapping[str, Any],
) -> None:
    expressions = [
        found["Properties"]["ScheduleExpression"]
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Scheduler::Schedule"
    ]
    kinds = [found["Type"] for found in template["Resources"].values()]
    assert sorted(expressions) == ["rate(1 hour)"] * 2 + ["rate(1 minute)"] * 3
    assert kinds.count("AWS::Lambda::Function") == 3


def test_a_fleet_within_a_stage_is_named_with_its_stack() -> None:
    stack = Stack(Stage(App(), "Prod"), "Media")
    assert burst_fleet(stack).fleet_name == "Prod-Media/Live"


def test_a_fleet_is_tagged_with_its_name() -> None:
    stack = new_stack()
    network(stack)
    burst_fleet(stack)
    Template.from_stack(stack).has_resource_properties(
        "AWS::AutoScaling::AutoScalingGroup",
        {
            "Tags": [
                {"Key": "Name", "PropagateAtLaunch": True, "Value": "Media/Live Graviton"},
                {"Key": "peakfleet:fleet", "PropagateAtLaunch": True, "Value": "Media/Live"},
            ]
        },
    )
