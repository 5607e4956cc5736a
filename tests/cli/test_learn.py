"""`peakfleet learn`: a recording for a fleet without history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner, Result

from peakfleet_cli.main import app
from peakfleet_planner.forecast import RecordedDemand
from tests.cli.deployed import FLEET, TABLE, account, deploy, fleet_spec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with account(monkeypatch):
        deploy(fleet_spec())
        yield boto3.resource("dynamodb").Table(TABLE)


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    rows = [f"2026-03-0{day + 1}T{at:02}:00:00Z,{at}" for day in range(2) for at in range(24)]
    file = tmp_path / "demand.csv"
    file.write_text("\n".join(["timestamp_utc,demand", *rows, ""]))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["learn", *arguments])


def kept(table: Table) -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(Key={"fleet": FLEET, "item": "DEMAND"}).get(
        "Item"
    )
    return found


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(table: Table, file: Path) -> None:
    said = run(FLEET, "--from", str(file), "--dry-run")
    assert (said.exit_code, kept(table)) == (0, None)
    assert "would begin with" in said.output
    assert "nothing was written" in said.output


def test_a_recording_is_written_for_the_next_lesson(table: Table, file: Path) -> None:
    said = run(FLEET, "--from", str(file), "--json")
    written = kept(table)
    assert written is not None
    recorded = RecordedDemand.unpacked(str(written["packed"]))
    document = json.loads(said.output)
    assert document["written"] is True
    assert document["highest_units"] == max(recorded.values)
    assert document["days"] == pytest.approx(len(recorded.values) / 1440, abs=0.01)


def test_a_fleet_that_does_not_learn_is_given_no_recording(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    spec = fleet_spec()
    slow = replace(spec.pools[0], boot_seconds=4000)
    with account(monkeypatch):
        deploy(replace(spec, pools=(slow,)))
        said = run(FLEET, "--from", str(file))
    assert said.exit_code != 0
    assert "boots for longer than 50 minutes" in said.output


def test_a_recording_that_is_too_short_says_so(table: Table, tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text("timestamp_utc,demand\n2026-03-01T00:00:00Z,1\n2026-03-01T00:01:00Z,2\n")
    said = run(FLEET, "--from", str(short))
    assert "must have 1 to 14 days" in said.output
    assert kept(table) is None
