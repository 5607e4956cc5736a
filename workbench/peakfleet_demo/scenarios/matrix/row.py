"""One row of the fault matrix, its severities, and what every one of them promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.matrix import in_simulator as sim
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Demand, Fault, Ramp, Scenario, steady

SPOT, ON_DEMAND, X86 = "GravitonSpot", "Graviton", "X86"
BEGINS = 10
"""The minute in which a fault begins."""
AFTER_MINUTES = 42
"""What is measured after its end: the longest backoff is 30 minutes, an instance boots for 3."""
BACK_MINUTES = 40
CALM, RISE = steady(300.0), Ramp(low=200.0, high=330.0)
STEP = 45
"""Half of what all pools may have, which is the most that one tick adds."""
HOURS: Final = 60
HOLDS_ON: Final = "holds what runs, lets nothing go, calls on within bounds"
Promise = Callable[[Measurements], Assertion]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the matrix.

    Args:
        number: Of the row, or S and a number for static stability.
        fault: What fails.
        safe: What is safe then.
        severities: What three severities are, in words.
        scenarios: One for each of them.
        cases: The same, as they were declared.
        unsimulated: Why the simulator has no leg of it. Default: it has.
    """

    number: str
    fault: str
    safe: str
    severities: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    cases: tuple[Case, ...]
    unsimulated: str = ""

    def in_simulator(self) -> list[list[Assertion]]:
        """Run its severities in the simulator, and return the promises of each; none without."""
        return [
            list(_promises(case.measured(case.simulated), case))
            for case in self.cases
            if case.simulated
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One severity of a row.

    Args:
        words: What it is.
        faults: What happens, by minute.
        lasts: Minutes from the beginning of the fault to its end.
        promises: What is promised besides what always is.
        tells: What an alarm promises, which the simulator has none of.
        simulated: The fault in the simulator. Default: it has no part for it.
        killed: Ticks that do not answer.
        ends_busy: Whether the fault itself ends machines at work.
        demand: Default: steady, of 20 instances.
    """

    words: str
    faults: Mapping[int, Fault]
    lasts: int
    promises: tuple[Promise, ...] = ()
    tells: tuple[Promise, ...] = ()
    simulated: sim.InSimulator | None = None
    killed: int = 0
    ends_busy: bool = False
    demand: Demand = CALM

    @property
    def minutes(self) -> int:
        """How long it is measured."""
        return BEGINS + self.lasts + AFTER_MINUTES

    def measured(self, fault: sim.InSimulator) -> Measurements:
        """Return what the simulator makes of it."""
        return sim.measure(
            self.demand, fault, minutes=self.minutes, begins=BEGINS, lasts=self.lasts
        )


def row(
    number: int | str, name: str, fault: str, safe: str, *cases: Case, unsimulated: str = ""
) -> Row:
    """Return a row; its severities are mild, grave and worst."""
    label = f"{number:02}" if isinstance(number, int) else number
    scenarios = tuple(
        Scenario(
            name=f"{label}-{name}-{severity}",
            shows=f"{fault}: {case.words}",
            minutes=case.minutes,
            demand_units=case.demand,
            faults=case.faults,
            assertions=partial(_all_promises, case=case),
        )
        for severity, case in zip(("mild", "grave", "worst"), cases, strict=True)
    )
    words = tuple(case.words for case in cases)
    return Row(
        number=label,
        fault=fault,
        safe=safe,
        severities=words,
        scenarios=scenarios,
        cases=cases,
        unsimulated=unsimulated,
    )


def _all_promises(m: Measurements, case: Case) -> Iterator[Assertion]:
    yield from _promises(m, case)
    for promise in case.tells:
        yield promise(m)


def _promises(m: Measurements, case: Case) -> Iterator[Assertion]:
    yield answers(m, killed=case.killed)
    yield within_maxima(m)
    yield no_leap(m)
    if not case.ends_busy:
        yield a.nothing_busy_lost(m)
    for promise in case.promises:
        yield promise(m)
    yield a.serves_all_again(m, since=BEGINS + case.lasts, within=BACK_MINUTES)


def answers(m: Measurements, *, killed: int) -> Assertion:
    """No tick fails but those that are made to."""
    failed = sum(bool(sample.fleet.error) for sample in m.samples)
    return Assertion(
        text=f"at most {killed} ticks do not answer" if killed else "every tick answers",
        measured=f"{failed} of {len(m.samples)} did not",
        passed=failed <= killed,
    )


def within_maxima(m: Measurements) -> Assertion:
    """No pool is asked for more than its maximum."""
    pools = [(pool.name, pool.max_capacity) for pool in m.spec.pools]
    over = max(
        m.desired(name, minute) - most for minute in range(len(m.samples)) for name, most in pools
    )
    return Assertion(
        text="no pool is ever above its maximum",
        measured=f"{-over} below it at the nearest" if over <= 0 else f"{over} above it",
        passed=over <= 0,
    )


def no_leap(m: Measurements) -> Assertion:
    """No tick launches more than the pace allows."""
    most = max(sum(map(len, sample.launched_at.values())) for sample in m.samples)
    return Assertion(
        text=f"at most {STEP} instances are launched in a minute",
        measured=f"at most {most}",
        passed=most <= STEP,
    )


def nothing_let_go(lasts: int) -> Promise:
    """Return the promise that nothing that serves leaves while the fault lasts."""

    def promise(m: Measurements) -> Assertion:
        start = m.in_service(BEGINS)
        least = min(m.in_service(minute) for minute in range(BEGINS, BEGINS + lasts))
        return Assertion(
            text="nothing that serves is let go while it lasts",
            measured=f"{start} instances when it begins, never fewer than {least}",
            passed=least >= start,
        )

    return promise


def never_more_than(instances: int) -> Promise:
    """Return the promise that the fault makes the fleet no larger than that."""
    return lambda m: a.never_above(m, instances=instances)


def told(metric: str, *, within: int) -> Promise:
    """Return the promise that an alarm tells of it."""
    return lambda m: a.rings(m, metric, since=BEGINS, within=within)


def until(lasts: int, begins: Fault, ends: Fault) -> dict[int, Fault]:
    """Return a fault that begins, and ends after so many minutes."""
    return {BEGINS: begins, BEGINS + lasts: ends}


def each_minute(lasts: int, fault: Fault) -> dict[int, Fault]:
    """Return a fault that happens in each of so many minutes."""
    return dict.fromkeys(range(BEGINS, BEGINS + lasts), fault)


def lasting(minutes: int) -> str:
    """Return a length in words."""
    if minutes < HOURS:
        return f"{minutes} minutes"
    return "an hour" if minutes == HOURS else f"{minutes / HOURS:g} hours"
