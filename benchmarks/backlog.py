"""How close each policy comes to perfect foresight where work may wait, on recorded traces.

Run: `PEAKFLEET_TRACES=folder python -m benchmarks.backlog [--policies NAME ...]
[--traces NAME ...] [--days 5] [--foresight]`

Each file of the folder (`timestamp_utc,demand`, .csv.gz) is scaled as `benchmarks/foresight.py`
scales it: the company's own side carries its median, the 99.9th percentile of what is above needs
100 instances. The last days count, but for the first four hours. An item keeps a unit busy for a
minute, and is late after the deadline. Target tracking and KEDA follow the backlog per instance
that the EC2 Auto Scaling guide describes; the number after the colon is the share of the deadline
that they take for the acceptable latency. KEDA sees the queue without CloudWatch's delay. J is
what a policy paid and what was late, in instance-minutes, over the same of the optimum, a linear
program, which takes most of the time: about ten seconds for each trace and setting.

With `--foresight`: what fleets whose work may not wait for new capacity pay, and what is late, with
foresight over without, on two days after two that are learned from.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

from peakfleet_sim import Comparison, Outcome, Queue, World, load_demand, scale_to, score
from peakfleet_sim.replay import choose

MINUTES_PER_DAY = 1440
HISTORY_MINUTES = 240
PEAK_INSTANCES = 100
TRACES = (
    "aws_elb_requests",
    "isp_eu_transatlantic",
    "llm_servegen_mid",
    "nyc_taxi",
    "twitter_stream_2021",
    "worldcup98_requests",
)
POLICIES = (
    "peakfleet",
    *(f"{name}:{at}" for name in ("target-tracking", "keda") for at in (0.5, 0.7, 0.9)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How long a boot takes, and how long work may take."""

    boot_minutes: int
    deadline_minutes: int

    def __str__(self) -> str:
        return f"boot {self.boot_minutes} min, {self.deadline_minutes} min to finish"


SETTINGS = tuple(
    Setting(boot_minutes=boot, deadline_minutes=deadline)
    for boot in (3, 10)
    for deadline in (5, 10, 60)
)


TIGHT = tuple(
    Setting(boot_minutes=boot, deadline_minutes=deadline)
    for boot, deadline in ((3, 1), (3, 2), (10, 5), (10, 8))
)
TIGHT_DAYS = 2


def main() -> None:
    """Print a table for each setting: the mean J of each policy, and J, cost and late share."""
    wishes = _wishes()
    files = _traces(wishes.traces)
    if wishes.foresight:
        _compare_foresight(files)
        return
    work = [(path, setting, wishes) for setting in SETTINGS for path in files]
    with ProcessPoolExecutor() as pool:
        found = iter(pool.map(_outcomes, work))
        for setting in SETTINGS:
            _print(setting, files, [next(found) for _ in files], wishes.policies)


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--policies", nargs="*", default=list(POLICIES), help="as keda:0.7")
    parser.add_argument("--traces", nargs="*", default=list(TRACES), help="these, without .csv.gz")
    parser.add_argument("--days", type=int, default=5, help="how many of the last days count")
    parser.add_argument("--foresight", action="store_true", help="against the reactive rule")
    return parser.parse_args()


def _compare_foresight(files: Sequence[Path]) -> None:
    work = [(path, setting) for path in files for setting in TIGHT]
    with ProcessPoolExecutor() as pool:
        for (path, setting), ratio in zip(work, pool.map(_foresight_ratio, work), strict=True):
            _say(f"{path.name.removesuffix('.csv.gz'):28}{setting!s:36}{ratio:8.2f}")


def _foresight_ratio(work: tuple[Path, Setting]) -> float:
    path, setting = work
    comparison = _comparison(path, setting, days=2 * TIGHT_DAYS)
    policy = comparison.peakfleet_policy()
    first = TIGHT_DAYS * MINUTES_PER_DAY
    paid = []
    for foresight in (True, False):
        run = comparison.replay(replace(policy, foresight=foresight))
        late = run.unserved_units[first:].sum() / run.world.units_per_instance
        paid.append(float(run.billed_instances[first:].sum() + run.world.unserved_cost * late))
    return paid[0] / paid[1]


def _traces(names: Sequence[str]) -> list[Path]:
    folder = os.environ.get("PEAKFLEET_TRACES")
    files = [Path(folder) / f"{name}.csv.gz" for name in names] if folder else []
    if not files or not all(path.exists() for path in files):
        sys.exit(
            f"PEAKFLEET_TRACES must name a folder with {', '.join(names)} as .csv.gz, got "
            f"{folder!r}; python -m benchmarks.traces FOLDER downloads public ones"
        )
    return files


def _outcomes(work: tuple[Path, Setting, argparse.Namespace]) -> Mapping[str, Outcome]:
    path, setting, wishes = work
    comparison = _comparison(path, setting, days=wishes.days)
    optimum = comparison.optimum()
    found = {}
    for name in wishes.policies:
        choice = choose(name)
        least = choice.kind.least_instances
        fair = replace(comparison, world=replace(comparison.world, min_instances=least))
        found[name] = score(choice.run(fair, own_delays=True), optimum=optimum)
    return found


def _comparison(path: Path, setting: Setting, *, days: int) -> Comparison:
    recorded = load_demand(path)
    last = recorded.units[-days * MINUTES_PER_DAY :]
    start = recorded.timestamp(recorded.minutes - len(last))
    scaled = scale_to(replace(recorded, units=last, start=start), peak_burst_units=PEAK_INSTANCES)
    return Comparison(
        demand=replace(scaled.demand, history_minutes=HISTORY_MINUTES),
        world=World(baseline_units=scaled.baseline_units, boot_seconds=60 * setting.boot_minutes),
        queue=Queue(seconds_per_item=60, deadline_seconds=60 * setting.deadline_minutes),
    )


def _print(
    setting: Setting,
    files: Sequence[Path],
    found: Sequence[Mapping[str, Outcome]],
    policies: Sequence[str],
) -> None:
    names = [path.name.removesuffix(".csv.gz") for path in files]
    _say(f"\n{setting!s:36}{'mean J':>8}" + "".join(f"{name:>26}" for name in names))
    for policy in policies:
        outcomes = [one[policy] for one in found]
        scores = [outcome.score or 1.0 for outcome in outcomes]
        mean = exp(sum(map(log, scores)) / len(scores))
        cells = (
            f"{outcome.score or 1.0:.3f} ({outcome.cost_ratio or 1.0:.2f}, "
            f"{outcome.unserved_percent:.1f} % late)"
            for outcome in outcomes
        )
        _say(f"{policy:36}{mean:8.3f}" + "".join(f"{cell:>26}" for cell in cells))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
