"""`peakfleet peaks`: what a learner found, and what is found in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_planner.forecast import ProposedPeak, ProposedPeaks
from peakfleet_table import PROPOSALS
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec
from tests.learner.patterns import bursts_every_hour

FRIDAY = int(datetime(2027, 3, 5, 20, tzinfo=UTC).timestamp())
WEEK = 7 * 86_400
FOUND = ProposedPeaks(
    learned_at_epoch_seconds=FRIDAY - 86_400,
    minutes=14 * 1440,
    cost_minutes=20_000,
    peaks=(
        ProposedPeak(
            repeats="weekly",
            next_epoch_seconds=FRIDAY,
            lasts_seconds=600,
            units=900,
            seen_epoch_seconds=(FRIDAY - 2 * WEEK, FRIDAY - WEEK),
            possible=2,
            saved_minutes=1500,
            served_units=300,
        ),
    ),
)


@pytest.fixture(name="client")
def _client(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    with account(monkeypatch):
        deploy(fleet_spec())
        yield boto3.client("dynamodb")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["peaks", *arguments])


def test_what_the_learner_found_is_listed_as_code_with_what_it_saves(
    client: DynamoDBClient,
) -> None:
    client.put_item(TableName=TABLE, Item=PROPOSALS.item(FLEET, FOUND))
    said = run(FLEET)
    assert said.exit_code == 0
    assert "every Friday at 20:00" in said.output
    assert "7.5 %" in " ".join(said.output.split())
    assert "start=datetime(2027, 3, 5, 20, 0, tzinfo=UTC)" in said.output
    (peak,) = json.loads(run(FLEET, "--json").output)["peaks"]
    assert (peak["next"], peak["saved_percent"]) == ("2027-03-05T20:00:00Z", 7.5)
    assert peak["seen"] == ["2027-02-19T20:00:00Z", "2027-02-26T20:00:00Z"]


def test_a_learner_that_has_found_nothing_yet_says_what_it_needs(client: DynamoDBClient) -> None:
    del client
    said = run(FLEET)
    assert said.exit_code == 1
    assert "needs two days" in said.output


def test_peaks_of_a_recording_are_those_that_the_fleet_would_be_told(tmp_path: Path) -> None:
    rows = [
        f"{datetime.fromtimestamp(FRIDAY + 60 * at, UTC):%Y-%m-%dT%H:%M:%SZ},{units:.1f}"
        for at, units in enumerate(bursts_every_hour(2.6))
    ]
    file, spec = tmp_path / "demand.csv", tmp_path / "spec.json"
    file.write_text("\n".join(["timestamp_utc,demand", *rows, ""]))
    spec.write_text(json.dumps(fleet_spec().to_json()))
    found = json.loads(run("--demand", str(file), "--spec", str(spec), "--json").output)
    assert [peak["repeats"] for peak in found["peaks"]] == ["hourly"]
    assert run("--demand", str(file)).exit_code != 0
