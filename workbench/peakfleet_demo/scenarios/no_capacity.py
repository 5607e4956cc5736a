"""Capacity that cannot be had: a type, a zone, everything, a quota."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import LAUNCHED, Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Scenario

SPOT, ON_DEMAND, X86 = "GravitonSpot", "Graviton", "X86"
REFUSED_TYPE = "c8g.4xlarge"
REFUSING_MINUTES = 480
BACK_AGAIN_MINUTES = 45
"""The longest pause between two requests is 30 minutes, and an instance boots for three."""
MOST_INSTANCES = 31
"""23 serve the peak; a third is headroom that the reactive rule may want on the way."""
SPOT_QUOTA, ON_DEMAND_QUOTA = 15, 6


def _other_spot(m: Measurements, *, where: str) -> Iterator[Assertion]:
    yield a.fault_adds_nothing(m)
    yield a.rarely_asked(m, ON_DEMAND, X86)
    others = m.tries[ON_DEMAND, LAUNCHED] + m.tries[X86, LAUNCHED]
    yield Assertion(
        text=f"Spot {where} carries the peak, nothing dearer",
        measured=f"{m.tries[SPOT, LAUNCHED]} Spot, {others} others launched",
        passed=others == 0 < m.tries[SPOT, LAUNCHED],
    )
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _no_spot(m: Measurements) -> Iterator[Assertion]:
    yield a.fault_adds_nothing(m)
    yield a.next_pool_in_same_tick(m, SPOT)
    yield a.rarely_asked(m, SPOT)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _nothing_at_all(m: Measurements) -> Iterator[Assertion]:
    yield a.never_below_start(m)
    yield a.rarely_asked(m, SPOT, ON_DEMAND, X86, last=REFUSING_MINUTES)
    yield a.serves_all_again(m, since=REFUSING_MINUTES, within=BACK_AGAIN_MINUTES)
    desired = sum(m.desired(pool, REFUSING_MINUTES - 1) for pool in (SPOT, ON_DEMAND, X86))
    served = m.in_service(REFUSING_MINUTES - 1)
    yield Assertion(
        text="nothing is desired that cannot be had, so nothing floods in later",
        measured=f"{desired} desired and {served} there at the end of the drought",
        passed=desired == served,
    )
    yield a.never_above(m, instances=MOST_INSTANCES)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _set_quotas(environment: Environment) -> None:
    environment.world.set_quota(purchase="spot", instances=SPOT_QUOTA)
    environment.world.set_quota(purchase="on-demand", instances=ON_DEMAND_QUOTA)


def _quotas_used(m: Measurements) -> Iterator[Assertion]:
    yield a.next_pool_in_same_tick(m, SPOT)
    yield a.rarely_asked(m, SPOT, ON_DEMAND, X86)
    served, on_spot = m.in_service(m.last_minute), m.capacity(SPOT, m.last_minute)
    yield Assertion(
        text=f"both quotas are used up: {SPOT_QUOTA} on Spot, {ON_DEMAND_QUOTA} on demand",
        measured=f"{on_spot} on Spot, {served - on_spot} on demand",
        passed=served == SPOT_QUOTA + ON_DEMAND_QUOTA,
    )
    yield a.never_below_start(m)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="one-type-dry",
        shows="one instance type cannot be had anywhere; the other type of the pool carries on",
        minutes=60,
        faults={0: lambda at: at.limit([REFUSED_TYPE])},
        assertions=lambda m: _other_spot(m, where="of the other type"),
        compares=True,
    ),
    Scenario(
        name="one-zone-dry",
        shows="one Availability Zone has nothing left; the other zones carry on",
        minutes=60,
        faults={0: lambda at: at.limit(at.all_types(), zones=at.zones[:1])},
        assertions=lambda m: _other_spot(m, where="in the other zones"),
        compares=True,
    ),
    Scenario(
        name="spot-dry",
        shows="Spot cannot be had at all; On-Demand is asked for in the same tick",
        minutes=90,
        faults={0: lambda at: at.limit(at.pool(SPOT).instance_types, purchase="spot")},
        assertions=_no_spot,
        compares=True,
    ),
    Scenario(
        name="everything-dry",
        shows="nothing can be had for eight hours, then everything again",
        minutes=REFUSING_MINUTES + 60,
        faults={
            0: lambda at: at.limit(at.all_types()),
            REFUSING_MINUTES: lambda at: at.limit(at.all_types(), instances=None),
        },
        assertions=_nothing_at_all,
    ),
    Scenario(
        name="quota-reached",
        shows="the account's quotas end below the demand; what they allow is used",
        minutes=90,
        faults={0: _set_quotas},
        assertions=_quotas_used,
    ),
)
