"""A stack of the version before gets a control plane, and loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk.assertions as cdk
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2

from peakfleet import Drain
from peakfleet_local import LocalAws
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet
from tests.local.stacks import change, ids
from tests.local.test_deploy_at_peak import at_peak, groups

STACK = "Media"
BEFORE = json.loads(
    (Path(__file__).parent / "stack_before_control_planes.json").read_text(encoding="utf-8")
)
"""As the version before (e064ee2) wrote it, with empty functions and short descriptions."""
KEPT = (
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::DynamoDB::Table",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SecurityGroup",
    "AWS::Scheduler::Schedule",
)


def now(*, keeps_profiles: bool = True) -> dict[str, Any]:
    """Return the template of the same fleet now, with empty functions."""
    context = {
        "aws:cdk:disable-asset-staging": True,
        "peakfleet:keepsInstanceProfiles": keeps_profiles,
    }
    stack = Stack(App(context=context), STACK)
    isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
    burst_fleet(
        stack,
        vpc=ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=0),
        vpc_subnets=isolated,
        pools=[SPOT, GRAVITON],
        drain=Drain.when_idle(),
    )
    template: dict[str, Any] = cdk.Template.from_stack(stack).to_json()
    for one in template["Resources"].values():
        if one["Type"] == "AWS::Lambda::Function":
            one["Properties"]["Code"] = {"ZipFile": "def handler(event, context): pass"}
    return template


def deploy(aws: LocalAws, template: dict[str, Any]) -> dict[str, str]:
    parameters = {
        name: one for name, one in template["Parameters"].items() if "Bootstrap" not in name
    }
    change(aws, STACK, template["Resources"], Parameters=parameters)
    return ids(aws, STACK)


@pytest.mark.slow
def test_a_fleet_of_before_moves_to_a_control_plane_while_it_is_busy(aws: LocalAws) -> None:
    before = deploy(aws, BEFORE)
    running = at_peak(aws)
    table, schedule = (
        next(name for logical, name in before.items() if part in logical)
        for part in ("PeakFleetStateTable", "LiveScalerSchedule")
    )
    record = {"fleet": {"S": "Media/Live"}, "item": {"S": "LATEST"}}
    aws.client("dynamodb").put_item(TableName=table, Item=record)
    template = now()
    after = deploy(aws, template)
    kept = [name for name, one in BEFORE["Resources"].items() if one["Type"] in KEPT]
    assert len(kept) == 7
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert set(aws.world.machines) == running
    assert aws.world.endings == []
    assert {one["DesiredCapacity"] for one in groups(aws).values()} == {10}
    assert aws.client("dynamodb").scan(TableName=table)["Items"] == [record]
    told = aws.client("scheduler").get_schedule(Name=schedule)
    assert told["State"] == "ENABLED"
    assert "PeakFleetControlPlaneScaler" in told["Target"]["Arn"]
    profiles = [name for name in before if "TemplateProfile" in name]
    assert len(profiles) == 2
    assert {name: after.get(name) for name in profiles} == {name: before[name] for name in profiles}
    assert not [name for name in deploy(aws, now(keeps_profiles=False)) if name in profiles]
    assert set(aws.world.machines) == running


def test_groups_schedules_and_tables_are_what_they_were() -> None:
    """Groups and tables are not even updated; a schedule gets another target."""
    template = now()["Resources"]
    for name, one in BEFORE["Resources"].items():
        if one["Type"] in KEPT:
            assert template[name]["Type"] == one["Type"]
        if one["Type"] in ("AWS::AutoScaling::AutoScalingGroup", "AWS::DynamoDB::Table"):
            assert template[name]["Properties"] == one["Properties"]
