"""`peakfleet plan`: what an app costs, and what deploying it does to what runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import boto3
import pytest
from typer.testing import CliRunner, Result

from peakfleet_chips import CATALOGUE
from peakfleet_cli.main import app
from peakfleet_cli.plan import Stack, fleets_of, list_prices
from peakfleet_cli.plan.changes import Side, Weight, changes_of
from peakfleet_cli.plan.standing import standing_of_fleet
from peakfleet_handlers.aws import Calls, Deadline
from peakfleet_handlers.tick.metrics import metrics_of
from peakfleet_planner import FleetSpec, Plan, PoolSpec, Reason
from peakfleet_planner.spec import Detail, published
from tests.cli.deployed import account, deploy, fleet_spec, group

ARM = PoolSpec(
    name="Arm",
    group="ArmGroup",
    units_per_capacity=16,
    max_capacity=50,
    usd_per_capacity_hour=0.25,
    instance_types=("c8g.4xlarge",),
)
SPOT = replace(
    ARM, name="Spot", group="SpotGroup", purchase="spot", usd_per_capacity_hour=0.1, max_capacity=30
)
TWO = fleet_spec("Media/Transcode", ARM, SPOT, table="State")
ENDPOINT = {
    "Type": "AWS::EC2::VPCEndpoint",
    "Properties": {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b", "c"]},
}
GATEWAY = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}}
ALARM = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Period": 60}}
FAST = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {"Metrics": [{"MetricStat": {"Period": 10}}, {"Expression": "m"}]},
}
ATTACHMENT = {"Type": "AWS::EC2::TransitGatewayVpcAttachment", "Properties": {}}
VPN = {"Type": "AWS::EC2::VPNConnection", "Properties": {}}
BALANCER = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {}}


def resources(spec: FleetSpec, **more: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of a fleet has, as far as a plan looks at it."""
    found: dict[str, Any] = {"State": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": {}}}
    for pool in spec.pools:
        template = f"{pool.group}Template"
        data = {"ImageId": "ami-1", "InstanceType": "c8g.4xlarge"}
        found[template] = {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": data},
        }
        found[pool.group] = {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": template}}},
        }
    sent = {"scheduled_time": "<aws.scheduler.scheduled-time>", "spec": spec.to_json()}
    found["Tick"] = {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {"Target": {"Input": json.dumps(sent)}},
    }
    return {**found, **more}


def assembly(folder: Path, spec: FleetSpec, **more: Mapping[str, Any]) -> Path:
    """Write a synthesized app with one stack, named by its fleet."""
    name = spec.fleet.partition("/")[0]
    folder.mkdir(parents=True, exist_ok=True)
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": f"{name}.template.json", "stackName": name},
    }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {name: artifact}}))
    template = {"Resources": resources(spec, **more)}
    (folder / f"{name}.template.json").write_text(json.dumps(template))
    return folder


def plan(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["plan", *map(str, arguments)])


NOWHERE = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None, "AWS_PROFILE": None}


def test_without_an_account_costs_are_shown_and_it_is_said_that_nothing_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    folder = assembly(tmp_path, TWO)
    result = CliRunner().invoke(app, ["plan", str(folder), "--format", "markdown"], env=NOWHERE)
    assert result.exit_code == 0, result.output
    assert "unknown: no AWS region is configured" in result.output
    assert "| Media/Transcode |" in result.output
    strict = CliRunner().invoke(app, ["plan", str(folder), "--strict"], env=NOWHERE)
    assert strict.exit_code == 1
    assert strict.stderr.startswith("peakfleet: no AWS region is configured")


def test_spot_without_a_price_counts_as_its_dearest_type_on_demand_and_says_so(
    tmp_path: Path,
) -> None:
    types = ("c7g.4xlarge", "c8g.4xlarge")
    unpriced = replace(SPOT, usd_per_capacity_hour=None, instance_types=types)
    folder = assembly(tmp_path, fleet_spec("Media/Transcode", ARM, unpriced))
    dearest = max(CATALOGUE[name].usd_per_hour or 0 for name in types)
    (fleet,) = json.loads(plan(folder, "--offline", "--json").stdout)["fleets"]
    assert [pool["at_ceiling"] for pool in fleet["pools"]] == [False, True]
    assert fleet["usd_per_hour_at_most"] == pytest.approx(50 * 0.25 + 30 * dearest)
    text = plan(folder, "--offline", "--format", "markdown").stdout
    assert f"<= {730 * (50 * 0.25 + 30 * dearest):,.2f}" in text
    assert "peakfleet prices refresh" in text


def test_a_pool_whose_price_nobody_knows_is_named_with_the_way_out(tmp_path: Path) -> None:
    unknown = replace(ARM, usd_per_capacity_hour=None, instance_types=("z9.large",))
    folder = assembly(tmp_path, fleet_spec("Media/Transcode", unknown))
    text = plan(folder, "--offline", "--format", "markdown").stdout
    assert "no price is known of Media/Transcode, Arm: give usd_per_hour" in text


def test_every_fixed_price_says_where_it_comes_from() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")
    table = page.split("## Where fixed prices come from")[1].split("## ")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| ") and "/" in row]
    shown: set[float] = set()
    for row in rows:
        of = 1e6 if "a million" in row[1] else 1000 if "1,000" in row[1] else 1
        alone = row[1].replace("for 1,000", "").replace("for a million", "").split(",")
        shown |= {round(float(one) / of, 12) for one in alone} | {float(one) for one in alone}
        assert row[3].strip().startswith("/")
        assert row[4].strip()
    prices = {
        name: value
        for name, value in vars(list_prices).items()
        if isinstance(value, float) and name.isupper()
    }
    assert len(prices) == 21
    assert {name for name, value in prices.items() if round(value, 12) not in shown} == set()


def side(spec: FleetSpec, *, running: Mapping[str, int] | None = None, **more: Any) -> Side:  # noqa: ANN401  of a template
    stack = Stack(name="Media", resources=resources(spec, **more))
    return Side(spec=spec, stack=stack, running=running or {})


def said(before: FleetSpec, after: FleetSpec, **running: int) -> list[tuple[Weight, str]]:
    found = changes_of(side(before, running=running), side(after))
    return [(change.weight, change.says) for change in found]


def test_the_costs_are_those_of_a_hand_calculation(tmp_path: Path) -> None:
    """730 hours; list prices as in `list_prices`."""
    warm = replace(ARM, min_capacity=2)
    folder = assembly(
        tmp_path,
        fleet_spec("Media/Transcode", warm, SPOT),
        E=ENDPOINT, G=GATEWAY, A=ALARM, F=FAST, B=BALANCER, T=ATTACHMENT, V=VPN,
    )  # fmt: skip
    document = json.loads(plan(folder, "--offline", "--json").stdout)
    (fleet,) = document["fleets"]

    stack = {cost["what"]: cost["usd_per_month"] for cost in document["stacks"]["Media"]}
    assert stack == pytest.approx(
        {
            "interface endpoint, in a zone": 3 * 0.01 * 730,
            "load balancer": 0.0225 * 730,
            "transit gateway attachment": 0.05 * 730,
            "VPN connection, with its attachment": 2 * 0.05 * 730,
            "alarm": 0.10,
            "alarm on seconds": 0.30,
        }
    )
    standing = {cost["what"]: cost["usd_per_month"] for cost in fleet["standing"]}
    assert standing["minimum of Arm"] == pytest.approx(2 * 0.25 * 730)
    assert standing["custom metrics"] == pytest.approx(0.30 * 4)
    assert standing["metrics read"] == pytest.approx(43_800 * 1 * 0.01 / 1000)
    assert fleet["usd_per_hour_at_most"] == pytest.approx(50 * 0.25 + 30 * 0.1)
    assert fleet["usd_per_month_at_most"] == pytest.approx(730 * 15.5)
    assert document["standing_usd_per_month"] == pytest.approx(
        sum(stack.values()) + sum(standing.values())
    )


@pytest.mark.parametrize("detail", get_args(Detail))
def test_what_a_tick_publishes_is_what_is_counted(detail: Detail) -> None:
    decided = Plan(pools=(), reason=Reason.DEMAND)
    metrics = metrics_of(decided, Calls(deadline=Deadline.of(None)))
    costs = standing_of_fleet(replace(fleet_spec("F", ARM), metrics=detail), learns=False)
    (counted,) = [cost for cost in costs if cost.what == "custom metrics"]
    assert counted.count == len(published(metrics, detail))


def test_a_pool_that_is_removed_or_renamed_ends_what_runs_in_it() -> None:
    removed = said(TWO, replace(TWO, pools=(SPOT,)), Arm=7)
    renamed = said(TWO, replace(TWO, pools=(replace(ARM, name="Graviton", group="G"), SPOT)), Arm=7)

    assert removed[0] == (
        Weight.ENDS,
        "pool Arm is removed: its group is deleted with 7 running instances",
    )
    ended = "pool Arm is renamed to Graviton: its group is deleted with 7 running instances"
    assert (Weight.ENDS, ended) in renamed
    assert (Weight.KEEPS, "pool Graviton is new and starts at 0") in renamed


def test_a_retired_pool_that_has_drained_may_go() -> None:
    retired = replace(TWO, pools=(replace(ARM, retired=True), SPOT))

    assert said(retired, replace(TWO, pools=(SPOT,)), Spot=3) == []
    assert said(TWO, retired, Arm=7)[0] == (
        Weight.MOVES,
        "pool Arm is retired: the others serve in its place, then it drains 7 running instances",
    )


def test_changed_units_say_how_many_run_afterwards() -> None:
    fewer = replace(TWO, pools=(replace(ARM, units_per_capacity=12), SPOT))

    (change,) = said(TWO, fewer, Arm=6)

    assert change[0] is Weight.MOVES
    assert change[1].endswith(
        "counts 12 units instead of 16; for the same demand 8 run instead of 6"
    )


def test_a_maximum_below_what_runs_ends_the_rest_at_once() -> None:
    smaller = replace(TWO, pools=(replace(ARM, max_capacity=4), SPOT))

    assert said(TWO, smaller, Arm=6)[0][0] is Weight.ENDS
    assert said(TWO, smaller, Arm=6)[0][1].endswith("so that 2 of 6 are ended at once")
    assert said(TWO, smaller, Arm=3)[0][0] is Weight.KEEPS


def test_another_group_of_the_same_pool_ends_what_runs() -> None:
    moved = replace(TWO, pools=(replace(ARM, group="Elsewhere"), SPOT))
    assert said(TWO, moved, Arm=2)[0] == (
        Weight.ENDS,
        "pool Arm gets another group: the old one is deleted with 2 running instances",
    )


def test_a_changed_launch_template_is_for_new_instances_and_says_what_differs() -> None:
    data = {"ImageId": "ami-2", "InstanceType": "c8g.4xlarge", "UserData": "x"}
    other = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}

    (change,) = changes_of(side(TWO), side(TWO, ArmGroupTemplate=other))

    assert change.weight is Weight.KEEPS
    assert "pool Arm: new instances start with another launch template (ImageId, UserData)" in (
        change.says
    )


def test_another_state_table_is_told() -> None:
    other = replace(TWO, state_table="Other")
    (change,) = changes_of(side(TWO), side(other))
    assert "another state table" in change.says


def test_nothing_changes_between_an_app_and_itself(tmp_path: Path) -> None:
    folder = assembly(tmp_path, TWO)
    assert json.loads(plan(folder, "--against", folder, "--json").stdout)["changes"] == []


def test_a_pull_request_gets_markdown_and_strict_fails_what_ends_instances(tmp_path: Path) -> None:
    before = assembly(tmp_path / "before", TWO)
    after = assembly(tmp_path / "after", replace(TWO, pools=(SPOT,)))

    result = plan(after, "--against", before, "--format", "markdown", "--strict")

    assert result.exit_code == 1
    assert result.stdout.startswith("## peakfleet plan\n\n### What a deployment does")
    assert "| Media/Transcode | ends instances | pool Arm is removed" in result.stdout
    assert plan(before, "--against", after, "--strict").exit_code == 0


def test_a_recording_gives_the_typical_cost(tmp_path: Path) -> None:
    folder = assembly(tmp_path / "out", replace(TWO, pools=(ARM,)))
    rows = "\n".join(f"2026-01-01T{m // 60:02}:{m % 60:02}:00Z,160" for m in range(600))
    (tmp_path / "demand.csv").write_text(f"timestamp_utc,demand\n{rows}\n")

    document = json.loads(
        plan(folder, "--offline", "--json", "--demand", tmp_path / "demand.csv").stdout
    )

    typical = document["fleets"][0]["typical"]
    assert typical["hours"] == 10
    assert 10 * 0.25 * 730 * 0.9 < typical["usd_per_month"] < 12 * 0.25 * 730


def test_an_app_that_is_none_says_so(tmp_path: Path) -> None:
    result = plan(tmp_path)
    assert result.exit_code == 1
    assert "run cdk synth first" in result.stderr


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account in which the fleet runs 7 instances, with a stack that has its template."""
    with account(monkeypatch):
        spec = fleet_spec("Media/Transcode", ARM)
        group("real-group", desired=7)
        deploy(replace(spec, pools=(replace(ARM, group="real-group"),)))
        body = {"Resources": {k: v for k, v in resources(spec).items() if k == "Tick"}}
        boto3.client("cloudformation").create_stack(
            StackName="Media", TemplateBody=json.dumps(body)
        )
        yield


@pytest.mark.usefixtures("deployed")
def test_what_is_deployed_is_compared_with_what_runs_now(tmp_path: Path) -> None:
    folder = assembly(tmp_path, fleet_spec("Media/Transcode", SPOT))

    document = json.loads(plan(folder, "--json").stdout)

    assert document["compared_with"] == "what is deployed in eu-west-1"
    assert [change["says"] for change in document["changes"]] == [
        "pool Arm is renamed to Spot: its group is deleted with 7 running instances",
        "pool Spot is new and starts at 0",
    ]


def test_the_fleets_of_an_app_are_found_in_its_templates() -> None:
    stack = Stack(name="Media", resources=resources(TWO))
    assert fleets_of([stack]) == {"Media/Transcode": (stack, TWO)}
