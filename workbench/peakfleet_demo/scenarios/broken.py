"""Instances that do not come up, or do not go."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import LAUNCHED, Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Scenario, steady
from peakfleet_local import Behaviour

SPOT, ON_DEMAND = "GravitonSpot", "Graviton"
REPAIRED_MINUTE = 60
MOST_IN_VAIN = 12
LOST_ZONES, OUTAGE_MINUTE, OUTAGE_MINUTES = 2, 10, 30
RESUMED_MINUTES, HALT_RINGS_MINUTES = 60, 4
REPLACEMENT_SECONDS = 90.0
"""So long that a tick finds all of them unhealthy at once."""
REPLACED_MINUTES = 8
"""The health check, a tick, one boot, and some to spare."""
STEADY_UNITS = 300.0
OUT_MINUTE = 25
"""The launch hooks wait five minutes, pool after pool."""


def _broken_image(m: Measurements) -> Iterator[Assertion]:
    yield a.fault_adds_nothing(m)
    yield a.next_pool_in_same_tick(m, SPOT)
    yield a.rarely_asked(m, SPOT, ON_DEMAND, last=REPAIRED_MINUTE)
    yield a.never_below_start(m)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _never_become_ready(environment: Environment) -> None:
    for pool in (SPOT, ON_DEMAND):
        group = environment.pool(pool).group
        environment.world.set_behaviour(group, Behaviour(becomes_ready=False))


def _never_healthy(m: Measurements) -> Iterator[Assertion]:
    in_vain = sum(
        sample.tries.get((pool, LAUNCHED), 0)
        for sample in m.samples[OUT_MINUTE : OUT_MINUTE + 60]
        for pool in (SPOT, ON_DEMAND)
    )
    yield Assertion(
        text=f"pools whose machines never serve are taken out and tried with one machine at a "
        f"time: at most {MOST_IN_VAIN} in vain in the hour after minute {OUT_MINUTE}",
        measured=f"{in_vain}; {m.tries[SPOT, LAUNCHED]} Spot and "
        f"{m.tries[ON_DEMAND, LAUNCHED]} On-Demand in all",
        passed=in_vain <= MOST_IN_VAIN,
    )
    yield a.serves_all_again(m, since=0, within=OUT_MINUTE)
    yield a.never_below_start(m)
    yield a.rarely_asked(m, SPOT, ON_DEMAND)
    yield a.nothing_busy_lost(m)
    yield a.every_tick_answers(m)


def _zones_fail(environment: Environment) -> None:
    lost = environment.zones[:LOST_ZONES]
    environment.limit(environment.all_types(), zones=lost)
    for zone in lost:
        environment.world.fail_zone(zone)


def _zones_return(environment: Environment) -> None:
    lost = environment.zones[:LOST_ZONES]
    environment.limit(environment.all_types(), zones=lost, instances=None)


def _zones_lost(m: Measurements) -> Iterator[Assertion]:
    yield a.serves_all_again(m, since=OUTAGE_MINUTE, within=REPLACED_MINUTES)
    last = m.in_service(m.last_minute)
    most = max(sample.billed_capacity for sample in m.samples[-5:])
    yield Assertion(
        text="what failed is replaced in the end and costs nothing more",
        measured=f"{last} serve, {most} are paid",
        passed=most <= last + 1,
    )
    yield a.every_tick_answers(m)


def _zones_unhealthy(environment: Environment) -> None:
    environment.world.replacement_seconds = REPLACEMENT_SECONDS
    for zone in environment.zones[:LOST_ZONES]:
        environment.world.fail_zone(zone)


def _halted(m: Measurements) -> Iterator[Assertion]:
    halted = [
        minute
        for minute in range(len(m.samples))
        if not all(m.pool_plan(pool.name, minute).replaces_unhealthy for pool in m.spec.pools)
    ]
    yield Assertion(
        text=f"replacement halts, and goes on by itself within {RESUMED_MINUTES} minutes",
        measured=f"halted for {len(halted)} minutes, the last one {halted[-1] + 1 - OUTAGE_MINUTE} "
        "minutes after the zones failed"
        if halted
        else "it never halted",
        passed=bool(halted) and halted[-1] + 1 - OUTAGE_MINUTE <= RESUMED_MINUTES,
    )
    yield a.rings(m, "ReplacementHalted", since=OUTAGE_MINUTE, within=HALT_RINGS_MINUTES)
    yield a.serves_all_again(m, since=OUTAGE_MINUTE, within=REPLACED_MINUTES)
    last = m.in_service(m.last_minute)
    paid = m.samples[-1].billed_capacity
    yield Assertion(
        text="all that is paid serves in the end",
        measured=f"{last} serve, {paid} are paid",
        passed=paid == last,
    )
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="broken-image",
        shows="the image of the Graviton pools is broken; x86 carries on until it is mended",
        minutes=120,
        faults={
            0: lambda at: at.world.break_image(at.image_of(SPOT)),
            REPAIRED_MINUTE: lambda at: at.world.break_image(at.image_of(SPOT), broken=False),
        },
        assertions=_broken_image,
        compares=True,
    ),
    Scenario(
        name="never-healthy",
        shows="Graviton machines launch and never become ready; the pools are taken out",
        minutes=90,
        faults={0: _never_become_ready},
        assertions=_never_healthy,
    ),
    Scenario(
        name="zones-lost",
        shows="everything in two of three zones fails, and they have no capacity for half an hour",
        minutes=90,
        demand_units=steady(STEADY_UNITS),
        faults={OUTAGE_MINUTE: _zones_fail, OUTAGE_MINUTE + OUTAGE_MINUTES: _zones_return},
        assertions=_zones_lost,
    ),
    Scenario(
        name="zones-unhealthy",
        shows="two thirds of the first group are unhealthy at once, and stay so until replaced",
        minutes=120,
        demand_units=steady(STEADY_UNITS),
        faults={OUTAGE_MINUTE: _zones_unhealthy},
        assertions=_halted,
    ),
)
