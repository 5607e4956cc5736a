"""How fast the simulator is, and where its time goes. Run: `python -m benchmarks.simulate`.

Replays 7 days of one-minute demand through every policy; a recorded file can be named instead of
the generated one. `peakfleet` is replayed twice: at once, as `peakfleet simulate` does, and tick
by tick, as it does where a page with the reasons is asked for. Then it profiles the ticks: each
row is the share of the time spent in the code of one module itself, which a profiler makes
slower than it is, so shares count and not seconds. `--months` replays 88 days of the generated
demand through 9 policies next to each other, as `peakfleet simulate` does; `--large` finds perfect
foresight for 100,000 instances over as many days.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from peakfleet_sim import Comparison, Demand, Run, World, load_demand, scale_to
from peakfleet_sim.replay import KINDS, choose, foreseen

DAYS = 7
MINUTES_PER_DAY = 1440
PEAK_INSTANCES = 100
MODULES_SHOWN = 8
TARGET_SECONDS = 1.5
MONTHS_DAYS = 88
MONTHS_TARGET_SECONDS = 60
LARGE_INSTANCES = 100_000


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path, nargs="?", help="recorded demand")
    parser.add_argument("--months", action="store_true", help="88 days through 9 policies")
    parser.add_argument("--large", action="store_true", help="the optimum of 100,000 instances")
    asked = parser.parse_args()
    if asked.months:
        _months()
    elif asked.large:
        _large()
    else:
        _week(asked.file)


def _week(file: Path | None) -> None:
    """Print the time of each policy, then the profile of ours."""
    comparison = _comparison(file)
    demand = comparison.demand
    _say(f"{demand.name}: {demand.minutes:,} minutes, {demand.minutes / MINUTES_PER_DAY:.1f} days")
    runs = {name: partial(choose(name).run, comparison) for name in KINDS}
    for name, run in {"peakfleet, at once": partial(foreseen, comparison), **runs}.items():
        seconds = _seconds(run)
        aim = f"   to reach: {TARGET_SECONDS:g} s" if name == "peakfleet, at once" else ""
        _say(f"{name:20} {seconds:6.2f} s {1e6 * seconds / demand.minutes:7.0f} us/minute{aim}")
    _say("\npeakfleet, by module:")
    for module, share in _shares(partial(choose("peakfleet").run, comparison)):
        _say(f"{share:6.1%}  {module}")


def _months() -> None:
    """Print how long the generated months take through nine policies, in processes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "months.csv"
        demand = _generated(MONTHS_DAYS)
        rows = (
            f"{demand.timestamp(at):%Y-%m-%dT%H:%MZ},{one}" for at, one in enumerate(demand.units)
        )
        file.write_text("\n".join(["timestamp_utc,demand", *rows]))
        policies = [f"--policy={name}" for name in KINDS if name != "optimum"]
        code = "from peakfleet_cli.main import app; app()"
        command = [sys.executable, "-c", code, "simulate", f"--demand={file}"]
        began = time.perf_counter()
        command += ["--baseline-units=120", *policies]
        subprocess.run(command, check=True)  # noqa: S603  our own
        seconds = time.perf_counter() - began
    _say(f"{MONTHS_DAYS} days x {len(policies)} policies: {seconds:.0f} s")
    _say(f"to reach: {MONTHS_TARGET_SECONDS} s")


def _large() -> None:
    """Print the time and the memory of this process that perfect foresight takes."""
    generated = _generated(MONTHS_DAYS)
    demand = replace(generated, units=generated.units * (LARGE_INSTANCES / generated.units.max()))
    world = World(max_instances=LARGE_INSTANCES)
    seconds = _seconds(Comparison(demand=demand, world=world).optimum)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _say(f"{LARGE_INSTANCES:,} instances, {MONTHS_DAYS} days: {seconds:.1f} s, {mebibytes:.0f} MiB")


def _comparison(path: Path | None) -> Comparison:
    """Return demand whose cloud part peaks at 100 instances above its median."""
    scaled = scale_to(
        _generated() if path is None else load_demand(path), peak_burst_units=PEAK_INSTANCES
    )
    minutes = min(scaled.demand.minutes, DAYS * MINUTES_PER_DAY)
    demand = replace(scaled.demand, units=scaled.demand.units[:minutes].copy())
    return Comparison(demand=demand, world=World(baseline_units=scaled.baseline_units))


def _generated(days: int = DAYS) -> Demand:
    """Return a day that repeats, with noise that has a memory."""
    minutes = np.arange(days * MINUTES_PER_DAY)
    noise = np.random.default_rng(0).standard_normal(len(minutes)).cumsum()
    drift = noise - np.convolve(noise, np.ones(601) / 601, "same")
    day = 1 + np.sin(2 * np.pi * minutes / MINUTES_PER_DAY) ** 3
    units = np.maximum(0.0, 100 * day + drift)
    return Demand(name="generated week", start=datetime(2026, 3, 2, tzinfo=UTC), units=units)


def _seconds(work: Callable[[], Run]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _shares(work: Callable[[], Run]) -> list[tuple[str, float]]:
    """Return how much of the time each module takes itself, the most first."""
    profile = cProfile.Profile()
    profile.runcall(work)
    stats = pstats.Stats(profile).get_stats_profile()
    own: defaultdict[str, float] = defaultdict(float)
    for function in stats.func_profiles.values():
        parts = Path(function.file_name).parts[-2:]
        own["built-in functions" if function.file_name == "~" else "/".join(parts)] += (
            function.tottime
        )
    total = sum(own.values())
    most = sorted(own.items(), key=itemgetter(1), reverse=True)[:MODULES_SHOWN]
    return [(module, seconds / total) for module, seconds in most]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
