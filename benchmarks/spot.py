"""What a ladder of Spot before on-demand saves, on recorded demand and recorded availability.

Run: `PEAKFLEET_TRACES=folder PEAKFLEET_SPOT=folder python -m benchmarks.spot [--discount 0.7]
[--traces NAME ...] [--days 49]`

Each demand file (`timestamp_utc,demand`, .csv.gz) is scaled as in `benchmarks/foresight.py`; each
recording (`availability__*.json.gz` of github.com/skypilot-org/spot-traces) says when Spot could be
had, scaled so that its most is 100 instances. The same production code sizes three fleets: Spot
before on-demand, on-demand only, and Spot only. The table has, for each recording, the geometric
mean over all demand files of the cost against on-demand only, the mean share of burst that was not
served, and the requests for Spot in an hour. A Spot instance costs the share `1 - discount` of an
on-demand one.

PEAKFLEET_JOBS bounds the processes; default: one per core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

from benchmarks.recorded import processes, recordings, scaled, spot_scenario, traces
from peakfleet_planner import FleetSpec, PoolSpec
from peakfleet_sim import Demand, World, live_spec
from peakfleet_sim.replay import replay_fleet
from peakfleet_sim.world import Scenario

BOTH, SURE, SPOT = "Spot before on-demand", "on-demand only", "Spot only"
MOST_INSTANCES = 200
MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one fleet did on one demand file.

    Args:
        usd: What it cost, an on-demand instance-hour being one dollar.
        missed: Share of the burst that was not served.
        asked_per_hour: Requests for Spot.
    """

    usd: float
    missed: float
    asked_per_hour: float


def main() -> None:
    """Print one row for each recording and fleet."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--discount", type=float, default=0.7, help="of Spot; default 0.7")
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    parser.add_argument("--days", type=int, default=49, help="the last days of each; default 49")
    wishes = parser.parse_args()
    files = [path for path in traces() if not wishes.traces or path.name in wishes.traces]
    found_recordings = recordings()
    work = [(path, tuple(found_recordings), wishes.discount, wishes.days) for path in files]
    found: list[Mapping[tuple[str, str], Outcome]] = []
    with ProcessPoolExecutor(processes()) as pool:
        for path, outcomes in zip(files, pool.map(_outcomes, work), strict=True):
            found.append(outcomes)
            sys.stderr.write(f"{path.name}: done\n")
    _say(f"{'recording':44} {'fleet':22} {'cost':>6} {'unserved':>9} {'asked/h':>8}")
    for recording in found_recordings:
        for fleet in (BOTH, SURE, SPOT):
            _say(_row(recording, fleet, found))


def _row(recording: Path, fleet: str, found: list[Mapping[tuple[str, str], Outcome]]) -> str:
    rows = [outcomes[recording.name, fleet] for outcomes in found]
    dear = [outcomes[recording.name, SURE] for outcomes in found]
    ratios = [max(row.usd, 1e-9) / sure.usd for row, sure in zip(rows, dear, strict=True)]
    cost = exp(sum(map(log, ratios)) / len(ratios))
    missed = sum(row.missed for row in rows) / len(rows)
    asked = max(row.asked_per_hour for row in rows)
    name = recording.name.removeprefix("availability__").removesuffix(".json.gz")
    return f"{name:44} {fleet:22} {cost:6.2f} {missed:9.2%} {asked:8.1f}"


def _outcomes(
    work: tuple[Path, tuple[Path, ...], float, int],
) -> Mapping[tuple[str, str], Outcome]:
    """Return what each fleet did in each recording; on-demand never meets any."""
    trace, recorded, discount, days = work
    demand, baseline_units = scaled(trace, days=days)
    spot, sure = pools(discount)
    fleet = replace(live_spec(World(baseline_units=baseline_units)), pools=(sure,))
    without = outcome(demand, fleet, Scenario())
    found = {}
    for recording in recorded:
        scenario = spot_scenario({spot.name: recording})
        found[recording.name, SURE] = without
        for name, ladder in ((BOTH, (spot, sure)), (SPOT, (spot,))):
            found[recording.name, name] = outcome(demand, replace(fleet, pools=ladder), scenario)
    return found


def outcome(demand: Demand, fleet: FleetSpec, scenario: Scenario) -> Outcome:
    """Return what *fleet* did with *demand* in *scenario*."""
    replayed = replay_fleet(demand, fleet, scenario=scenario)
    scored = slice(demand.history_minutes, None)
    requests = sum(pool.requests for pool in replayed.pools if pool.spec.name == "Spot")
    burst = float(replayed.burst_units[scored].sum())
    return Outcome(
        usd=replayed.usd or 0.0,
        missed=float(replayed.unserved_units[scored].sum()) / max(1e-9, burst),
        asked_per_hour=requests / (demand.minutes / MINUTES_PER_HOUR),
    )


def pools(discount: float) -> tuple[PoolSpec, PoolSpec]:
    """Return a Spot pool and an on-demand one of the same instances."""
    sure = PoolSpec(
        name="OnDemand",
        group="on-demand",
        units_per_capacity=1,
        max_capacity=MOST_INSTANCES,
        usd_per_capacity_hour=1.0,
    )
    spot = replace(
        sure, name="Spot", group="spot", purchase="spot", usd_per_capacity_hour=1 - discount
    )
    return spot, sure


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
