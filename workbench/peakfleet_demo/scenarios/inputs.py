"""Inputs that mislead: metrics that are late or fall silent, and minutes that are still filling."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Fault, Ramp, Scenario, steady
from peakfleet_local import Completeness
from peakfleet_local.replay import usable_baseline_units

DEMAND = "Demand"
FILLING = Completeness(shares=((60, 0.4), (120, 0.7), (180, 1)))
FILLING_FROM, FILLING_MINUTES, MOST_SHARE_OFF = -29, 360, 0.1
"""It has always been so, since the first tick."""
LATE = Completeness(shares=((300, 1),))
LATE_FROM, LATE_MINUTES = 10, 20
MOST_INSTANCES = 30
MOST_MORE_MISSING = 0.05
PEAK_UNITS = 550.0
"""45 instances above the baseline."""
SILENT_FROM, SILENT_MINUTES = 5, 45
SILENCE_RINGS_MINUTES = 16
"""Three minutes until it counts as silence, ten until the alarm rings, and the tick's own."""


def wave(minute: int) -> float:
    """Return demand that rises for two hours, stays for two and falls for two."""
    rise, fall = (
        Ramp(low=200, high=500, minutes=120),
        Ramp(low=0, high=-300, begins=235, minutes=120),
    )
    return rise(minute) + fall(minute)


def _complete(name: str, *curves: Completeness) -> Fault:
    def complete(environment: Environment) -> None:
        environment.aws.metrics.set_completeness("Scenarios", name, *curves)

    return complete


def _complete_requests(*curves: Completeness) -> Fault:
    def complete(environment: Environment) -> None:
        for metric in environment.spec.signals[0].metrics.values():
            environment.aws.metrics.set_completeness(metric.namespace, metric.metric_name, *curves)

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
    baseline = usable_baseline_units(m.spec)
    off = max(
        abs(m.cloud_share(minute) - min(work.burst_units, work.ready_units) / work.demand_units)
        for minute, work in ((at, one.fleet.work) for at, one in enumerate(m.samples))
        if work.demand_units > baseline
    )
    yield Assertion(
        text=f"the traffic's weight is never more than {MOST_SHARE_OFF:.0%} of all traffic from "
        "what the fleet serves",
        measured=f"at most {off:.1%}",
        passed=off <= MOST_SHARE_OFF,
    )
    yield a.never_below_start(m)
    yield a.every_tick_answers(m)


def _late(m: Measurements) -> Iterator[Assertion]:
    yield a.never_below_start(m)
    yield a.serves_all_again(m, since=LATE_FROM + LATE_MINUTES, within=8)
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _fall_silent() -> dict[int, Fault]:
    """Return faults by minute that hide what was measured since the first of them."""
    ends = SILENT_FROM + SILENT_MINUTES
    hidden = {
        minute: _complete_requests(Completeness(shares=((60.0 * (minute - SILENT_FROM + 3), 1.0),)))
        for minute in range(SILENT_FROM, ends)
    }
    return {**hidden, ends: _complete_requests()}


def _silent(m: Measurements) -> Iterator[Assertion]:
    yield a.never_below_start(m)
    yield a.nothing_missing(m)
    least = min(m.cloud_share(minute) for minute in range(len(m.samples)))
    yield Assertion(
        text="the traffic's weight stays as it was",
        measured=f"{m.cloud_share(0):.1%} at first, never less than {least:.1%}",
        passed=least >= m.cloud_share(0),
    )
    yield a.rings(m, "StaleSignals", since=SILENT_FROM, within=SILENCE_RINGS_MINUTES)
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="minute-still-filling",
        shows="the newest minute has 70 % of its requests when it is read, for a quarter of a day",
        minutes=FILLING_MINUTES,
        fleet="requests",
        demand_units=wave,
        faults={FILLING_FROM: _complete_requests(FILLING)},
        assertions=_filling,
        compares=True,
    ),
    Scenario(
        name="requests-silent",
        shows="45 machines serve, and the balancer's request count stops for 45 minutes",
        minutes=70,
        fleet="requests",
        demand_units=steady(PEAK_UNITS),
        faults=_fall_silent(),
        assertions=_silent,
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
