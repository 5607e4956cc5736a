"""How close each policy comes to perfect foresight, on every recorded trace.

Run: `PEAKFLEET_TRACES=folder python benchmarks/foresight.py [--peers | --policies NAME ...]
[--traces NAME ...] [--same-delay]`

Each file of the folder (`timestamp_utc,demand`, .csv.gz) is scaled so that the company's own
side carries its median and the 99.9th percentile of what is above needs 100 instances; at most
the last 49 days count, and the first week (at most a third) is history only. J is what a policy
paid and missed, in instance-minutes, over the same of the clairvoyant optimum, which has no warm
pool; the first table has its geometric mean. With `--peers` every peer runs, at its default and
at its best single setting for all traces; those that read their metric from the source see it
without CloudWatch's delay, unless `--same-delay` is given. In warm columns each peer has the best
single pool for all traces too: of several sizes that are refilled (`+10`), and of several where
what is let go waits, so that as many serve or wait together (`+40r`). Peakfleet plans its own,
where what is let go waits. The last table has how often demand came above its forecast.
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

from peakfleet_learner import GRADED_QUANTILES, Learner
from peakfleet_sim import (
    Comparison,
    Demand,
    WarmPoolSpec,
    World,
    live_spec,
    load_demand,
    scale_to,
    score,
)
from peakfleet_sim.replay import KINDS, Choice, choose

DAYS, MINUTES_PER_DAY = 49, 1440
PEAK_INSTANCES = 100
HISTORY_SHARE = 0.33
TARGETS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PENALTIES = (5, 10, 30, 100, 300)
WARM_TARGETS = (0.7, 0.8, 0.9, 1.0)
WARM_PENALTIES = (30, 100, 300)
WARM_POOLS = {
    **{f"+{size}": WarmPoolSpec(instances=size) for size in (5, 10, 20)},
    **{f"+{size}r": WarmPoolSpec(instances=size, reuse=True) for size in (20, 40, 70)},
}
"""What peers are tried with; others were worse for every peer that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the promise: how long a boot and a metric take, and whether anything waits."""

    boot_minutes: int
    delay_minutes: int
    warm: bool = False

    def __str__(self) -> str:
        waits = ", warm" if self.warm else ""
        return f"boot {self.boot_minutes}, delay {self.delay_minutes} min{waits}"


SETTINGS = (
    Setting(boot_minutes=3, delay_minutes=1),
    Setting(boot_minutes=3, delay_minutes=0),
    Setting(boot_minutes=10, delay_minutes=1),
    Setting(boot_minutes=3, delay_minutes=1, warm=True),
    Setting(boot_minutes=3, delay_minutes=0, warm=True),
)


def main() -> None:
    """Print one table of all policies and settings, then one of every trace."""
    wishes = _wishes()
    policies = tuple(wishes.policies or _policies(peers=wishes.peers))
    files = [path for path in traces() if not wishes.traces or path.name in wishes.traces]
    boots = sorted({setting.boot_minutes for setting in SETTINGS})
    own = not wishes.same_delay
    work = [(path, boot_minutes, policies, own) for path in files for boot_minutes in boots]
    misses: dict[str, tuple[float, ...]] = {}
    scores: defaultdict[tuple[Setting, str], dict[str, float]] = defaultdict(dict)
    with ProcessPoolExecutor() as pool:
        for (path, boot_minutes, *_), found in zip(work, pool.map(_scores, work), strict=True):
            for (setting, policy), value in found.items():
                scores[setting, policy][path.name] = value
            sys.stderr.write(f"{path.name}, boot {boot_minutes} min: done\n")
        if "peakfleet" in policies:
            misses = dict(zip((path.name for path in files), pool.map(_misses, files), strict=True))
    best = _print_means(scores)
    if "peakfleet" in policies and len(policies) > 1:
        _print_traces(scores, best, [path.name for path in files])
    if misses:
        _print_misses(misses)


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="every peer at every setting")
    parser.add_argument("--policies", nargs="*", default=[], help="only these, as keda:0.9")
    parser.add_argument("--same-delay", action="store_true", help="the delay is every policy's")
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    return parser.parse_args()


def traces() -> list[Path]:
    """Return the recorded traces; the program ends if there are none."""
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


def _scores(
    work: tuple[Path, int, tuple[str, ...], bool],
) -> Mapping[tuple[Setting, str], float]:
    """Return J of each policy in each setting with these boots; equal worlds are replayed once."""
    path, boot_minutes, policies, own_delays = work
    demand, found = load_demand(path), {}
    known: dict[tuple[str, int], float | None] = {}
    for setting in (one for one in SETTINGS if one.boot_minutes == boot_minutes):
        comparison = comparison_of(demand, setting)
        optimum = comparison.optimum()
        for name in policies:
            choice = choose(name)
            delay = 0 if own_delays and choice.kind.sees_at_once else setting.delay_minutes
            for label, pool in _warm_pools(choice, setting):
                if (label, delay) not in known:
                    world = replace(
                        comparison.world, min_instances=choice.kind.least_instances, warm_pool=pool
                    )
                    run = choice.run(replace(comparison, world=world), own_delays=own_delays)
                    known[label, delay] = score(run, optimum=optimum).score
                value = known[label, delay]
                if value is not None:
                    found[setting, label] = value
    return found


def _warm_pools(choice: Choice, setting: Setting) -> Iterator[tuple[str, WarmPoolSpec]]:
    if not setting.warm:
        yield choice.asked, WarmPoolSpec()
    elif choice.kind.name == "peakfleet":
        yield "peakfleet+auto", WarmPoolSpec(auto=True, reuse=True)
    elif choice.setting in (WARM_PENALTIES if choice.kind.name == "lcp" else WARM_TARGETS):
        yield from ((f"{choice.asked}{label}", pool) for label, pool in WARM_POOLS.items())


def _misses(path: Path) -> tuple[float, ...]:
    comparison = comparison_of(load_demand(path), SETTINGS[0])
    learner = Learner(
        live_spec(comparison.world), metric_delay_minutes=comparison.world.metric_delay_minutes
    )
    start = comparison.demand.start_epoch_seconds
    units = enumerate(comparison.demand.units.tolist())
    learner.advance(tuple((start + 60 * minute, value) for minute, value in units))
    model = learner.model()
    return model.grade.miss_shares if model else ()


def comparison_of(recorded: Demand, setting: Setting) -> Comparison:
    """Return a recorded trace, scaled, in the world of a setting."""
    last = recorded.units[-DAYS * MINUTES_PER_DAY :]
    start = recorded.timestamp(recorded.minutes - len(last))
    recent = replace(recorded, units=last, start=start)
    scaled = scale_to(recent, peak_burst_units=PEAK_INSTANCES)
    history = int(min(7 * MINUTES_PER_DAY, HISTORY_SHARE * recent.minutes) // 60 * 60)
    return Comparison(
        demand=replace(scaled.demand, history_minutes=history),
        world=World(
            baseline_units=scaled.baseline_units,
            boot_seconds=60 * setting.boot_minutes,
            metric_delay_seconds=60 * setting.delay_minutes,
        ),
    )


def _print_means(
    scores: Mapping[tuple[Setting, str], Mapping[str, float]],
) -> Mapping[tuple[Setting, str], str]:
    """Print the table of means; return the best variant of each kind of policy."""
    _say(f"{'geometric mean of J':22}" + "".join(f"{setting!s:>30}" for setting in SETTINGS))
    best = {}
    for kind in dict.fromkeys(_kind(policy) for _, policy in scores):
        cells = []
        for setting in SETTINGS:
            means = {
                policy: _mean(found)
                for (at, policy), found in scores.items()
                if at == setting and _kind(policy) == kind
            }
            best[setting, kind] = least = min(means, key=means.__getitem__)
            usual = means.get(f"{kind}:0.7")
            note = least.removeprefix(kind).removeprefix(":")
            at_default = "" if usual is None else f", 0.7: {usual:.3f}"
            cells.append(f"{means[least]:.3f}" + (f" at {note}{at_default}" if note else ""))
        _say(f"{kind:22}" + "".join(f"{cell:>30}" for cell in cells))
    return best


def _print_traces(
    scores: Mapping[tuple[Setting, str], Mapping[str, float]],
    best: Mapping[tuple[Setting, str], str],
    names: Sequence[str],
) -> None:
    """Print every trace, each peer at its best setting for all of them, and the worst trace."""
    _say(f"\n{'J of peakfleet / best peer':30}" + "".join(f"{s!s:>30}" for s in SETTINGS))
    worst = dict.fromkeys(SETTINGS, 0.0)
    for name in names:
        cells = []
        for setting in SETTINGS:
            ours = scores[setting, best[setting, "peakfleet"]][name]
            peers = {
                policy: scores[setting, policy][name]
                for (at, kind), policy in best.items()
                if at == setting and kind != "peakfleet"
            }
            peer = min(peers, key=peers.__getitem__)
            worst[setting] = max(worst[setting], ours / peers[peer])
            cells.append(f"{ours:.3f} / {peers[peer]:.3f} {peer[:15]}")
        _say(f"{name:30}" + "".join(f"{cell:>30}" for cell in cells))
    _say(f"{'worst trace':30}" + "".join(f"{f'{worst[s]:.2f}x':>30}" for s in SETTINGS))


def _print_misses(misses: Mapping[str, tuple[float, ...]]) -> None:
    """Print how often demand came above its quantiles, boot 3 minutes and delay 1 minute."""
    asked = [1 - quantile for quantile in GRADED_QUANTILES]
    _say(f"\n{'realised miss rate':30}" + "".join(f"{f'asked {one:.0%}':>15}" for one in asked))
    for name, shares in misses.items():
        _say(f"{name:30}" + "".join(f"{share:>15.1%}" for share in shares))
    close = [
        sum(abs(shares[at] - one) <= one / 4 for shares in misses.values() if shares)
        for at, one in enumerate(asked)
    ]
    cells = [f"{count} of {len(misses)}" for count in close]
    _say(f"{'within a quarter':30}" + "".join(f"{cell:>15}" for cell in cells))


def _kind(policy: str) -> str:
    return policy.partition(":")[0].partition("+")[0]


def _mean(values: Mapping[str, float]) -> float:
    return exp(sum(map(log, values.values())) / len(values))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
