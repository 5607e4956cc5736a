"""How close each policy comes to perfect foresight, on every recorded trace.

Run: `PEAKFLEET_TRACES=folder python -m benchmarks.foresight [--peers] [--warm]
[--policies NAME ...] [--traces NAME ...] [--same-delay]`

Each file of the folder (`timestamp_utc,demand`, .csv.gz) is scaled so that the company's own
side carries its median and the 99.9th percentile of what is above needs 100 instances; at most
the last 49 days count, and the first week (at most a third) is history only. J is what a policy
paid and missed, in instance-minutes, over the same of the clairvoyant optimum, which has no warm
pool. Tables:

1. Geometric mean of J; with `--peers` every peer at its best single setting for all traces, and
   at its usual 0.7. Those that read their metric from the source see it without CloudWatch's
   delay, unless `--same-delay` is given.
2. J of every trace beside the best peer's on it, and over KEDA's.
3. Cost at equal service: what peakfleet paid over what a peer paid, both where they miss the same
   share of the burst, each trace at its own settings (between two settings, in logarithms).
4. Calibration: how often demand came above its forecast, in all minutes and in the half percent
   before which it had risen most within three minutes.
5. Made-up changes of character, in the middle of each trace: cost over that of the reactive rule
   alone, in the three days after (of eight before), with and without the trust gate.

`--warm` adds two settings with warm pools to the first two tables. Each peer then has the best
single pool for all traces too: of several sizes that are refilled (`+10`), and of several where
what is let go waits, so that as many serve or wait together (`+40r`). Peakfleet plans its own,
where what is let go waits.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple, cast

import numpy as np

from benchmarks.recorded import processes, scaled, traces
from peakfleet_learner import Learner, Seen
from peakfleet_planner import ServiceLevelSpec
from peakfleet_planner.forecast import MOST_LAYERS
from peakfleet_sim import Comparison, Run, WarmPoolSpec, World, live_spec
from peakfleet_sim.replay import KINDS, Choice, choose, foreseen

TARGETS: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LONG_BOOT_TARGETS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PENALTIES: Final = (5, 10, 30, 100, 300, 1000)
WARM_TARGETS: Final = (0.8, 0.9, 1.0)
WARM_PENALTIES: Final = (30, 100)
WARM_POOLS: Final = {
    "+10": WarmPoolSpec(instances=10),
    "+20r": WarmPoolSpec(instances=20, reuse=True),
    "+40r": WarmPoolSpec(instances=40, reuse=True),
}
"""What peers are tried with; others were worse for every peer."""
COSTS: Final = (3, 5, 10, 20, 50, 100, 300, 1000)
"""Settings of peakfleet for equal service."""
SERVICES: Final = (0.05, 0.01, 0.001)
ASKED: Final = {"20%": 10.0, "8%": 15.0, "1.5%": 400 / 3}
"""What may be missed, and the unserved cost at which so much is: to grow to, the second to keep."""
STEEP_SHARE: Final = 0.005
RISE_MINUTES: Final = 3
CHANGES: Final = {"doubles": 2.0, "halves": 0.5, "five times": 5.0}
LARGER_INSTANCES: Final = 5
"""So many units each, so that demand of five times the size still fits into the maximum."""
BEFORE_MINUTES: Final = 8 * 1440
AFTER_MINUTES: Final = 3 * 1440
US: Final = "peakfleet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One column: how long a boot and a metric take, and whether anything waits."""

    boot_minutes: int
    delay_minutes: int
    warm: bool = False

    def __str__(self) -> str:
        waits = ", warm" if self.warm else ""
        return f"boot {self.boot_minutes}, delay {self.delay_minutes} min{waits}"


COLD: Final = (
    Setting(boot_minutes=3, delay_minutes=1),
    Setting(boot_minutes=3, delay_minutes=0),
    Setting(boot_minutes=10, delay_minutes=1),
)
WARM: Final = (
    Setting(boot_minutes=3, delay_minutes=1, warm=True),
    Setting(boot_minutes=3, delay_minutes=0, warm=True),
)


class Paid(NamedTuple):
    """What a policy paid and missed, in instance-minutes, and the share of the burst it missed."""

    cost: float
    missed: float
    share: float

    def total(self, unserved_cost: float) -> float:
        """Return both at their price."""
        return self.cost + unserved_cost * self.missed


Found = dict[tuple[Setting, str], Paid]
Job = tuple[Callable[..., object], tuple[object, ...]]


def main() -> None:
    """Print the tables."""
    wishes = _wishes()
    files = [path for path in traces() if not wishes.traces or path.name in wishes.traces]
    settings = (*COLD, *WARM) if wishes.warm else COLD
    policies = tuple(wishes.policies or _policies(peers=wishes.peers))
    own, ours = not wishes.same_delay, US in policies
    jobs: list[Job] = [
        (_paid, (path, setting, policies, own)) for setting in reversed(settings) for path in files
    ]
    if ours:
        jobs += [(_calibration, (path,)) for path in files]
        jobs += [(_changes, (path,)) for path in files]
    results = _work(jobs)
    paid: defaultdict[Path, Found] = defaultdict(dict)
    for path, setting in ((path, setting) for setting in settings for path in files):
        paid[path] |= cast("Found", results[_paid, (path, setting, policies, own)])
    best = _print_means(paid, settings)
    if ours and len(policies) > 1:
        _print_traces(paid, settings, best)
        _print_equal_service(paid)
    if ours:
        _print_rows(
            "missed / in steep rises", tuple(f"asked {one}" for one in ASKED),
            {path: results[_calibration, (path,)] for path in files},
        )  # fmt: skip
        _print_rows(
            "gate / no gate over reactive", tuple(CHANGES),
            {path: results[_changes, (path,)] for path in files},
        )  # fmt: skip


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="every peer at every setting")
    parser.add_argument("--warm", action="store_true", help="warm pools too")
    parser.add_argument("--policies", nargs="*", default=[], help="only these, as keda:0.9")
    parser.add_argument("--same-delay", action="store_true", help="the delay is every policy's")
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    return parser.parse_args()


def _policies(*, peers: bool) -> Iterator[str]:
    yield from (US, "target-tracking:0.7", "target-tracking:0.9", "keda:0.9")
    if peers:
        yield from (f"{US}:{cost}" for cost in COSTS)
        for kind in KINDS.values():
            if kind.name not in {US, "optimum"}:
                for setting in PENALTIES if kind.name == "lcp" else TARGETS:
                    yield f"{kind.name}:{setting:g}"


def _work(jobs: Sequence[Job]) -> dict[Job, object]:
    """Do all jobs, longest first, and say how far they are."""
    # Small matrices in several processes: threads of their own would only wait.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began, results = monotonic(), {}
    with ProcessPoolExecutor(processes()) as pool:
        running = {pool.submit(work, *asked): (work, asked) for work, asked in jobs}
        for done, one in enumerate(as_completed(running), start=1):
            results[running[one]] = one.result()
            spent = monotonic() - began
            left = spent / done * (len(jobs) - done)
            sys.stderr.write(f"{done} of {len(jobs)} jobs, {spent:.0f} s, {left:.0f} s left\n")
    return results


def comparison_of(path: Path, setting: Setting) -> Comparison:
    """Return a recorded trace, scaled, in the world of a setting."""
    demand, baseline_units = scaled(path)
    return Comparison(
        demand=demand,
        world=World(
            baseline_units=baseline_units,
            boot_seconds=60 * setting.boot_minutes,
            metric_delay_seconds=60 * setting.delay_minutes,
        ),
    )


def _paid(path: Path, setting: Setting, policies: Sequence[str], own_delays: bool) -> Found:  # noqa: FBT001  a job has no keywords
    """Return what each policy paid in a setting, and the optimum."""
    comparison = comparison_of(path, setting)
    found = {(setting, "optimum"): _paid_by(comparison.optimum())}
    for choice in map(choose, policies):
        at_long_boot = setting.boot_minutes > COLD[0].boot_minutes
        if at_long_boot and _only_for_equal_service(choice):
            continue
        for label, pool in _warm_pools(choice, setting):
            world = replace(
                comparison.world, min_instances=choice.kind.least_instances, warm_pool=pool
            )
            tried = replace(comparison, world=world)
            if choice.kind.name == US and not setting.warm:
                cost = choice.setting
                level = None if cost is None else ServiceLevelSpec(unserved_cost=cost)
                run = foreseen(tried, service_level=level)
            else:
                run = choice.run(tried, own_delays=own_delays)
            found[setting, label] = _paid_by(run)
    return found


def _only_for_equal_service(choice: Choice) -> bool:
    """Return whether a setting is tried for the third table alone, which has no long boots."""
    if choice.kind.name == US:
        return choice.setting is not None
    return choice.kind.default is not None and choice.setting not in LONG_BOOT_TARGETS


def _paid_by(run: Run, scored: slice | None = None) -> Paid:
    scored = scored or slice(run.demand.history_minutes, None)
    missed = float(run.unserved_units[scored].sum())
    return Paid(
        cost=float(run.billed_instances[scored].sum()),
        missed=missed / run.world.units_per_instance,
        share=missed / max(1e-9, float(run.burst_units[scored].sum())),
    )


def _warm_pools(choice: Choice, setting: Setting) -> Iterator[tuple[str, WarmPoolSpec]]:
    if not setting.warm:
        yield choice.asked, WarmPoolSpec()
    elif choice.kind.name == US:
        if choice.setting is None:
            yield f"{US}+auto", WarmPoolSpec(auto=True, reuse=True)
    elif choice.setting in (WARM_PENALTIES if choice.kind.name == "lcp" else WARM_TARGETS):
        yield from ((f"{choice.asked}{label}", pool) for label, pool in WARM_POOLS.items())


def _calibration(path: Path) -> tuple[str, ...]:
    """Return the share of minutes above each forecast, in all and where demand rose steeply."""
    comparison, cells = comparison_of(path, COLD[0]), []
    start = comparison.demand.start_epoch_seconds
    units = comparison.demand.units
    points = tuple((start + 60 * at, one) for at, one in enumerate(units.tolist()))
    for asked, cost in ASKED.items():
        seen: list[Seen] = []
        spec = live_spec(comparison.world, service_level=ServiceLevelSpec(unserved_cost=cost))
        Learner(spec, watch=seen.append).advance(points)
        made = [one.keep if asked == "8%" else one.grow for one in seen]
        outcomes = np.concatenate([one.outcomes for one in made])
        levels = np.concatenate([one.levels for one in made])[: len(outcomes)]
        scored = slice(comparison.demand.history_minutes, None)
        missed = (outcomes > levels)[scored]
        before = np.concatenate([np.repeat(units[0], RISE_MINUTES), units[:-RISE_MINUTES]])
        rises = (units - before)[: len(outcomes)][scored]
        steep = rises >= np.quantile(rises, 1 - STEEP_SHARE)
        cells.append(f"{missed.mean():.1%} / {missed[steep].mean():.0%}")
    return tuple(cells)


def _changes(path: Path) -> tuple[str, ...]:
    """Return what demand of another size costs, gated and not, over the reactive rule alone."""
    comparison, cells = comparison_of(path, COLD[0]), []
    demand = comparison.demand
    at = (demand.minutes + demand.history_minutes) // 2
    begin, end = max(0, at - BEFORE_MINUTES), min(demand.minutes, at + AFTER_MINUTES)
    world = replace(
        comparison.world, units_per_instance=LARGER_INSTANCES, max_instances=MOST_LAYERS
    )
    for factor in CHANGES.values():
        units = demand.units[begin:end].copy()
        units[at - begin :] *= factor
        start = demand.timestamp(begin)
        changed = Comparison(
            demand=replace(demand, units=units, start=start, history_minutes=0), world=world
        )
        gated, free, reactive = (
            _paid_by(run, slice(at - begin, None)).total(world.unserved_cost)
            for run in (
                foreseen(changed),
                foreseen(changed, follows=lambda model: model.grade.minutes > 0),
                foreseen(changed, follows=lambda _: False),
            )
        )
        cells.append(f"{gated / reactive:.3f} / {free / reactive:.3f}" if reactive else "-")
    return tuple(cells)


def _print_means(
    paid: Mapping[Path, Found], settings: Sequence[Setting]
) -> dict[tuple[Setting, str], str]:
    """Print the table of means; return the best variant of each kind of policy."""
    _say(f"{'geometric mean of J':22}" + "".join(f"{setting!s:>30}" for setting in settings))
    best: dict[tuple[Setting, str], str] = {}
    labels = dict.fromkeys(key for found in paid.values() for key in found)
    for kind in dict.fromkeys(_kind(label) for _, label in labels if label != "optimum"):
        cells = []
        for setting in settings:
            means = {
                label: _mean(_score(found, setting, label) for found in paid.values())
                for at, label in labels
                if at == setting and _kind(label) == kind and not label.startswith(f"{US}:")
            }
            best[setting, kind] = least = min(means, key=means.__getitem__)
            usual = means.get(f"{kind}:0.7")
            note = least.removeprefix(kind).removeprefix(":")
            at_default = "" if usual is None else f", 0.7: {usual:.3f}"
            cells.append(f"{means[least]:.3f}" + (f" at {note}{at_default}" if note else ""))
        _say(f"{kind:22}" + "".join(f"{cell:>30}" for cell in cells))
    return best


def _print_traces(
    paid: Mapping[Path, Found],
    settings: Sequence[Setting],
    best: Mapping[tuple[Setting, str], str],
) -> None:
    """Print every trace, each peer at its best setting for all of them, and the worst trace."""
    _say(f"\n{'J, over best peer, over KEDA':30}" + "".join(f"{s!s:>36}" for s in settings))
    over: defaultdict[Setting, list[tuple[float, float]]] = defaultdict(list)
    for path, found in paid.items():
        cells = []
        for setting in settings:
            ours = _score(found, setting, best[setting, US])
            peers = {
                label: _score(found, setting, label)
                for (at, kind), label in best.items()
                if at == setting and kind != US
            }
            peer = min(peers, key=peers.__getitem__)
            keda = peers.get(best.get((setting, "keda"), ""), peers[peer])
            over[setting].append((ours / peers[peer], ours / keda))
            cells.append(f"{ours:.3f}  {ours / peers[peer]:.2f}x {peer[:15]}  {ours / keda:.2f}x")
        _say(f"{path.name:30}" + "".join(f"{cell:>36}" for cell in cells))
    worst = (f"{max(one for one, _ in over[s]):.2f}x" for s in settings)
    means = (f"{_mean(one for _, one in over[s]):.3f}x" for s in settings)
    _say(f"{'worst trace, over best peer':30}" + "".join(f"{cell:>36}" for cell in worst))
    _say(f"{'geometric mean, over KEDA':30}" + "".join(f"{cell:>36}" for cell in means))


def _print_equal_service(paid: Mapping[Path, Found]) -> None:
    """Print our cost over a peer's at equal service, and on how many traces it can be reached."""
    columns = [(setting, share) for setting in COLD[:2] for share in SERVICES]
    _say("\ncost at equal service, over")
    _say(f"{'':22}" + "".join(f"{f'delay {s.delay_minutes}, {x:g}':>20}" for s, x in columns))
    for kind in dict.fromkeys(_kind(label) for found in paid.values() for _, label in found):
        if kind in {US, "optimum"}:
            continue
        cells = []
        for setting, share in columns:
            ratios = []
            for found in paid.values():
                ours, theirs = (cost_at(_points(found, setting, k), share) for k in (US, kind))
                if ours and theirs:
                    ratios.append(ours / theirs)
            cells.append(f"{_mean(ratios):.3f}x ({len(ratios)})" if ratios else "-")
        _say(f"{kind:22}" + "".join(f"{cell:>20}" for cell in cells))


def _points(found: Found, setting: Setting, kind: str) -> list[tuple[float, float]]:
    return [
        (one.share, one.cost)
        for (at, label), one in found.items()
        if at == setting and _kind(label) == kind
    ]


def cost_at(points: Iterable[tuple[float, float]], share: float) -> float | None:
    """Return the least cost at which no more than a share is missed; None if it cannot be.

    Args:
        points: The share that is missed, and the cost, of several settings.
        share: What may be missed.

    >>> round(cost_at([(0.1, 100.0), (0.001, 400.0)], 0.01))
    200
    """
    frontier: list[tuple[float, float]] = []
    for missed, cost in sorted(points):
        if not frontier or cost < frontier[-1][1]:
            frontier.append((max(missed, 1e-6), cost))
    if not frontier or frontier[0][0] > share:
        return None
    for (less, dear), (more, cheap) in pairwise(frontier):
        if less <= share < more:
            way = log(share / less) / log(more / less)
            return exp(log(dear) + way * log(cheap / dear))
    return frontier[-1][1]


def _print_rows(title: str, columns: Sequence[str], rows: Mapping[Path, object]) -> None:
    _say(f"\n{title:30}" + "".join(f"{one:>20}" for one in columns))
    for path, cells in rows.items():
        said = cast("tuple[str, ...]", cells)
        _say(f"{path.name:30}" + "".join(f"{cell:>20}" for cell in said))


def _score(found: Found, setting: Setting, label: str) -> float:
    cost = World().unserved_cost
    return found[setting, label].total(cost) / found[setting, "optimum"].total(cost)


def _kind(label: str) -> str:
    return label.partition(":")[0].partition("+")[0]


def _mean(values: Iterable[float]) -> float:
    logs = [log(value) for value in values]
    return exp(sum(logs) / len(logs))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
