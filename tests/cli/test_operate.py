from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_planner import Plan, PoolPlan, Reason, SignalState, SignalView

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

TABLE, FLEET = "state", "Media/Transcode"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3.resource("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "fleet", "KeyType": "HASH"},
                {"AttributeName": "item", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "fleet", "AttributeType": "S"},
                {"AttributeName": "item", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def decided(table: Table, at: str, *, capacity: int, fleet: str = FLEET) -> None:
    """Record a decision as the tick does."""
    plan = Plan(
        pools=(PoolPlan(name="Graviton", desired_capacity=capacity, seen_capacity=1, units=16),),
        reason=Reason.STEP_LIMITED,
        limits=(Reason.AT_MAXIMUM,),
        demand_units=140,
        baseline_units=100,
        burst_units=40,
        wanted_units=50,
        granted_units=16,
        signals=(SignalView(name="jobs", state=SignalState.FRESH, units=140, rejected_samples=2),),
    )
    moment = datetime.fromisoformat(at)
    table.put_item(
        Item={
            "fleet": fleet,
            "item": f"DECISION#{moment:%Y-%m-%dT%H:%M:%SZ}",
            "tick": int(moment.timestamp()),
            "plan": json.dumps(plan.to_json()),
        }
    )


def the_hold(table: Table) -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(Key={"fleet": FLEET, "item": "HOLD"}).get("Item")
    return found


def hold(*more: str) -> Result:
    return run("hold", FLEET, "--table", TABLE, "--owner", "ana", "--reason", "tests", *more)


def test_a_hold_is_written_with_owner_reason_and_expiry(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)

    result = hold("--until", "2999-01-01T00:00Z", "--yes-for-long")

    assert result.exit_code == 0, result.output
    ends = int(datetime(2999, 1, 1, tzinfo=UTC).timestamp())
    assert the_hold(table) == {
        "fleet": FLEET,
        "item": "HOLD",
        "owner": "ana",
        "reason": "tests",
        "until": ends,
        "expires_at": ends,
    }
    assert "2999-01-01 00:00:00 UTC" in result.output


def test_a_hold_of_more_than_a_day_says_what_it_costs_and_has_to_be_confirmed(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)

    result = hold("--until", "90d")

    said = result.output.replace("\n", " ")
    assert result.exit_code == 1
    assert "2,160 hours away: 2 of capacity would run" in said
    assert "4,320 hours of capacity" in said
    assert "--yes-for-long" in said
    assert the_hold(table) is None
    assert hold("--until", "90d", "--yes-for-long").exit_code == 0
    assert the_hold(table) is not None


def test_a_fleet_that_the_table_does_not_know_is_not_held_by_mistake(table: Table) -> None:
    result = hold("--until", "2h")

    assert result.exit_code == 1
    assert "has nothing of fleet 'Media/Transcode'" in result.output
    assert the_hold(table) is None


def test_a_new_fleet_can_be_held_on_purpose(table: Table) -> None:
    assert hold("--until", "2h", "--new").exit_code == 0
    assert the_hold(table) is not None


@pytest.mark.parametrize(
    ("until", "message"),
    [("2001-01-01", "is not after now"), ("tomorrow", "is no time"), ("0h", "is not after now")],
)
def test_a_hold_needs_an_end_in_the_future(table: Table, until: str, message: str) -> None:
    result = hold("--until", until, "--new")

    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")
    assert the_hold(table) is None


def test_resume_ends_the_hold_and_says_whose_it_was(table: Table) -> None:
    hold("--until", "2h", "--new")

    result = run("resume", FLEET, "--table", TABLE)

    assert "ana's hold ended (tests)" in result.output
    assert the_hold(table) is None
    assert "is not held" in run("resume", FLEET, "--table", TABLE).output


def test_explain_says_the_newest_decision_in_words(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    decided(table, "2026-03-22T19:05:00+00:00", capacity=3)

    result = run("explain", FLEET, "--table", TABLE)

    assert result.exit_code == 0, result.output
    assert "since 2026-03-22 19:05:00 UTC" in result.output
    assert "Graviton 1 to 3" in result.output
    assert f"{Reason.STEP_LIMITED.words}; {Reason.AT_MAXIMUM.words}" in result.output
    assert "signal jobs: fresh, 140.0 units, 2 samples rejected" in result.output
    assert "34.0 units were wanted and not granted" in result.output


def test_explain_looks_back_to_the_decision_that_stood_at_a_time(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    decided(table, "2026-03-22T19:05:00+00:00", capacity=3)

    result = run("explain", FLEET, "--table", TABLE, "--at", "2026-03-22T19:04Z")

    assert "Graviton 1 to 2" in result.output
    exactly = run("explain", FLEET, "--table", TABLE, "--at", "2026-03-22T19:05:00Z")
    assert "Graviton 1 to 3" in exactly.output


def test_explain_mentions_a_hold_that_stands(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    hold("--until", "2h")

    assert "is held by ana" in run("explain", FLEET, "--table", TABLE).output


def test_explain_of_an_unknown_fleet_says_what_a_name_is(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2, fleet="Other")

    result = run("explain", FLEET, "--table", TABLE)

    assert result.exit_code == 1
    assert "has no decision of fleet 'Media/Transcode'" in result.output


def test_a_record_of_another_version_is_named(table: Table) -> None:
    table.put_item(
        Item={
            "fleet": FLEET,
            "item": "DECISION#2026-03-22T19:00:00Z",
            "tick": 1,
            "plan": json.dumps({"version": 99}),
        }
    )

    result = run("explain", FLEET, "--table", TABLE)

    assert result.exit_code == 1
    assert "DECISION#2026-03-22T19:00:00Z cannot be read" in result.output


def test_a_missing_table_is_said_in_words(table: Table) -> None:
    del table

    result = run("explain", FLEET, "--table", "nowhere")

    assert result.exit_code == 1
    assert "there is no table 'nowhere'" in result.output


def test_a_table_of_somebody_else_is_refused(table: Table) -> None:
    del table
    boto3.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    result = run("resume", FLEET, "--table", "other")

    assert result.exit_code == 1
    assert "is no state table of peakfleet" in result.output


def test_the_report_of_a_month_reads_its_decisions(table: Table) -> None:
    decided(table, "2026-10-01T10:00:00+00:00", capacity=1)
    shown = run("report", FLEET, "--table", TABLE, "--month", "2026-10")
    assert shown.exit_code == 0, shown.output
    assert "Decisions are known from 2026-10-01 10:00 UTC on." in shown.output
    assert run("report", FLEET, "--table", TABLE, "--month", "October").exit_code == 2
