"""What a fleet costs against x86 on demand under target tracking at 70 %, at equal service.

Run: `PEAKFLEET_TRACES=folder PEAKFLEET_SPOT=folder python -m benchmarks.bill [--days 49]
[--recordings PART-OF-NAME] [--traces NAME ...] [--unserved-cost U]`

Demand is scaled as in `benchmarks/foresight.py`. Target tracking at 70 % sizes an x86 on-demand
fleet; what it leaves unserved is the service that every other fleet must reach on that trace
(`benchmarks/equal_service.py` says how). Each recording of Spot availability limits one Spot
pool. Dollars follow from list prices of the catalogue; `WORKLOADS` says which figures are published
claims. `docs/bill.md` explains the tables. PEAKFLEET_JOBS bounds the processes; default: one per
core. A trace takes about eight minutes of processor time for 49 days.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Final

from benchmarks.equal_service import COSTS, SPOT, SURE, Bill, Bills, Fleets
from benchmarks.recorded import processes, recordings, scaled, spot_scenario, traces
from peakfleet_chips import find_type
from peakfleet_sim import Comparison, World

EVERYTHING: Final = "planner, chip and Spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is compared with what. One instance of either type is taken to do the same work.

    Args:
        name: Of the table.
        usual: Type of the usual fleet.
        chip: Type of the other fleet.
        usual_spot_saving: Share that Spot takes off `usual`'s list price, as AWS published it.
        chip_spot_saving: The same of `chip`.
        claimed_gain: Work for a dollar of the chip over x86, as it is claimed.
        claim: Who claims it.
    """

    name: str
    usual: str
    chip: str
    usual_spot_saving: float
    chip_spot_saving: float
    claimed_gain: float
    claim: str

    def usd_per_hour(self, *, chip: bool, claimed: bool = False) -> Mapping[str, float]:
        """Return the price of the work of one x86 instance for an hour, by pool.

        Args:
            chip: Whether on the chip.
            claimed: Whether its on-demand price follows from the claim instead of its list price.
        """
        usd = _list_price(self.usual)
        if chip:
            usd = usd / self.claimed_gain if claimed else _list_price(self.chip)
        saving = self.chip_spot_saving if chip else self.usual_spot_saving
        return {SURE: usd, SPOT: usd * (1 - saving)}


# Spot savings: AWS Spot Advisor, us-east-1, Linux, 2025-06-28, as github.com/alexei-led/spotinfo
# (05e93313) carries it. Bands of interruption a month: c7i.4xlarge 15-20 %, c8g.4xlarge and
# i8g.4xlarge above 20 %, i7i.4xlarge and inf2.xlarge below 5 %, g5.xlarge above 20 %.
_GRAVITON_CLAIM: Final = (
    "AWS whitepaper 'Graviton performance testing': up to 40 % better price performance than "
    "fifth-generation instances (of Graviton2)"
)
WORKLOADS: Final = (
    Workload(
        name="compute",
        usual="c7i.4xlarge",
        chip="c8g.4xlarge",
        usual_spot_saving=0.61,
        chip_spot_saving=0.70,
        claimed_gain=1.4,
        claim=_GRAVITON_CLAIM,
    ),
    Workload(
        name="storage",
        usual="i7i.4xlarge",
        chip="i8g.4xlarge",
        usual_spot_saving=0.62,
        chip_spot_saving=0.75,
        claimed_gain=1.4,
        claim=_GRAVITON_CLAIM,
    ),
    Workload(
        name="inference",
        usual="g5.xlarge",
        chip="inf2.xlarge",
        usual_spot_saving=0.59,
        chip_spot_saving=0.78,
        claimed_gain=1.4,
        claim="Apple at re:Invent 2024, spoken: more than 40 % efficiency gains over x86 with "
        "Graviton and Inferentia",
    ),
    Workload(
        name="inference, one request at a time",
        usual="g5.xlarge",
        chip="inf2.xlarge",
        usual_spot_saving=0.59,
        chip_spot_saving=0.78,
        claimed_gain=(8.1 / 2.4) * (1.006 / 0.7582),
        claim="github.com/philschmid/aws-neuron-samples (c28d594e), BERT-base, 128 tokens, p95: "
        "8.1 ms on the GPU of g5, 2.4 ms on Inferentia2; by list price",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One trace to bill."""

    trace: Path
    recordings: tuple[Path, ...]
    days: int
    costs: tuple[float, ...]


def main() -> None:
    """Print a line for each trace, then the factors of each workload."""
    wishes = _wishes()
    chosen = tuple(path for path in recordings() if wishes.recordings in path.name)
    if not chosen:
        sys.exit(f"no recording's name has '{wishes.recordings}'")
    costs = (wishes.unserved_cost,) if wishes.unserved_cost else COSTS
    work = [
        Work(trace=path, recordings=chosen, days=wishes.days, costs=costs)
        for path in traces()
        if not wishes.traces or path.name in wishes.traces
    ]
    _say(f"Spot pools meet {', '.join(path.name for path in chosen)}")
    _say("cost against x86 on demand under target tracking; in brackets what each was set to,")
    _say(
        "and how much of the burst it left unserved; + if that is more than target tracking left\n"
    )
    _say(
        f"{'trace':30} {'unserved':>8} {'planner alone':>22} {'Spot alone':>22} "
        f"{'planner, chip, Spot':>28}"
    )
    found = []
    with ProcessPoolExecutor(processes()) as pool:
        for bills in pool.map(bill_trace, work):
            found.append(bills)
            _say(_line(bills))
    for workload in WORKLOADS:
        _say("\n" + "\n".join(_table(workload, found)))


def _wishes() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--recordings",
        default="1-node__aws-02-15-2023",
        help="part of their names, a Spot pool for each; default: three of the same weeks",
    )
    parser.add_argument("--traces", nargs="*", default=[], help="only these files")
    parser.add_argument("--days", type=int, default=49, help="the last days of each; default 49")
    parser.add_argument("--unserved-cost", type=float, help="one for all traces; default: search")
    return parser.parse_args()


def bill_trace(work: Work) -> Bills:
    """Return what each fleet used on one trace."""
    demand, baseline_units = scaled(work.trace, days=work.days)
    prices = WORKLOADS[0].usd_per_hour(chip=True)
    spots = {f"{SPOT}{index}": path for index, path in enumerate(work.recordings, start=1)}
    return Fleets(
        comparison=Comparison(demand=demand, world=World(baseline_units=baseline_units)),
        scenario=spot_scenario(spots),
        spot_price=prices[SPOT] / prices[SURE],
        costs=work.costs,
    ).bills()


def factors(workload: Workload, bills: Bills) -> Iterator[tuple[str, float, float]]:
    """Yield each fleet, its cost against the usual one, and the same with the claim."""
    usual = workload.usd_per_hour(chip=False)
    listed = workload.usd_per_hour(chip=True)
    claimed = workload.usd_per_hour(chip=True, claimed=True)
    dear = bills.usual.usd(usual)
    for name, bill, chip in (
        ("target tracking on demand, x86", bills.usual, False),
        ("planner alone", bills.planner, False),
        ("chip alone", bills.usual, True),
        ("Spot alone", bills.spot, False),
        ("planner and chip", bills.planner, True),
        ("planner and Spot", bills.ladder, False),
        (EVERYTHING, bills.ladder, True),
    ):
        at_list, at_claim = (listed, claimed) if chip else (usual, usual)
        yield name, bill.usd(at_list) / dear, bill.usd(at_claim) / dear


def _table(workload: Workload, found: Sequence[Bills]) -> Iterator[str]:
    yield f"{workload.name}: {workload.chip} against {workload.usual}; claim: {workload.claim}"
    yield f"{'geometric mean':34} {'list price':>12} {'with claim':>12}"
    rows = [list(factors(workload, bills)) for bills in found]
    for same in zip(*rows, strict=True):
        listed = _mean([cost for _, cost, _ in same])
        claimed = _mean([cost for _, _, cost in same])
        yield f"{same[0][0]:34} {listed:12.3f} {claimed:12.3f}"


def _line(bills: Bills) -> str:
    costs = {name: cost for name, cost, _ in factors(WORKLOADS[0], bills)}

    def cell(fleet: str, bill: Bill) -> str:
        more = "" if bills.serves(bill) else "+"
        spot = f", {bill.spot_instances} Spot" if fleet == EVERYTHING else ""
        return f"{more}{costs[fleet]:.3f} ({bill.setting:g}{spot}; {share(bill):.2%})"

    def share(bill: Bill) -> float:
        return bill.unserved_units / max(1e-9, bills.burst_units)

    return (
        f"{bills.name:30} {share(bills.usual):8.2%} {cell('planner alone', bills.planner):>22} "
        f"{cell('Spot alone', bills.spot):>22} {cell(EVERYTHING, bills.ladder):>28}"
    )


def _list_price(instance_type: str) -> float:
    kind = find_type(instance_type)
    if kind is None or kind.usd_per_hour is None:
        sys.exit(f"the catalogue has no price of {instance_type}")
    return kind.usd_per_hour


def _mean(values: Sequence[float]) -> float:
    return exp(sum(map(log, values)) / len(values))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
