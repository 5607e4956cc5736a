"""Traffic that is split between sites and the fleet: a site's targets die, a name acts late."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import NOTHING_UNITS, Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Ramp, Scenario, steady
from peakfleet_planner import BaselineCause, Reason

DEAD_FROM, BACK_FROM, LASTS = 10, 70, 110
BOOT_MINUTES = 5
ALARM_MINUTES = 12
DEMAND_UNITS = 250.0
NAMED_MINUTES = 300
MOST_MISSED = 0.05


def wave(minute: int) -> float:
    """Return demand that rises for an hour and a half, stays for one and falls for one."""
    rise, fall = (
        Ramp(low=80, high=320, begins=20, minutes=90),
        Ramp(low=0, high=-240, begins=170, minutes=60),
    )
    return rise(minute) + fall(minute)


def _dies(environment: Environment) -> None:
    environment.lose_targets("fra")
    environment.own_side.healthy["fra"] = 0.0
    environment.own_side.told["fra"] = 1.0


def _returns(environment: Environment) -> None:
    environment.bring_targets("fra", "10.200.0.10")
    environment.own_side.healthy.clear()
    environment.own_side.told.clear()


def _dead_side(m: Measurements) -> Iterator[Assertion]:
    plans = [sample.fleet.plan for sample in m.samples]
    sent = [plan.site_weights.get("fra", 0) if plan else 0 for plan in plans]
    late = [at for at in range(DEAD_FROM + 1, BACK_FROM) if sent[at]]
    yield Assertion(
        text="from the next tick on the dead site gets no traffic",
        measured=f"it got some after {len(late)} of {BACK_FROM - DEAD_FROM - 1} ticks",
        passed=not late,
    )
    said = sum(
        any(site.cause is BaselineCause.TARGETS for site in plan.sites)
        and Reason.TARGETS_DEAD in (plan.reason, *plan.limits)
        for plan in plans[DEAD_FROM:BACK_FROM]
        if plan
    )
    yield Assertion(
        text="the plan says so all the while, though the site reports all its units",
        measured=f"{said} of {BACK_FROM - DEAD_FROM} plans do",
        passed=said >= BACK_FROM - DEAD_FROM - 1,
    )
    yield a.rings(m, "LastingTrouble", since=DEAD_FROM, within=ALARM_MINUTES)
    yield a.serves_all_again(m, since=DEAD_FROM, within=3 + BOOT_MINUTES)
    whole = sent[0]
    yield Assertion(
        text="once its servers are healthy it gets its share again within three ticks",
        measured=f"{sent[BACK_FROM + 4]} of 999, {whole} before",
        passed=abs(sent[BACK_FROM + 4] - whole) <= 1,
    )
    after = sum(m.missing_units[BACK_FROM:])
    yield Assertion(
        text="nothing is missing while traffic moves back",
        measured=f"{after:,.0f} unit-minutes",
        passed=after <= NOTHING_UNITS,
    )
    yield a.every_tick_answers(m)


def _named(m: Measurements) -> Iterator[Assertion]:
    missing, burst = sum(m.missing_units), m.burst_units
    yield Assertion(
        text=f"at most {MOST_MISSED:.0%} of the burst is missing, though weights act a minute late",
        measured=f"{missing:,.0f} unit-minutes of {burst:,.0f}: {missing / burst:.1%}",
        passed=missing <= MOST_MISSED * burst,
    )
    falls = range(170, NAMED_MINUTES)
    lost = sum(m.missing_units[falls[0] :])
    yield Assertion(
        text="nothing is missing while demand falls: weights fall before instances leave",
        measured=f"{lost:,.0f} unit-minutes",
        passed=lost <= NOTHING_UNITS,
    )
    yield Assertion(
        text="in the end the fleet is empty",
        measured=f"{m.in_service(NAMED_MINUTES - 1)} instances",
        passed=m.in_service(NAMED_MINUTES - 1) == 0,
    )
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="site-targets-dead",
        shows="a site's servers answer no health check for an hour, and its reporter says all is "
        "well",
        minutes=LASTS,
        fleet="edges",
        demand_units=steady(DEMAND_UNITS),
        faults={DEAD_FROM: _dies, BACK_FROM: _returns},
        assertions=_dead_side,
    ),
    Scenario(
        name="name-acts-late",
        shows="records of a name split the traffic of an evening; answers are kept for a minute",
        minutes=NAMED_MINUTES,
        fleet="named",
        demand_units=wave,
        faults={},
        assertions=_named,
    ),
)
