"""The reference app's training, which no environment deploys by itself."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from peakfleet import SpecError
from peakfleet_planner.gang import GangSpec
from stacks.context import read_settings
from stacks.network import NetworkStack
from stacks.training import TrainingStack
from tests.infra.commands import run
from tests.infra.fleets import only, properties
from tests.infra.reference_app import CONTEXT, ENVIRONMENTS, plain, synthesized

TRAINING = {
    "instance_type": "trn2.48xlarge",
    "machines": 4,
    "zone": 1,
    "program": "search-2026-11",
    "run": "search-7",
    "capacity_block": "cr-0123456789abcdef0",
}


def with_training(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  JSON values
    return {**CONTEXT["environments"]["dev"], "training": {**TRAINING, **changes}}


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    app = cdk.App(context={**CONTEXT, "aws:cdk:disable-asset-staging": True})
    settings = read_settings("dev", with_training(), CONTEXT["prices"])
    assert settings.training
    network = NetworkStack(app, "Network", settings=settings)
    stack = TrainingStack(app, "Training", settings=settings.training, network=network)
    return Template.from_stack(stack)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_it_is_off_until_an_environment_asks_for_it(environment: str) -> None:
    manifest = json.loads((synthesized(environment).folder / "manifest.json").read_text())
    assert "Training" not in manifest["artifacts"]


def test_it_trains_in_the_block_and_in_the_zone_that_the_settings_name(template: Template) -> None:
    sent = json.loads(plain(only(template, "AWS::Scheduler::Schedule")["Target"]["Input"]))
    spec = GangSpec.from_json(sent["gang"])
    assert (spec.machines, spec.prefix) == (4, "runs/search-7")
    assert spec.reservation
    assert spec.reservation.reservation_id == "cr-0123456789abcdef0"
    (subnet,) = only(template, "AWS::AutoScaling::AutoScalingGroup")["VPCZoneIdentifier"]
    assert "Subnet2" in plain(subnet)


def test_replaced_checkpoints_are_not_kept_for_long(template: Template) -> None:
    (runs,) = [
        bucket
        for bucket in properties(template, "AWS::S3::Bucket")
        if "VersioningConfiguration" in bucket
    ]
    rules = runs["LifecycleConfiguration"]["Rules"]
    assert [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if rule.get("Prefix") == "runs/"
    ] == [1]


def test_every_alarm_is_told_to_somebody_and_says_what_to_do(template: Template) -> None:
    alarms = properties(template, "AWS::CloudWatch::Alarm")
    assert len(alarms) == 6
    assert all(alarm["AlarmActions"] and alarm["AlarmDescription"] for alarm in alarms)


def test_nothing_of_it_is_open_to_everybody(template: Template) -> None:
    for rule in properties(template, "AWS::EC2::SecurityGroupIngress"):
        assert rule["SourceSecurityGroupId"] == rule["GroupId"]
    assert not properties(template, "AWS::EC2::EIP")


def test_its_template_passes_cfn_lint(template: Template, tmp_path: Path) -> None:
    file = tmp_path / "Training.template.json"
    file.write_text(json.dumps(template.to_json()))
    linter = Path(sys.executable).parent / "cfn-lint"
    # Trainium2 is in few regions.
    regions = ["--regions", "us-east-2"]
    assert run(linter, file, *regions, "--ignore-checks", "W", cwd=tmp_path) == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"machines": 0}, "environments.dev.training.machines must be at least 1, got 0"),
        ({"zone": 3}, "environments.dev.training.zone must be below 3, got 3"),
        ({"zone": -1}, "environments.dev.training.zone must be at least 0, got -1"),
        ({"block": "x"}, "environments.dev.training: unknown field block; known: instance_type"),
    ],
)
def test_a_mistake_is_refused_with_its_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        read_settings("dev", with_training(**changes), CONTEXT["prices"])
