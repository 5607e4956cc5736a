"""A day of random faults on a deployed fleet: `python -m peakfleet_demo.chaos --hours 24`.

The same demand is run without faults first; what is told is the difference, and whether the
memory of the process grows.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from math import pi, sin
from pathlib import Path
from typing import Final

from peakfleet_demo.scenarios import Measurements, deployed_runner
from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.matrix import ROWS
from peakfleet_demo.scenarios.matrix.row import no_leap, within_maxima
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Scenario

LEAST_APART_MINUTES, MOST_APART_MINUTES = 10, 60
LEFT_OUT: Final = frozenset({"22", "24", "25", "28", "30"})
"""Rows of another fleet or demand, and those that would end a day: a hold, a broken document."""
USABLE: Final = tuple(
    row.scenarios[0] for row in ROWS if row.number not in LEFT_OUT and row.number[0] != "S"
)


def day(minute: int) -> float:
    """Return demand that rises and falls within six hours, of 5 to 25 instances."""
    return 250.0 + 100.0 * sin(2 * pi * minute / 360)


def drawn(seed: int, minutes: int) -> tuple[Mapping[int, Fault], list[tuple[int, str]]]:
    """Return faults by minute, and which of them begin when.

    Args:
        seed: The same seed draws the same faults.
        minutes: How long they go on; the last half hour is quiet.
    """
    draws = random.Random(seed)
    faults: dict[int, list[Fault]] = {}
    begins: list[tuple[int, str]] = []
    minute = 0
    while (minute := minute + draws.randint(LEAST_APART_MINUTES, MOST_APART_MINUTES)) < minutes:
        scenario = draws.choice(USABLE)
        first, last = min(scenario.faults), max(scenario.faults)
        if minute + last - first >= minutes - 30:
            break
        begins.append((minute, scenario.name))
        for at, fault in scenario.faults.items():
            faults.setdefault(minute + at - first, []).append(fault)
    return {at: _together(several) for at, several in faults.items()}, begins


def _together(several: list[Fault]) -> Fault:
    return lambda environment: [fault(environment) for fault in several]


def _promises(m: Measurements) -> Iterator[Assertion]:
    yield within_maxima(m)
    yield no_leap(m)
    yield a.serves_all_again(m, since=m.last_minute - 30, within=30)


def _handlers_mib() -> float:
    """Return what the processes of the handlers hold; 0 on a machine without /proc.

    The local AWS itself grows: it keeps what is published, and the machines that have ended.
    """
    here = Path("/proc/self/task")
    lists = [one.read_text() for one in here.glob("*/children")]
    children = [pid for found in lists for pid in found.split()]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in children)
    return pages * resource.getpagesize() / 2**20


def run(seed: int, hours: int, say: Callable[[str], object], *, app_directory: Path) -> bool:
    """Run the day twice, and say what the faults cost; whether every promise was kept.

    Args:
        seed: Of the faults.
        hours: Virtual hours.
        say: Takes a line.
        app_directory: The checkout.
    """
    minutes = 60 * hours
    faults, begins = drawn(seed, minutes)
    kept = True
    with deployed_runner(
        "workers", app_directory=app_directory, on_output=lambda _: None
    ) as runner:
        for title, happens in (("without faults", {}), ("with faults", faults)):
            scenario = Scenario(
                name="chaos",
                shows=title,
                minutes=minutes,
                demand_units=day,
                faults=happens,
                assertions=_promises,
            )
            result = runner.run(scenario, show=lambda _: None)
            m = result.measured
            paid = sum(sample.billed_capacity for sample in m.samples) / 60
            say(
                f"{title}: {sum(m.missing_units):,.0f} of {m.burst_units:,.0f} unit-minutes "
                f"missing, {paid:,.0f} instance-hours; the handlers hold {_handlers_mib():.0f} MiB"
            )
            for one in result.assertions:
                say(f"  {'PASS' if one.passed else 'FAIL'} {one.text}: {one.measured}")
            kept = kept and result.passed
    say(f"{len(begins)} faults: " + ", ".join(f"{name} at {minute}" for minute, name in begins))
    return kept


def main() -> int:
    """Read the command line and run; 1 if a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--hours", type=int, default=24)
    given = options.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    return 0 if run(given.seed, given.hours, say, app_directory=Path.cwd()) else 1


if __name__ == "__main__":
    sys.exit(main())
