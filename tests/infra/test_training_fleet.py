"""TrainingFleet: machines of one zone that come, train and go together."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from peakfleet import CapacityPool, OffPeak, SpendLimit
from peakfleet.testing import fleet_specs
from peakfleet_planner.gang import GangSpec
from tests.infra.commands import run
from tests.infra.fleets import burst_fleet, function, hooks_of, new_stack, only, properties
from tests.infra.gangs import BLOCK, TRN2, training_fleet
from tests.infra.reference_app import plain

USER_DATA_BYTES = 16_384
ADAPTERS = {"trn1.32xlarge": 8, "trn1n.32xlarge": 16, "trn2.3xlarge": 1, "trn2.48xlarge": 16}


def template_of(**options: Any) -> Template:  # noqa: ANN401  a fleet's own
    stack = new_stack()
    training_fleet(stack, **options).user_data.add_commands("fetch the-program")
    return Template.from_stack(stack)


@pytest.fixture(name="blocked", scope="module")
def _blocked() -> Template:
    return template_of(reservation=BLOCK)


@pytest.fixture(name="bought", scope="module")
def _bought() -> Template:
    return template_of()


def launch(template: Template) -> dict[str, Any]:
    data: dict[str, Any] = only(template, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    return data


def sent(template: Template) -> dict[str, Any]:
    """Return what the schedule sends."""
    document: dict[str, Any] = json.loads(
        plain(only(template, "AWS::Scheduler::Schedule")["Target"]["Input"])
    )
    return document


def statements(template: Template) -> list[dict[str, Any]]:
    return [
        one
        for policy in properties(template, "AWS::IAM::Policy")
        for one in policy["PolicyDocument"]["Statement"]
    ]


def test_the_schedule_sends_a_gang_that_the_tick_accepts(blocked: Template) -> None:
    document = sent(blocked)
    assert set(document) == {"scheduled_time", "gang"}
    spec = GangSpec.from_json(document["gang"])
    assert (spec.fleet, spec.machines, spec.prefix) == ("Media/Search", 4, "search/7")
    assert spec.pool.launch == "direct"
    assert spec.reservation
    assert spec.reservation.leave_before_end_seconds == 40 * 60
    assert function(blocked, "scaler")[1]["Runtime"] == "python3.13"


def test_a_gang_is_no_fleet_for_those_who_look_for_fleets(blocked: Template) -> None:
    assert fleet_specs(blocked) == {}


def test_the_group_is_empty_until_a_tick_fills_it_and_in_one_zone(blocked: Template) -> None:
    group = only(blocked, "AWS::AutoScaling::AutoScalingGroup")
    assert (group["MinSize"], group["MaxSize"]) == ("0", "4")
    assert "DesiredCapacity" not in group
    assert len(group["VPCZoneIdentifier"]) == 1
    assert not properties(blocked, "AWS::AutoScaling::ScalingPolicy")
    maintenance = group["InstanceMaintenancePolicy"]
    assert maintenance == {"MinHealthyPercentage": 0, "MaxHealthyPercentage": 100}


def test_in_a_block_machines_run_in_it_and_in_nothing_else(blocked: Template) -> None:
    data = launch(blocked)
    assert data["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert data["CapacityReservationSpecification"] == {
        "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
    }
    assert "Placement" not in data
    assert not properties(blocked, "AWS::EC2::PlacementGroup")


def test_without_a_block_machines_are_placed_close_together(bought: Template) -> None:
    assert only(bought, "AWS::EC2::PlacementGroup")["Strategy"] == "cluster"
    data = launch(bought)
    assert "PlacementGroup" in plain(data["Placement"]["GroupName"])
    assert "InstanceMarketOptions" not in data
    assert "CapacityReservationSpecification" not in data


@pytest.mark.parametrize(("kind", "count"), ADAPTERS.items())
def test_each_size_has_all_its_adapters_one_on_each_network_card(kind: str, count: int) -> None:
    pool = CapacityPool.trainium(kind, max_instances=2)
    interfaces = launch(template_of(machines=pool))["NetworkInterfaces"]
    assert [one["NetworkCardIndex"] for one in interfaces] == list(range(count))
    assert [one["DeviceIndex"] for one in interfaces] == [0, *[1] * (count - 1)]
    assert {one["InterfaceType"] for one in interfaces} == {"efa"}
    assert not any("AssociatePublicIpAddress" in one for one in interfaces)
    assert len({json.dumps(one["Groups"]) for one in interfaces}) == 1


def test_one_machine_needs_neither_adapters_nor_company() -> None:
    template = template_of(machines=CapacityPool.trainium("trn1.2xlarge", max_instances=1))
    (interface,) = launch(template)["NetworkInterfaces"]
    assert interface["AssociatePublicIpAddress"] is False
    assert not properties(template, "AWS::EC2::PlacementGroup")
    assert not properties(template, "AWS::EC2::SecurityGroupEgress")


def test_the_security_group_is_open_to_itself_both_ways_and_to_nobody_else(
    blocked: Template,
) -> None:
    inward = only(blocked, "AWS::EC2::SecurityGroupIngress")
    outward = only(blocked, "AWS::EC2::SecurityGroupEgress")
    assert inward["IpProtocol"] == outward["IpProtocol"] == "-1"
    assert inward["SourceSecurityGroupId"] == inward["GroupId"]
    assert outward["DestinationSecurityGroupId"] == outward["GroupId"] == inward["GroupId"]


def scripts(template: Template) -> list[str]:
    parts = launch(template)["UserData"]["Fn::Base64"]["Fn::Join"][1]
    return [plain(part["Fn::Base64"]) for part in parts if isinstance(part, dict)]


def test_a_machine_runs_the_user_data_and_then_the_trainer(blocked: Template) -> None:
    agent, own = scripts(blocked)
    assert "PEAKFLEET_DRAIN_SECONDS=480" in agent
    steps = [
        "fetch the-program",
        "exec bash /opt/train/start.sh",
        "enable --now peakfleet-training",
    ]
    places = [own.index(step) for step in steps]
    assert places == sorted(places)
    for setting in ("PEAKFLEET_BUCKET=the-runs", "PEAKFLEET_PREFIX=search/7", "FI_PROVIDER=efa"):
        assert setting in own


def test_what_the_trainer_is_told_is_what_it_reads(blocked: Template) -> None:
    source = Path(__file__).parents[2] / "constructs/peakfleet_instance/training_run.py"
    read = set(re.findall(r'environment\["([A-Z_]+)"\]', source.read_text()))
    assert read
    assert read <= set(re.findall(r"^([A-Z_]+)=", scripts(blocked)[1], flags=re.MULTILINE))


def test_user_data_fits_and_is_clean_shell(blocked: Template, tmp_path: Path) -> None:
    paths = []
    encoded = 0
    for index, text in enumerate(scripts(blocked)):
        encoded += len(base64.b64encode(text.encode())) + 200
        paths.append(tmp_path / f"{index}.sh")
        paths[-1].write_text(text)
    assert encoded < USER_DATA_BYTES
    checker = Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run([checker, *paths], capture_output=True, text=True, check=False)  # noqa: S603  our own scripts
    assert checked.stdout == ""


def test_machines_that_go_have_the_time_to_write_a_checkpoint(blocked: Template) -> None:
    (hook,) = hooks_of(blocked)
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert GangSpec.from_json(sent(blocked)["gang"]).pool.drain_seconds == 480


def test_machines_and_ticks_may_touch_their_run_and_no_other(blocked: Template) -> None:
    arns = re.findall(r":s3:::the-runs[^\"]*", json.dumps(statements(blocked)))
    assert set(arns) == {
        ":s3:::the-runs",
        ":s3:::the-runs/search/7/*",
        ":s3:::the-runs/search/7/gang/*",
    }
    lists = [one for one in statements(blocked) if one["Action"] == "s3:ListBucket"]
    shown = sorted(one["Condition"]["StringLike"]["s3:prefix"] for one in lists)
    assert shown == [["search/7/*"], ["search/7/gang/*"]]
    written = {
        action
        for one in statements(blocked)
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        if action.startswith(("s3:Put", "s3:Delete"))
    }
    assert written == {"s3:DeleteObject", "s3:PutObject"}  # no locks, retention or tags


def test_ticks_may_read_reservations_only_where_there_is_one(
    blocked: Template, bought: Template
) -> None:
    action = "ec2:DescribeCapacityReservations"
    assert action in json.dumps(statements(blocked))
    assert action not in json.dumps(statements(bought))


def test_ticks_may_launch_from_their_own_template_only(blocked: Template) -> None:
    (allowed,) = [one for one in statements(blocked) if one["Action"] == "ec2:CreateFleet"]
    templates = [arn for arn in map(plain, allowed["Resource"]) if ":launch-template/" in arn]
    assert len(templates) == 1
    assert "Template" in templates[0]


def test_a_guest_follows_the_fleet_that_goes_first() -> None:
    stack = new_stack()
    serving = burst_fleet(stack, "Ranking")
    guest = OffPeak.of("cr-0123456789abcdef0", priority=serving, units_per_machine=64)
    training_fleet(stack, reservation=guest)
    template = Template.from_stack(stack)
    (gang,) = [
        json.loads(text)["gang"]
        for one in properties(template, "AWS::Scheduler::Schedule")
        if '"gang"' in (text := plain(one["Target"]["Input"]))
    ]
    spec = GangSpec.from_json(gang)
    assert spec.reservation
    assert spec.reservation.priority
    wanted = spec.reservation.priority.wanted
    assert (wanted.namespace, wanted.metric_name) == ("PeakFleet", "WantedUnits")
    assert wanted.dimensions == {"Fleet": "Media/Ranking"}
    (data,) = [
        one["LaunchTemplateData"]
        for one in properties(template, "AWS::EC2::LaunchTemplate")
        if one["LaunchTemplateData"]["InstanceType"] == "trn2.48xlarge"
    ]
    assert "CapacityReservationSpecification" in data
    assert "InstanceMarketOptions" not in data
    assert "Placement" not in data


def test_its_alarms_say_what_to_do() -> None:
    fleet = training_fleet(new_stack())
    assert set(fleet.alarms) == {
        "NoTicks",
        "GivenUp",
        "ReservationIdle",
        "FailedCalls",
    }


def test_its_template_passes_cfn_lint(blocked: Template, bought: Template, tmp_path: Path) -> None:
    linter = Path(sys.executable).parent / "cfn-lint"
    for name, template in (("blocked", blocked), ("bought", bought)):
        file = tmp_path / f"{name}.template.json"
        file.write_text(json.dumps(template.to_json()))
        shown = run(linter, file, "--regions", "us-east-2", "--ignore-checks", "W", cwd=tmp_path)
        assert shown == ""


def test_a_limit_of_its_spend_goes_to_its_ticks_which_may_claim_of_a_shared_one() -> None:
    limits = [SpendLimit.shared("media", usd_per_hour=90, priority="training")]
    template = template_of(machines=replace(TRN2, usd_per_hour=20), spend_limits=limits)
    spec = GangSpec.from_json(sent(template)["gang"])
    assert [one.shared for one in spec.spend_limits] == ["media"]
    assert spec.usd_per_hour == 4 * 20
    keys = [
        one["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        for one in statements(template)
        if "dynamodb:BatchWriteItem" in one["Action"]
    ]
    assert keys == [["Media/Search", "spend-limit/media"]]
    names = [one.get("MetricName") for one in properties(template, "AWS::CloudWatch::Alarm")]
    assert "SpendReached" in names


def test_without_a_limit_nobody_is_told_of_one(bought: Template) -> None:
    alarms = properties(bought, "AWS::CloudWatch::Alarm")
    assert "SpendReached" not in [one.get("MetricName") for one in alarms]
