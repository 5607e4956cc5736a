"""Inputs that mislead: metrics that are late, and minutes that are still filling."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Scenario
from peakfleet_local import Completeness

DEMAND, REQUESTS = "Demand", "Requests"
FILLING = Completeness(shares=((60, 0.4), (120, 0.7), (180, 1)))
LATE = Completeness(shares=((300, 1),))
LATE_FROM, LATE_MINUTES = 10, 20
MOST_INSTANCES = 30
MOST_MORE_MISSING = 0.05


def _complete(name: str, *curves: Completeness) -> Fault:
    def complete(environment: Environment) -> None:
        environment.aws.metrics.set_completeness("Scenarios", name, *curves)

    return complete


def _filling(m: Measurements) -> Iterator[Assertion]:
    missing, without = sum(m.missing_units), sum(m.missing_units_without_fault)
    more = (missing - without) / m.burst_units
    yield Assertion(
        text=f"what comes little by little costs at most {MOST_MORE_MISSING:.0%} of the burst",
        measured=f"{missing:,.0f} unit-minutes are missing, {without:,.0f} where every minute is "
        f"whole: {more:.1%} of the burst",
        passed=more <= MOST_MORE_MISSING,
    )
    yield a.never_below_start(m)
    yield a.serves_all_again(m, since=25, within=10)
    yield a.every_tick_answers(m)


def _late(m: Measurements) -> Iterator[Assertion]:
    yield a.never_below_start(m)
    yield a.serves_all_again(m, since=LATE_FROM + LATE_MINUTES, within=8)
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="minute-still-filling",
        shows="the newest minute has 70 % of its requests when it is read, and all a minute later",
        minutes=60,
        fleet="requests",
        faults={0: _complete(REQUESTS, FILLING)},
        assertions=_filling,
        compares=True,
    ),
    Scenario(
        name="metrics-late",
        shows="demand can be read five minutes late, for twenty minutes of the rise",
        minutes=60,
        faults={
            LATE_FROM: _complete(DEMAND, LATE),
            LATE_FROM + LATE_MINUTES: _complete(DEMAND),
        },
        assertions=_late,
    ),
)
