"""Recorded demand as the benchmarks scale it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from peakfleet_sim.demand import Demand, load_demand, scale_to
from peakfleet_sim.world import PoolScenario, Scenario, load_availability

DAYS, MINUTES_PER_DAY = 49, 1440
PEAK_INSTANCES = 100
HISTORY_SHARE = 0.33


def traces() -> list[Path]:
    """Return the demand files of the folder that PEAKFLEET_TRACES names; exit if there are none."""
    folder = os.environ.get("PEAKFLEET_TRACES")
    files = sorted(Path(folder).glob("*.csv.gz")) if folder else []
    if not files:
        sys.exit(
            f"PEAKFLEET_TRACES must name a folder of .csv.gz demand files, got {folder!r}; "
            "python -m benchmarks.traces FOLDER downloads public ones"
        )
    return files


def recordings() -> list[Path]:
    """Return the recordings of the folder that PEAKFLEET_SPOT names; exit if there are none.

    They are the files `availability__*.json.gz` of github.com/skypilot-org/spot-traces.
    """
    folder = os.environ.get("PEAKFLEET_SPOT")
    files = sorted(Path(folder).glob("availability__*.json.gz")) if folder else []
    if not files:
        sys.exit(
            f"PEAKFLEET_SPOT must name a folder of availability__*.json.gz recordings, got "
            f"{folder!r}; they are in github.com/skypilot-org/spot-traces"
        )
    return files


def processes() -> int | None:
    """Return how many processes PEAKFLEET_JOBS allows; None, which is one per core, without it."""
    wanted = os.environ.get("PEAKFLEET_JOBS")
    return int(wanted) if wanted else None


def spot_scenario(recorded: Mapping[str, Path]) -> Scenario:
    """Return the scenario in which each pool finds what was recorded.

    The most that a recording has, as its name says, stands for 100 instances.

    Args:
        recorded: Recordings by pool.
    """
    pools = {}
    for pool, recording in recorded.items():
        nodes = int(recording.name.split("__")[1].removesuffix("-node"))
        available = load_availability(recording, instances_per_node=PEAK_INSTANCES / nodes)
        pools[pool] = PoolScenario(available=available)
    return Scenario(pools=pools)


def scaled(path: Path, *, days: int = DAYS) -> tuple[Demand, float]:
    """Return the last days of a file, and the baseline that carries their median.

    The 99.9th percentile of what is above needs 100 units. The first week, at most a third, is
    history only.

    Args:
        path: The file.
        days: How many days. Default: 49.
    """
    recorded = load_demand(path)
    last = recorded.units[-days * MINUTES_PER_DAY :]
    start = recorded.timestamp(recorded.minutes - len(last))
    recent = replace(recorded, units=last, start=start)
    found = scale_to(recent, peak_burst_units=PEAK_INSTANCES)
    history = int(min(7 * MINUTES_PER_DAY, HISTORY_SHARE * recent.minutes) // 60 * 60)
    return replace(found.demand, history_minutes=history), found.baseline_units
