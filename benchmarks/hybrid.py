"""What a hybrid fleet costs against all in the cloud and all on premises, at equal service.

Run: `[PEAKFLEET_TRACES=folder] python -m benchmarks.hybrid [--days 7] [--traces NAME ...]
[--own-cost 0.4] [--markdown]`; without recordings, on a generated demand of two weeks of evenings
and a premiere.

Demand is scaled so that its 99.9th percentile needs 100 units, and an instance serves one. All on
premises is a side of 100 units; what it misses is the service that the others must reach, by the
`unserved_cost` of peakfleet. A baseline is a percentile of demand. Costs are in instance-hours of
the cloud; a unit-hour on premises costs `own-cost` of them, amortised, whether it works or not. The
break-even says between which such costs the hybrid is the cheapest of the three. The first third,
at most a week, is history. PEAKFLEET_JOBS bounds the processes; default: one per core. All of
thirteen recordings take nine minutes on two cores that nobody else uses.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.equal_service import COSTS, Bill, equal_service
from benchmarks.recorded import HISTORY_SHARE, MINUTES_PER_DAY, PEAK_INSTANCES, processes, traces
from peakfleet_planner import ServiceLevelSpec
from peakfleet_sim import World, live_spec
from peakfleet_sim.demand import Demand, load_demand, premiere_with_past
from peakfleet_sim.replay import replay_fleet

PERCENTILES: Final = (25, 50, 75)
PEAK_PERCENTILE: Final = 99.9
MINUTES_PER_HOUR: Final = 60
CLOUD: Final = "cloud"
CALM_DAYS: Final = 7
WORTHS: Final = COSTS[::3]
"""What missed work may be worth; finer steps take four times as long and say the same."""
GENERATED: Final = Path("premiere nights (generated)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """One demand: hours of the cloud by baseline, in instance-hours.

    Args:
        name: Of the demand.
        hours: How long it was scored.
        missed_units: Unit-minutes that 100 units on premises miss.
        baselines: Units of each baseline, 0 first.
        bills: What the cloud above each of them used and missed.
    """

    name: str
    hours: float
    missed_units: float
    baselines: tuple[float, ...]
    bills: tuple[Bill, ...]

    def cost(self, index: int, own_cost: float) -> float:
        """Return what a baseline and the cloud above it cost."""
        return self.bills[index].hours[CLOUD] + self.own(index, own_cost)

    def own(self, index: int, own_cost: float) -> float:
        """Return what a baseline costs."""
        return self.baselines[index] * self.hours * own_cost

    def all_own(self, own_cost: float) -> float:
        """Return what 100 units on premises cost."""
        return PEAK_INSTANCES * self.hours * own_cost

    def break_even(self, index: int) -> tuple[float, float]:
        """Return the costs of an own unit-hour between which a hybrid is the cheapest."""
        cloud, everything = self.bills[index].hours[CLOUD], self.bills[0].hours[CLOUD]
        units = self.baselines[index]
        above = (PEAK_INSTANCES - units) * self.hours
        below = units * self.hours
        return cloud / above, (everything - cloud) / below


def measure(path: Path, days: int) -> Shares:
    """Return what one demand costs the cloud above each baseline."""
    demand = _scaled(_demand(path), days)
    scored = demand.units[demand.history_minutes :]
    missed = float(np.maximum(0.0, scored - PEAK_INSTANCES).sum())
    baselines = (0.0, *(float(np.percentile(demand.units, one)) for one in PERCENTILES))

    def bill(baseline: float, unserved_cost: float) -> Bill:
        world = World(baseline_units=baseline)
        level = ServiceLevelSpec(unserved_cost=unserved_cost)
        run = replay_fleet(demand, live_spec(world, service_level=level))
        (pool,) = run.pools
        billed = float(pool.billed[demand.history_minutes :].sum())
        return Bill(
            setting=unserved_cost,
            hours={CLOUD: billed / MINUTES_PER_HOUR},
            unserved_units=float(run.unserved_units[demand.history_minutes :].sum()),
        )

    return Shares(
        name=demand.name,
        hours=len(scored) / MINUTES_PER_HOUR,
        missed_units=missed,
        baselines=baselines,
        bills=tuple(
            equal_service(
                lambda cost, units=units: bill(units, cost),  # type: ignore[misc]  # bound now
                WORTHS,
                most_unserved_units=missed,
            )
            for units in baselines
        ),
    )


def _demand(path: Path) -> Demand:
    if path == GENERATED:
        return premiere_with_past(baseline_units=60, peak_burst_units=40)
    return load_demand(path)


def _scaled(recorded: Demand, days: int) -> Demand:
    units = recorded.units[-days * MINUTES_PER_DAY :]
    factor = PEAK_INSTANCES / float(np.percentile(units, PEAK_PERCENTILE))
    history = int(min(CALM_DAYS * MINUTES_PER_DAY, HISTORY_SHARE * len(units)) // 60 * 60)
    start = recorded.timestamp(recorded.minutes - len(units))
    return replace(recorded, units=units * factor, start=start, history_minutes=history)


def lines(shares: Shares, own_cost: float) -> Iterator[str]:
    """Yield the table of one demand."""
    own = shares.all_own(own_cost)
    yield f"\n{shares.name}: {shares.hours:,.0f} hours; an own unit-hour costs {own_cost:g}"
    yield f"{'':16}{'own units':>10}{'cost':>10}{'of own':>8}{'missed':>10}  cheapest if own costs"
    missed = shares.missed_units
    yield f"{'all on premises':16}{PEAK_INSTANCES:>10}{own:>10,.0f}{1:>8.0%}{missed:>10,.0f}"
    names = ("all in the cloud", *(f"hybrid at p{one}" for one in PERCENTILES))
    for index, name in enumerate(names):
        cost, bill = shares.cost(index, own_cost), shares.bills[index]
        between = ""
        if index and shares.baselines[index] > 0:
            low, high = shares.break_even(index)
            between = f"  {low:.2f} to {high:.2f}" if low < high else "  never"
        yield (
            f"{name:16}{shares.baselines[index]:>10.1f}{cost:>10,.0f}{cost / own:>8.0%}"
            f"{bill.unserved_units:>10,.0f}{between}"
        )


def markdown(found: Sequence[Shares], own_cost: float) -> Iterator[str]:
    """Yield one table of all demands: cost as share of all on premises, and the break-even."""
    names = [f"p{one}" for one in PERCENTILES]
    best = ", ".join(names)
    yield (
        f"| demand | own units at {best} | all in the cloud | "
        + " | ".join(f"hybrid, {name}" for name in names)
        + " | cheapest of the three while an own unit-hour costs | missed: own / cloud / hybrid |"
    )
    yield "|---" * (5 + len(names)) + "|"
    for shares in found:
        own, indexes = shares.all_own(own_cost), range(len(shares.bills))
        costs = [f"{shares.cost(index, own_cost) / own:.0%}" for index in indexes]
        between = [
            f"{name}: {low:.2f} to {high:.2f}" if low < high else f"{name}: never"
            for name, (low, high) in zip(
                names, map(shares.break_even, range(1, len(shares.bills))), strict=True
            )
        ]
        units = ", ".join(f"{one:.0f}" for one in shares.baselines[1:])
        missed = [shares.missed_units, *(bill.unserved_units for bill in shares.bills[:1])]
        hybrid = max(bill.unserved_units for bill in shares.bills[1:])
        yield (
            f"| {shares.name} | {units} | {' | '.join(costs)} | {'; '.join(between)} | "
            f"{' / '.join(f'{one:,.0f}' for one in (*missed, hybrid))} |"
        )


def _files(names: Sequence[str]) -> list[Path]:
    if "PEAKFLEET_TRACES" not in os.environ:
        return [GENERATED]
    return [one for one in traces() if not names or one.name.split(".")[0] in names]


def main() -> None:
    """Print a table for each demand, or one of all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--own-cost", type=float, default=0.4)
    parser.add_argument("--traces", nargs="*", default=[])
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    files = _files(options.traces)
    with ProcessPoolExecutor(processes()) as pool:
        found = list(pool.map(measure, files, [options.days] * len(files)))
    told = (
        markdown(found, options.own_cost)
        if options.markdown
        else (line for one in found for line in lines(one, options.own_cost))
    )
    for line in told:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
