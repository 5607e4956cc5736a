"""What a better forecast would be worth: the same policy, handed forecasts with smaller errors.

Run: `PEAKFLEET_TRACES=folder python -m benchmarks.foresight_limit [--shares S ...]
[--boot 3] [--delay 0] [--traces NAME ...]`

Every quantile that the policy forecasts is moved towards what will really come, by a share of the
way, so that each error is smaller by this share; all else is the production learner. J is that
of `foresight.py`. No policy can play so: it shows what is left in the forecast, and what is not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

from benchmarks.foresight import Setting, comparison_of, traces
from peakfleet_learner import SETTLING_MINUTES, Learner
from peakfleet_planner.forecast import Horizon, HorizonModel
from peakfleet_sim import Comparison, Decision, Seen, live_spec, load_demand, score


def main() -> None:
    """Print J by trace and share, and the geometric means."""
    wishes = _wishes()
    files = [path for path in traces() if not wishes.traces or path.name in wishes.traces]
    setting = Setting(boot_minutes=wishes.boot, delay_minutes=wishes.delay)
    _say(f"{setting!s:30}" + "".join(f"{f'errors -{s:.0%}':>14}" for s in wishes.shares))
    work = [(path, setting, share) for path in files for share in wishes.shares]
    with ProcessPoolExecutor() as pool:
        scores = list(pool.map(_score, work))
    width = len(wishes.shares)
    rows = [scores[at : at + width] for at in range(0, len(scores), width)]
    for path, row in zip(files, rows, strict=True):
        _say(f"{path.name:30}" + "".join(f"{one:>14.3f}" for one in row))
    means = (exp(sum(map(log, column)) / len(files)) for column in zip(*rows, strict=True))
    _say(f"{'geometric mean of J':30}" + "".join(f"{one:>14.3f}" for one in means))


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--shares", nargs="*", type=float, default=[0.0, 0.04, 0.1])
    parser.add_argument("--boot", type=int, default=3, help="minutes")
    parser.add_argument("--delay", type=int, default=0, help="minutes")
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    return parser.parse_args()


def _score(work: tuple[Path, Setting, float]) -> float:
    path, setting, share = work
    comparison = comparison_of(load_demand(path), setting)
    policy = _Played(targets=_targets(comparison, share))
    outcome = score(comparison.replay(policy), optimum=comparison.optimum())
    return outcome.score or 1.0


def _targets(comparison: Comparison, share: float) -> list[tuple[int, int]]:
    """Return what the learner would have run on seeing each minute."""
    demand, world = comparison.demand, comparison.world
    start = demand.start_epoch_seconds
    units = demand.units.tolist()
    coming = [value / world.units_per_instance for value in units]
    learner = Learner(
        live_spec(world),
        metric_delay_minutes=world.metric_delay_minutes,
        horizon=_handed(coming, start // 60, share),
    )
    points = tuple((start + 60 * minute, value) for minute, value in enumerate(units))
    targets = []
    for minute in range(len(points) - SETTLING_MINUTES):
        learner.advance(points[minute : minute + SETTLING_MINUTES + 1])
        targets.append((learner.aims.grow, learner.aims.keep))
    return targets


def _handed(coming: list[float], first: int, share: float) -> Callable[[HorizonModel], Horizon]:
    """Return what makes forecasts that know a share of what comes."""

    class Handed(Horizon):
        """A forecast that was told something."""

        def levels(self, minute: int) -> list[float]:
            """Return demand at each quantile, moved towards what comes."""
            now = minute - first
            peak = coming[now + self.model.first_minute : now + self.model.last_minute + 1]
            if not peak:
                return super().levels(minute)
            return [(1 - share) * one + share * max(peak) for one in super().levels(minute)]

    return Handed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played:
    """A policy that plays given targets: layers to grow to, and to keep."""

    targets: list[tuple[int, int]]
    name: str = "handed"
    least_instances: int = 0

    def decide(self, seen: Seen) -> Decision:
        visible = len(seen.ready) - 1
        running = seen.ready_instances + seen.booting_instances
        if not 0 <= visible < len(self.targets):
            return Decision(instances=running, explanation="nothing seen")
        grow, keep = self.targets[visible]
        kept = running - max(0, seen.ready_instances - keep)
        return Decision(instances=max(grow, kept), explanation="handed")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
