"""Recorded Spot, as the benchmarks replay it."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recorded import processes, recordings, spot_scenario
from benchmarks.spot import Outcome, outcome, pools
from peakfleet_sim import Demand, World, live_spec

NAME = "availability__4-node__aws-01-01-2023__zone_chip_1.json.gz"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return six hours in which four nodes become none, and come back."""
    nodes = [4] * 24 + [0] * 12 + [4] * 36
    document = {"metadata": {"gap_seconds": 300}, "data": nodes}
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    return path


def test_the_most_of_a_recording_stands_for_a_hundred_instances(recording: Path) -> None:
    spot = spot_scenario({"Spot": recording}).pools["Spot"]
    assert [spot.most_at(minute) for minute in (0, 119, 120, 180)] == [100, 100, 0, 100]


def test_recordings_are_those_of_the_folder_that_the_environment_names(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PEAKFLEET_SPOT", str(recording.parent))
    assert recordings() == [recording]
    monkeypatch.setenv("PEAKFLEET_SPOT", str(recording.parent / "none"))
    with pytest.raises(SystemExit, match="PEAKFLEET_SPOT must name a folder"):
        recordings()


def test_the_environment_bounds_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PEAKFLEET_JOBS", raising=False)
    assert processes() is None
    monkeypatch.setenv("PEAKFLEET_JOBS", "1")
    assert processes() == 1


def test_spot_before_on_demand_costs_less_and_serves_far_better_than_spot_only(
    recording: Path,
) -> None:
    demand = Demand(name="test", start=datetime(2026, 3, 1, tzinfo=UTC), units=np.full(360, 40.0))
    spot, sure = pools(0.7)
    scenario = spot_scenario({spot.name: recording})
    spec = live_spec(World(baseline_units=10))

    def found(*ladder: str) -> Outcome:
        chosen = tuple(pool for pool in (spot, sure) if pool.name in ladder)
        return outcome(demand, replace(spec, pools=chosen), scenario)

    both, dear, cheap = found("Spot", "OnDemand"), found("OnDemand"), found("Spot")
    assert both.usd < 0.7 * dear.usd
    assert both.missed < dear.missed + 0.02
    assert cheap.missed > 0.15
    assert cheap.asked_per_hour <= 10
    assert dear.asked_per_hour == 0
