from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_cli.operate import FleetRecords, TableError
from peakfleet_planner import Plan, PoolPlan, Reason, SignalState, SignalView, SpendLimitSpec
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec, group

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with account(monkeypatch):
        deploy(fleet_spec())
        yield boto3.resource("dynamodb").Table(TABLE)


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
    return run("hold", FLEET, "--owner", "ana", "--reason", "tests", *more)


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


@pytest.mark.parametrize("command", [["hold", "--reason", "x", "--until", "2h"], ["resume"],
                                     ["release"], ["explain"], ["status"]])  # fmt: skip
def test_a_mistyped_fleet_fails_in_one_line_with_the_nearest_name(
    table: Table, command: list[str]
) -> None:
    result = run(command[0], "Media/Transcde", *command[1:])

    assert result.exit_code == 1
    assert result.stderr == (
        "peakfleet: there is no fleet 'Media/Transcde' in eu-west-1; "
        "did you mean Media/Transcode?\n"
    )
    assert the_hold(table) is None


def test_a_fleet_that_was_just_deployed_can_be_held(table: Table) -> None:
    assert hold("--until", "2h").exit_code == 0
    assert the_hold(table) is not None


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ("2001-01-01", "is not after now"),
        ("tomorrow", "is neither a length such as 30m"),
        ("0h", "is not after now"),
    ],
)
def test_a_hold_needs_an_end_in_the_future(table: Table, until: str, message: str) -> None:
    result = hold("--until", until)

    assert result.exit_code == 2
    assert message in result.output.replace("\n", " ")
    assert the_hold(table) is None


def tags() -> dict[str, str]:
    (found,) = boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


def test_a_hold_is_told_by_the_groups_too_and_ended_there_too(table: Table) -> None:
    group()
    hold("--until", "2h")
    kept = the_hold(table)
    assert kept is not None
    assert tags()["peakfleet:hold"] == f"{kept['until']} ana tests"
    assert run("resume", FLEET).exit_code == 0
    assert "peakfleet:hold" not in tags()


def test_a_fleet_is_held_by_its_groups_while_the_table_cannot_be_used(table: Table) -> None:
    group()
    table.delete()
    said = hold("--until", "2h")
    assert said.exit_code == 0, said.output
    assert "warning: held by less than it should be" in said.output
    assert "ana tests" in tags()["peakfleet:hold"]


def test_what_can_be_written_nowhere_is_no_hold(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.delete()

    def refused(*_: object) -> None:
        raise TableError("not authorised")

    monkeypatch.setattr(FleetRecords, "tag_groups", refused)
    said = hold("--until", "2h")
    assert said.exit_code == 1
    assert "is NOT held" in said.output + said.stderr


def test_resume_ends_the_hold_and_says_whose_it_was(table: Table) -> None:
    hold("--until", "2h")

    result = run("resume", FLEET)

    assert "ana's hold ended (tests)" in result.output
    assert the_hold(table) is None
    assert "is not held" in run("resume", FLEET).output


def test_explain_says_the_newest_decision_in_words(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    decided(table, "2026-03-22T19:05:00+00:00", capacity=3)

    result = run("explain", FLEET)

    assert result.exit_code == 0, result.output
    assert "since 2026-03-22 19:05:00 UTC" in result.output
    assert "Graviton 1 to 3" in result.output
    assert f"{Reason.STEP_LIMITED.words}; {Reason.AT_MAXIMUM.words}" in result.output
    assert "signal jobs: fresh, 140.0 units, 2 samples rejected" in result.output
    assert "34.0 units were wanted and not granted" in result.output


def test_explain_looks_back_to_the_decision_that_stood_at_a_time(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    decided(table, "2026-03-22T19:05:00+00:00", capacity=3)

    result = run("explain", FLEET, "--at", "2026-03-22T19:04Z")

    assert "Graviton 1 to 2" in result.output
    exactly = run("explain", FLEET, "--at", "2026-03-22T19:05:00Z")
    assert "Graviton 1 to 3" in exactly.output


def test_explain_mentions_a_hold_that_stands(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    hold("--until", "2h")

    assert "is held by ana" in run("explain", FLEET).output


def test_a_time_ago_and_a_time_ahead_read_alike(table: Table) -> None:
    before = datetime.now(UTC) - timedelta(minutes=40)
    decided(table, before.isoformat(), capacity=2)

    assert "Graviton 1 to 2" in run("explain", FLEET, "--at", "30m").output
    assert "has no decision up to" in run("explain", FLEET, "--at", "2h").output
    assert hold("--until", "30m").exit_code == 0


def test_every_command_speaks_json(table: Table) -> None:
    decided(table, "2026-03-22T19:05:00+00:00", capacity=3)

    held = json.loads(hold("--until", "2h", "--json").stdout)
    explained = json.loads(run("explain", FLEET, "--json").stdout)
    ended = json.loads(run("resume", FLEET, "--json").stdout)
    released = json.loads(run("release", FLEET, "--json").stdout)

    assert held["hold"] == explained["hold"] == ended["ended"]
    assert explained["decision"]["at"] == "2026-03-22T19:05:00Z"
    assert explained["decision"]["plan"]["pools"][0]["desired_capacity"] == 3
    assert released == {"fleet": FLEET, "released": []}


def test_a_record_of_another_version_is_named(table: Table) -> None:
    table.put_item(
        Item={
            "fleet": FLEET,
            "item": "DECISION#2026-03-22T19:00:00Z",
            "tick": 1,
            "plan": json.dumps({"version": 99}),
        }
    )

    result = run("explain", FLEET)

    assert result.exit_code == 1
    assert "DECISION#2026-03-22T19:00:00Z cannot be read" in result.output


def test_a_missing_table_is_said_in_words(table: Table) -> None:
    table.delete()

    result = run("explain", FLEET)

    assert result.exit_code == 1
    assert "there is no table 'state'" in result.output


def test_a_table_of_somebody_else_is_refused(table: Table) -> None:
    del table
    boto3.client("dynamodb").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    deploy(fleet_spec("Media/Other", table="other"))

    result = run("resume", "Media/Other")

    assert result.exit_code == 1
    assert "is no state table of peakfleet" in result.output


def test_the_report_of_a_month_reads_its_decisions(table: Table) -> None:
    decided(table, "2026-10-01T10:00:00+00:00", capacity=1)
    shown = run("report", FLEET, "--month", "2026-10")
    assert shown.exit_code == 0, shown.output
    assert "Decisions are known from 2026-10-01 10:00:00 UTC on." in shown.output
    said = json.loads(run("report", FLEET, "--month", "2026-10", "--json").stdout)
    assert (said["month"], said["known_from"]) == ("2026-10", "2026-10-01T10:00:00Z")
    assert run("report", FLEET, "--month", "October").exit_code == 2
    assert run("report", FLEET, "--month", "2026-09").exit_code == 1


def test_a_spend_limit_is_lifted_with_owner_reason_and_end_and_put_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with account(monkeypatch):
        spec = fleet_spec()
        pools = tuple(replace(pool, usd_per_capacity_hour=1.0) for pool in spec.pools)
        limits = (SpendLimitSpec(usd_per_hour=3),)
        deploy(replace(spec, pools=pools, spend_limits=limits))
        said = run("spend-override", FLEET, "--owner", "ana", "--reason", "launch", "--until", "2h")
        assert said.exit_code == 0, said.output
        table = boto3.resource("dynamodb").Table(TABLE)
        item = table.get_item(Key={"fleet": FLEET, "item": "SPEND"})["Item"]
        assert (item["owner"], item["reason"]) == ("ana", "launch")
        ended = run("spend-override", FLEET, "--end")
        assert "ana had lifted them (launch)" in ended.output
        assert "nothing was changed" in run("spend-override", FLEET, "--end").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "2h"], "must say why"),
        (["--reason", "launch"], "must say until when"),
        (["--reason", "launch", "--until", "2h"], "has no spend limit"),
    ],
)
def test_nothing_is_lifted_without_reason_end_or_limit(
    table: Table, arguments: list[str], message: str
) -> None:
    result = run("spend-override", FLEET, *arguments)
    assert result.exit_code != 0
    assert message in str(result.exception or "") + result.output
    assert "Item" not in table.get_item(Key={"fleet": FLEET, "item": "SPEND"})


def test_explain_says_what_was_seen_what_was_rejected_and_where_to_read_on(table: Table) -> None:
    decided(table, "2026-03-22T19:00:00+00:00", capacity=2)
    text = run("explain", FLEET, "--why-not").output
    flat = " ".join(text.split())
    assert "signal jobs: fresh, 140.0 units, 2 samples rejected" in flat
    assert "34.0 units were wanted and not granted" in flat
    assert "not larger: the pace of the fleet allows no larger step" in flat
    assert "not smaller: the pace of the fleet allows no larger step" in flat
    assert "docs/reference/reasons.md#at-maximum" in flat
    made = json.loads(run("explain", FLEET, "--json").stdout)["decision"]
    assert made["why_not_larger"] == [Reason.STEP_LIMITED.words, Reason.AT_MAXIMUM.words]
    assert made["inputs"][0].startswith("signal jobs")


def test_explain_goes_back_to_the_last_decision_of_an_hour(table: Table) -> None:
    decided(table, "2026-03-22T19:40:00+00:00", capacity=7)
    item = table.get_item(Key={"fleet": FLEET, "item": "DECISION#2026-03-22T19:40:00Z"})["Item"]
    table.put_item(Item={**item, "item": "DECIDED#2026-03-22T19"})
    table.delete_item(Key={"fleet": FLEET, "item": "DECISION#2026-03-22T19:40:00Z"})
    assert "Graviton 1 to 7" in run("explain", FLEET, "--at", "2026-03-22T21:00Z").output
    assert run("explain", FLEET, "--at", "2026-03-22T19:30Z").exit_code != 0


def shadowed(table: Table) -> None:
    """Put four minutes of decisions in shadow."""
    now = datetime.now(UTC).replace(microsecond=0)
    for minutes in (4, 3, 2, 1):
        at = now - timedelta(minutes=minutes)
        decided(table, at.isoformat(), capacity=2)
        table.update_item(
            Key={"fleet": FLEET, "item": f"DECISION#{at:%Y-%m-%dT%H:%M:%SZ}"},
            UpdateExpression="SET actual = :sizes, actual_units = :units",
            ExpressionAttributeValues={":sizes": {"Graviton": 6}, ":units": 30},
        )


def test_a_shadow_is_shown_beside_what_happened(table: Table) -> None:
    shadowed(table)
    both = json.loads(run("shadow", FLEET, "--since", "1h", "--json").stdout)
    assert both["hours"] == pytest.approx(4 / 60, abs=0.005)
    assert both["happened"]["capacity_hours"] == pytest.approx(3 * both["would"]["capacity_hours"])
    assert both["would"]["unserved_unit_minutes"] == pytest.approx(160, rel=0.05)
    assert both["happened"]["unserved_unit_minutes"] == pytest.approx(40, rel=0.05)
    assert both["would"]["short_minutes"] == pytest.approx(4, rel=0.05)
    assert "would have" in run("shadow", FLEET).output


def test_compare_shows_a_shadow_beside_what_happened_and_draws_it(
    table: Table, tmp_path: Path
) -> None:
    shadowed(table)
    html, json_file = tmp_path / "out.html", tmp_path / "out.json"
    said = run(
        "compare", "--shadow", FLEET, "--since", "1h", "--html", str(html), "--json", str(json_file)
    )
    assert said.exit_code == 0, said.output
    assert "happened" in said.output
    both = json.loads(json_file.read_text())
    assert both["happened"]["most_capacity"] == 6
    page = html.read_text()
    assert f"{FLEET} in shadow" in page
    assert "what happened" in page
    assert "instance-hours" in page


def test_a_recording_is_needed_without_a_shadow_and_only_compare_knows_shadows() -> None:
    assert "--demand is needed" in str(run("compare").exception) + run("compare").output
    refused = run("simulate", "--shadow", FLEET)
    assert "is for `peakfleet compare`" in str(refused.exception) + refused.output


def test_a_fleet_that_never_was_in_shadow_has_nothing_to_show(table: Table) -> None:
    decided(table, datetime.now(UTC).isoformat(), capacity=2)
    assert "decided nothing in shadow" in run("shadow", FLEET).output
