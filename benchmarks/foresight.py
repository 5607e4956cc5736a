"""How close each policy comes to perfect foresight, on every recorded trace.

Run: `PEAKFLEET_TRACES=folder python benchmarks/foresight.py [--peers | --policies NAME ...]
[--traces NAME ...]`

Each file of the folder (`timestamp_utc,demand`, .csv.gz) is scaled so that the company's own
side carries its median and the 99.9th percentile of what is above needs 100 instances; at most
the last 49 days count, and the first week (at most a third) is history only. J is what a policy
paid and missed, in instance-minutes, over the same of the clairvoyant optimum; the table shows
its geometric mean over the traces. With `--peers` every peer runs at each of its settings: the
table has it at its default and at the best single setting for all traces, and policies that
read their metric from the source see it without CloudWatch's delay. That takes hours of
processor time; without it only peakfleet and target tracking run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

from peakfleet_sim import Contest, Demand, World, load_demand, scale_to, score
from peakfleet_sim.policies import KINDS, choose

DAYS, MINUTES_PER_DAY = 49, 1440
PEAK_INSTANCES = 100
HISTORY_SHARE = 0.33
TARGETS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PENALTIES = (5, 10, 30, 100, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the promise: how long a boot and a metric take."""

    boot_minutes: int
    delay_minutes: int

    def __str__(self) -> str:
        return f"boot {self.boot_minutes} min, delay {self.delay_minutes} min"


SETTINGS = (
    Setting(boot_minutes=3, delay_minutes=1),
    Setting(boot_minutes=3, delay_minutes=0),
    Setting(boot_minutes=10, delay_minutes=1),
)


def main() -> None:
    """Print one table of all policies and settings, then one of every trace."""
    wishes = _wishes()
    policies = tuple(wishes.policies or _policies(peers=wishes.peers))
    files = [path for path in _traces() if not wishes.traces or path.name in wishes.traces]
    work = [(path, setting, policies) for path in files for setting in SETTINGS]
    scores: defaultdict[tuple[Setting, str], dict[str, float]] = defaultdict(dict)
    with ProcessPoolExecutor() as pool:
        for (path, setting, _), found in zip(work, pool.map(_scores, work), strict=True):
            for policy, value in found.items():
                scores[setting, policy][path.name] = value
            sys.stderr.write(f"{path.name}, {setting}: done\n")
    _print_means(scores, policies)
    if "peakfleet" in policies and len(policies) > 1:
        _print_traces(scores, [path.name for path in files])


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="every peer at every setting")
    parser.add_argument("--policies", nargs="*", default=[], help="only these, as keda:0.9")
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    return parser.parse_args()


def _traces() -> list[Path]:
    folder = os.environ.get("PEAKFLEET_TRACES")
    files = sorted(Path(folder).glob("*.csv.gz")) if folder else []
    if not files:
        sys.exit(
            f"PEAKFLEET_TRACES must name a folder of .csv.gz demand files, got {folder!r}; "
            "python benchmarks/traces.py FOLDER downloads public ones"
        )
    return files


def _policies(*, peers: bool) -> Iterator[str]:
    yield from ("peakfleet", "target-tracking:0.7", "target-tracking:0.9")
    if not peers:
        return
    for kind in KINDS.values():
        if kind.name in {"peakfleet", "optimum"}:
            continue
        for setting in PENALTIES if kind.name == "lcp" else TARGETS:
            yield f"{kind.name}:{setting:g}"


def _scores(work: tuple[Path, Setting, tuple[str, ...]]) -> Mapping[str, float]:
    path, setting, policies = work
    contest = _contest(load_demand(path), setting)
    optimum = contest.optimum()
    found = {}
    for name in policies:
        choice = choose(name)
        least = choice.kind.least_instances
        fair = replace(contest, world=replace(contest.world, min_instances=least))
        outcome = score(choice.run(fair, own_delays=True), optimum=optimum)
        if outcome.score is not None:
            found[name] = outcome.score
    return found


def _contest(recorded: Demand, setting: Setting) -> Contest:
    last = recorded.units[-DAYS * MINUTES_PER_DAY :]
    start = recorded.timestamp(recorded.minutes - len(last))
    recent = replace(recorded, units=last, start=start)
    scaled = scale_to(recent, peak_burst_units=PEAK_INSTANCES)
    history = int(min(7 * MINUTES_PER_DAY, HISTORY_SHARE * recent.minutes) // 60 * 60)
    return Contest(
        demand=replace(scaled.demand, history_minutes=history),
        world=World(
            baseline_units=scaled.baseline_units,
            boot_seconds=60 * setting.boot_minutes,
            metric_delay_seconds=60 * setting.delay_minutes,
        ),
    )


def _print_means(
    scores: Mapping[tuple[Setting, str], Mapping[str, float]], policies: Sequence[str]
) -> None:
    _say(f"{'geometric mean of J':28}" + "".join(f"{setting!s:>24}" for setting in SETTINGS))
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for policy in dict.fromkeys(policies):
        kinds[policy.partition(":")[0]].append(policy)
    for kind, variants in kinds.items():
        cells = []
        for setting in SETTINGS:
            means = {policy: _mean(scores[setting, policy]) for policy in variants}
            best = min(means, key=means.__getitem__)
            usual = means.get(f"{kind}:0.7")
            note = best.partition(":")[2]
            at_default = "" if usual is None else f", 0.7: {usual:.3f}"
            cells.append(f"{means[best]:.3f}" + (f" at {note}{at_default}" if note else ""))
        _say(f"{kind:28}" + "".join(f"{cell:>24}" for cell in cells))


def _print_traces(
    scores: Mapping[tuple[Setting, str], Mapping[str, float]], names: Sequence[str]
) -> None:
    _say(f"\n{'J of peakfleet / best peer':36}" + "".join(f"{s!s:>24}" for s in SETTINGS))
    for name in names:
        cells = []
        for setting in SETTINGS:
            ours = scores[setting, "peakfleet"][name]
            peers = {
                policy: found[name]
                for (at, policy), found in scores.items()
                if at == setting and policy != "peakfleet"
            }
            best = min(peers, key=peers.__getitem__)
            cells.append(f"{ours:.3f} / {peers[best]:.3f} {best[:9]}")
        _say(f"{name:36}" + "".join(f"{cell:>24}" for cell in cells))


def _mean(values: Mapping[str, float]) -> float:
    return exp(sum(map(log, values.values())) / len(values))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
