"""`peakfleet status`: all fleets of an account and region, at a glance."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_cli.operate import nearest
from peakfleet_planner import Hold, Plan, PoolPlan, PoolSpec, Reason
from peakfleet_table import HOLDS, LATESTS, TICKS, Latest, NewestTick
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec, group, schedule

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = int(datetime.now(UTC).timestamp())
PLAN = Plan(
    pools=(PoolPlan(name="Graviton", desired_capacity=3, seen_capacity=1, units=48),),
    reason=Reason.DEMAND,
    demand_units=140,
    baseline_units=100,
)
GRAVITON = PoolSpec(
    name="Graviton",
    group="graviton",
    units_per_capacity=16,
    max_capacity=50,
    usd_per_capacity_hour=0.5,
)
OLD = replace(GRAVITON, name="Old", group="old", retired=True)


@pytest.fixture(name="client")
def _client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    with account(monkeypatch) as client:
        yield client


@pytest.fixture
def running(client: DynamoDBClient) -> DynamoDBClient:
    """Return the table of a fleet that runs, with a retired pool, beside one that never decided."""
    deploy(fleet_spec(FLEET, GRAVITON, OLD))
    deploy(fleet_spec("Storage/Sync"))
    schedule("somebody-elses", {"spec": "none of ours"})
    group("graviton", desired=3)
    group("old", desired=1)
    client.put_item(TableName=TABLE, Item=TICKS.item(FLEET, NewestTick(tick=NOW - 20)))
    latest = Latest(tick=NOW - 900, plan=json.dumps(PLAN.to_json()))
    client.put_item(TableName=TABLE, Item=LATESTS.item(FLEET, latest))
    publish("DemandUnits", 150)
    publish("BaselineUnits", 90)
    return client


def publish(name: str, value: float) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace="PeakFleet",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "Fleet", "Value": FLEET}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
                "Value": value,
            }
        ],
    )


def status(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["status", *arguments])


def seen(*arguments: str) -> dict[str, Any]:
    return {one["fleet"]: one for one in json.loads(status(*arguments, "--json").stdout)["fleets"]}


@pytest.mark.usefixtures("running")
def test_every_fleet_is_found_by_its_schedule_without_a_table() -> None:
    result = status()

    assert list(seen()) == [FLEET, "Storage/Sync"]
    assert FLEET in result.output
    assert "has not decided" in result.output.replace("\n", " ")


@pytest.mark.usefixtures("running")
def test_demand_is_that_of_the_newest_minute_and_spend_that_of_what_runs() -> None:
    one = seen()[FLEET]

    assert (one["demand_units"], one["baseline_units"]) == (150, 90)
    assert one["usd_per_hour"] == 4 * 0.5
    assert one["reason"] == Reason.DEMAND.words
    assert datetime.fromisoformat(one["last_tick"]).timestamp() == NOW - 20
    assert datetime.fromisoformat(one["size_since"]).timestamp() == NOW - 900


@pytest.mark.usefixtures("running")
def test_a_retired_pool_is_shown_with_what_still_runs_in_it() -> None:
    graviton, old = seen()[FLEET]["pools"]

    assert (graviton["in_service"], graviton["retired"]) == (3, False)
    assert (old["in_service"], old["retired"]) == (1, True)
    assert "Old 1 (retired)" in status().output.replace("\n", " ")
    assert "retired" in status(FLEET).output


def test_a_hold_is_shown_while_it_stands(running: DynamoDBClient) -> None:
    held = Hold(owner="ana", reason="tests", until_epoch_seconds=NOW + 3600)
    running.put_item(TableName=TABLE, Item=HOLDS.item(FLEET, held))

    assert seen()[FLEET]["hold"]["owner"] == "ana"
    assert "is held by ana until" in status(FLEET).output


def test_a_fleet_that_nobody_decides_for_ends_with_1_and_says_so(client: DynamoDBClient) -> None:
    deploy(fleet_spec(), enabled=False)
    group()
    client.put_item(TableName=TABLE, Item=TICKS.item(FLEET, NewestTick(tick=NOW - 3600)))

    result = status(FLEET)

    assert result.exit_code == 1
    assert "its schedule is disabled" in result.output
    assert "no tick for more than 3 minutes" in result.output


@pytest.mark.usefixtures("client")
def test_a_fleet_of_another_version_is_listed_all_the_same() -> None:
    document = {**fleet_spec().to_json(), "version": 99}
    schedule(FLEET, {"scheduled_time": "now", "spec": document})

    assert "another version of peakfleet" in seen()[FLEET]["trouble"][0]


@pytest.mark.usefixtures("client")
def test_a_region_without_fleets_says_so() -> None:
    assert "no fleet is deployed" in status().output
    assert "eu-west-1 of this account has none" in status(FLEET).output


@pytest.mark.usefixtures("running")
def test_watching_looks_again_and_prints_a_line_of_json_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = iter([None])

    def sleep(_seconds: float) -> None:
        if next(waits, "no more") == "no more":
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    result = status("--watch", "--json")

    assert result.exit_code == 130
    assert [json.loads(line)["fleets"][0]["fleet"] for line in result.stdout.splitlines()] == [
        FLEET,
        FLEET,
    ]


def test_the_last_part_of_a_name_is_enough_to_be_understood() -> None:
    names = ["Media/Transcode", "Media/Live", "Storage/Sync"]

    assert nearest("transcode", names)[0] == "Media/Transcode"
    assert nearest("Media/Liev", names)[0] == "Media/Live"
    assert nearest("zzz", names) == []
