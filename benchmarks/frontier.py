"""Asked to miss at most a share of the burst: what is missed, and what rivals pay for as little.

Run: `PEAKFLEET_TRACES=folder python -m benchmarks.frontier [--shares 0.05 0.01 0.001]
[--policies NAME ...] [--traces NAME ...] [--days N]`

Each trace is scaled as in `benchmarks.foresight`: boot 3 minutes, metric delay 1 minute. Peakfleet
is asked for each share by `ServiceLevel.miss_at_most`; a rival is run at its cheapest setting that
misses no more than that came to. A ratio is Peakfleet's cost over the rival's; below 1 it is
cheaper. Where the share that was got is more than 1.5 times what was asked, the last column says
what limits it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from math import exp, log
from pathlib import Path

from benchmarks.recorded import DAYS, processes, scaled, traces
from peakfleet_planner import ServiceLevelSpec
from peakfleet_sim import Comparison, Outcome, World, score
from peakfleet_sim.replay import (
    KINDS,
    choose,
    find_rival,
    foreseen,
    missed_because,
)
from peakfleet_sim.replay.asked_service import AS_ASKED

SHARES = (0.05, 0.01, 0.001)
RIVALS = ("target-tracking", "keda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One trace, asked for one share.

    Args:
        trace: Its name.
        asked: Share of the burst that may be missed.
        got: Share that was missed.
        ratios: Our cost over each rival's at equal service; None where no setting reaches it.
        limit: What limits it, where it is more than was asked.
    """

    trace: str
    asked: float
    got: float
    ratios: tuple[float | None, ...]
    limit: str


def main() -> None:
    """Print a table for each share, and the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--policies", nargs="+", default=RIVALS, choices=sorted(KINDS))
    parser.add_argument("--traces", nargs="+", default=None)
    parser.add_argument("--days", type=int, default=DAYS)
    asked = parser.parse_args()
    files = [file for file in traces() if not asked.traces or name_of(file) in asked.traces]
    work = partial(rows_of, shares=asked.shares, rivals=asked.policies, days=asked.days)
    found: list[Row] = []
    with ProcessPoolExecutor(processes()) as pool:
        for done in as_completed([pool.submit(work, file) for file in files]):
            found += done.result()
            sys.stderr.write(f"{len(found) // len(asked.shares)} of {len(files)} traces\n")
    for line in table(found, asked.shares, asked.policies):
        sys.stdout.write(f"{line}\n")


def name_of(file: Path) -> str:
    """Return the name of a trace."""
    return file.name.removesuffix(".csv.gz")


def rows_of(file: Path, *, shares: Sequence[float], rivals: Sequence[str], days: int) -> list[Row]:
    """Return what one trace came to, for each share."""
    demand, baseline = scaled(file, days=days)
    world = World(
        units_per_instance=1.0,
        baseline_units=baseline,
        max_instances=200,
        boot_seconds=180,
        metric_delay_seconds=60,
    )
    comparison = Comparison(demand=demand, world=world)
    best = comparison.optimum()

    def outcome(policy: str) -> Outcome:
        return score(choose(policy).run(comparison), optimum=best)

    rows = []
    for share in shares:
        run = foreseen(comparison, service_level=ServiceLevelSpec(miss_at_most=share))
        ours, causes = score(run, optimum=best), missed_because(run)
        got = ours.unserved_percent / 100
        ratios: list[float | None] = []
        for name in rivals:
            rival = find_rival(
                ours, outcome(name), partial(_with_setting, outcome, name), KINDS[name].searched
            )
            equal = rival.same_service
            ratios.append(ours.instance_minutes / equal.instance_minutes if equal else None)
        missed_more = got > AS_ASKED * share
        limit = max(causes, key=lambda cause: causes[cause]) if missed_more else ""
        rows.append(
            Row(trace=name_of(file), asked=share, got=got, ratios=tuple(ratios), limit=limit)
        )
    return rows


def _with_setting(outcome: Callable[[str], Outcome], name: str, setting: float) -> Outcome:
    return outcome(f"{name}:{setting}")


def table(rows: Sequence[Row], shares: Sequence[float], rivals: Sequence[str]) -> Iterator[str]:
    """Yield the rows of each share in Markdown, and the geometric means of their ratios."""
    for share in shares:
        of_share = sorted((row for row in rows if row.asked == share), key=lambda row: row.trace)
        yield f"\n| asked {share:.3%} | got | {' | '.join(rivals)} | limited by |"
        yield "|" + "---|" * (len(rivals) + 3)
        for row in of_share:
            ratios = " | ".join("none" if one is None else f"{one:.2f}" for one in row.ratios)
            yield f"| {row.trace} | {row.got:.3%} | {ratios} | {row.limit} |"
        means = " | ".join(mean([row.ratios[at] for row in of_share]) for at in range(len(rivals)))
        kept = sum(row.got <= AS_ASKED * share for row in of_share)
        yield f"| **mean** | {kept} of {len(of_share)} within 1.5 x | {means} | |"


def mean(ratios: Sequence[float | None]) -> str:
    """Return the geometric mean of what there is, and of how many traces."""
    known = [log(one) for one in ratios if one]
    return f"{exp(sum(known) / len(known)):.2f} ({len(known)})" if known else "none"


if __name__ == "__main__":
    main()
