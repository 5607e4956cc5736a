"""`peakfleet doctor`: what is lacking is found, and each finding has its fix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from peakfleet_cli.account import Account
from peakfleet_cli.doctor.account_checks import on_account
from peakfleet_cli.doctor.capacity import on_images, on_offerings, on_quotas
from peakfleet_cli.doctor.finding import Finding, Level, checked
from peakfleet_cli.doctor.machine import on_machine
from peakfleet_cli.doctor.metrics import on_metrics
from peakfleet_cli.init.files import CDK_CLI
from peakfleet_cli.main import app
from peakfleet_planner import Metric, PoolSpec, ReportedBaseline
from tests.cli.deployed import account, fleet_spec

POOL = PoolSpec(
    name="Arm", group="graviton", units_per_capacity=16, max_capacity=50,
    instance_types=("c8g.4xlarge", "c7g.4xlarge"),
)  # fmt: skip
SPOT = replace(POOL, name="Spot", group="spot", purchase="spot", max_capacity=10)
FLEET = fleet_spec("Media/Transcode", POOL, SPOT)
STANDARD = "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
STANDARD_SPOT = "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeAccount:
    """An account whose quotas, instances and offers are given; moto has none of them.

    Args:
        quotas: By name.
        running: Type, cores and lifecycle of what runs.
        offers: Zones of each type.
    """

    quotas: Mapping[str, float] = field(default_factory=dict)
    running: Sequence[tuple[str, int, str | None]] = ()
    offers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    place: str = "eu-west-1"

    def client(self, service: str) -> Any:  # noqa: ANN401  as boto3's
        del service
        return self

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401  as boto3's
        pages: dict[str, dict[str, Any]] = {
            "list_service_quotas": {
                "Quotas": [{"QuotaName": n, "Value": v} for n, v in self.quotas.items()]
            },
            "describe_instances": {
                "Reservations": [
                    {
                        "Instances": [
                            {
                                "InstanceType": kind,
                                "CpuOptions": {"CoreCount": cores, "ThreadsPerCore": 1},
                                **({"InstanceLifecycle": bought} if bought else {}),
                            }
                            for kind, cores, bought in self.running
                        ]
                    }
                ]
            },
            "describe_instance_type_offerings": {
                "InstanceTypeOfferings": [
                    {"InstanceType": kind, "Location": zone}
                    for kind, zones in self.offers.items()
                    for zone in zones
                ]
            },
        }

        class Pages:
            def paginate(self, **_: object) -> list[dict[str, Any]]:
                return [pages[operation]]

        return Pages()


def as_account(fake: FakeAccount) -> Account:
    return cast("Account", fake)


def quotas(**values: float) -> list[Finding]:
    named = {{"on_demand": STANDARD, "spot": STANDARD_SPOT}[k]: v for k, v in values.items()}
    running = [("m5.large", 400, None), ("inf2.xlarge", 64, None), ("c5.large", 90, "spot")]
    return list(on_quotas(as_account(FakeAccount(quotas=named, running=running)), [FLEET]))


def test_a_quota_must_hold_every_fleet_at_its_maximum() -> None:
    """50 instances of 16 vCPUs on demand and 10 on Spot; 400 and 90 vCPUs run already."""
    on_demand, spot = quotas(on_demand=700, spot=160)

    assert on_demand.level is Level.ERROR
    assert "need 800 vCPUs (Media/Transcode Arm 800), 400 of 700 are in use" in on_demand.says
    assert "ask for 800 of" in on_demand.fix
    assert spot.level is Level.WARNING
    assert "ask for 250 of" in spot.fix


def test_a_quota_with_room_is_good_and_one_that_is_missing_is_told() -> None:
    assert {one.level for one in quotas(on_demand=1200, spot=250)} == {Level.GOOD}
    assert quotas(on_demand=1200)[1].level is Level.WARNING


def test_an_instance_type_should_be_sold_in_two_zones() -> None:
    offers = {"c8g.4xlarge": ["eu-west-1a"]}
    found = {
        one.says: one.level for one in on_offerings(as_account(FakeAccount(offers=offers)), [FLEET])
    }
    assert found == {
        "c7g.4xlarge is not sold in eu-west-1": Level.ERROR,
        "c8g.4xlarge is sold in eu-west-1a only": Level.WARNING,
    }


@pytest.mark.parametrize(
    ("node", "cdk", "levels"),
    [
        ("v24.1.0", f"{CDK_CLI} (build x)", [Level.GOOD, Level.GOOD]),
        ("v24.1.0", "3.0.0 (build x)", [Level.GOOD, Level.ERROR]),
        ("v20.1.0", "2.1000.0 (build x)", [Level.WARNING, Level.WARNING]),
        (None, None, [Level.ERROR, Level.ERROR]),
    ],
)
def test_the_accidental_cdk_3_and_an_old_node_are_caught(
    tmp_path: Path, node: str | None, cdk: str | None, levels: list[Level]
) -> None:
    found = list(on_machine(tmp_path, ask=lambda command: node if "node" in command[0] else cdk))

    assert [one.level for one in found] == levels
    assert all(one.fix for one in found if one.level is not Level.GOOD)
    if cdk and cdk.startswith("3"):
        assert "published by accident" in found[1].says
        assert found[1].fix == f"npm install --save-dev --save-exact aws-cdk@{CDK_CLI}"


def test_what_may_not_be_looked_at_is_a_warning_that_names_the_permission() -> None:
    def denied() -> Iterator[Finding]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListServiceQuotas")
        yield

    (found,) = checked("quotas", "servicequotas:ListServiceQuotas", denied)

    assert found.level is Level.WARNING
    assert "allow servicequotas:ListServiceQuotas" in found.fix


@pytest.fixture(name="live")
def _live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with account(monkeypatch):
        yield Account()


def test_a_region_that_is_not_bootstrapped_says_the_command(live: Account) -> None:
    found = {one.about: one for one in on_account(live)}

    assert found["account"].says.endswith("in eu-west-1")
    assert found["bootstrap"].level is Level.ERROR
    assert found["bootstrap"].fix.startswith("cdk bootstrap")
    name = "/cdk-bootstrap/hnb659fds/version"
    boto3.client("ssm").put_parameter(Name=name, Value="30", Type="String")
    assert {one.about: one for one in on_account(live)}["bootstrap"].level is Level.GOOD


def test_demand_and_baseline_that_do_not_arrive_are_told_apart(live: Account) -> None:
    report = Metric(namespace="OnPrem", metric_name="HealthyUnits")
    fleet = replace(FLEET, baseline=ReportedBaseline(metric=report, declared_units=9))
    boto3.client("cloudwatch").put_metric_data(
        Namespace="Live",
        MetricData=[
            {
                "MetricName": "Streams",
                "Value": 1.0,
                "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
            }
        ],
    )

    signal, baseline = on_metrics(live, [fleet])

    assert signal.level is Level.GOOD
    assert baseline.level is Level.ERROR
    assert baseline.says == "OnPrem/HealthyUnits has had no datapoint for 3 hours"


def test_an_image_that_the_region_lacks_is_found(live: Account) -> None:
    name = "/aws/service/ami-of-nobody"
    kind = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    (found,) = on_images(live, {"P": {"Type": kind, "Default": name}, "Q": {"Type": "String"}})
    assert found.level is Level.ERROR
    assert name in found.says


@pytest.mark.usefixtures("live")
def test_it_ends_with_1_and_json_if_something_must_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    boto3.client("cloudformation").create_stack(StackName="S", TemplateBody='{"Resources": {}}')
    result = CliRunner().invoke(app, ["doctor", "--json"])

    found = json.loads(result.stdout)["findings"]
    assert result.exit_code == 1
    assert {"Node", "CDK CLI", "account", "permissions", "bootstrap"} <= {
        one["about"] for one in found
    }
    assert all(one["fix"] for one in found if one["level"] != "good")


def test_a_folder_that_was_named_and_holds_no_app_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "is no synthesized app" in result.stderr
    assert result.stderr.count("\n") == 1
