"""Servers of a model, and the chips under them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from math import ceil

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.environment import Environment
from peakfleet_demo.scenarios.measurements import LAUNCHED, Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Ramp, Scenario, steady
from peakfleet_planner import PoolSpec

INFERENTIA, TRAINIUM, GRAVITON = "Inferentia", "Trainium", "Graviton"
LOW_UNITS = 4_000.0
RANKING_RISE = Ramp(low=LOW_UNITS, high=10_000.0)
SLOW_SECONDS = 840.0
"""Just inside the 15 minutes that the launch hook allows."""
SICK_MINUTE = 10
REPLACED_MINUTES = 12
UNEVEN_RISE = Ramp(low=LOW_UNITS, high=7_700.0)
"""In the end more than seven Inferentia2 serve and less than eight."""
BACK_MINUTE, REST_MINUTES = 40, 120


def _no_inferentia(m: Measurements) -> Iterator[Assertion]:
    yield a.next_pool_in_same_tick(m, INFERENTIA)
    yield a.rarely_asked(m, INFERENTIA)
    yield Assertion(
        text="Trainium takes over, and Graviton once that is used up",
        measured=f"{m.tries[TRAINIUM, LAUNCHED]} Trainium, "
        f"{m.tries[GRAVITON, LAUNCHED]} Graviton launched",
        passed=m.tries[TRAINIUM, LAUNCHED] > 0,
    )
    yield a.nothing_missing(m, first=m.last_minute - 10)
    yield a.never_below_start(m)
    yield a.every_tick_answers(m)


def _slow_boots(environment: Environment) -> None:
    group = environment.pool(INFERENTIA).group
    environment.world.set_boot_seconds(group=group, seconds=SLOW_SECONDS)


def _slow_model(m: Measurements) -> Iterator[Assertion]:
    launched = m.tries[INFERENTIA, LAUNCHED]
    most = max(m.capacity(INFERENTIA, minute) for minute in range(len(m.samples)))
    arrived = most - m.capacity(INFERENTIA, 0)
    yield Assertion(
        text="what loads slowly is waited for: all that is launched serves",
        measured=f"{launched} launched, {arrived} more served at the peak than before",
        passed=launched == arrived,
    )
    yield a.nothing_missing(m, first=m.last_minute - 10)
    yield a.never_below_start(m)
    yield a.every_tick_answers(m)


def _report_unhealthy(environment: Environment) -> None:
    sick = environment.serving(INFERENTIA)[0].instance_id
    environment.aws.client("autoscaling").set_instance_health(
        InstanceId=sick, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
    )


def _failed_chip(m: Measurements) -> Iterator[Assertion]:
    yield Assertion(
        text="one machine gives itself up and no other one ends",
        measured=f"{len(m.endings)} ended",
        passed=len(m.endings) == 1,
    )
    start = m.capacity(INFERENTIA, 0)
    whole = a.first_minute(
        m,
        lambda minute: m.capacity(INFERENTIA, minute) >= start,
        since=SICK_MINUTE + 2,
    )
    yield Assertion(
        text=f"another one serves in its place within {REPLACED_MINUTES} minutes",
        measured="never" if whole is None else f"after {whole - SICK_MINUTE} minutes",
        passed=whole is not None and whole - SICK_MINUTE <= REPLACED_MINUTES,
    )
    yield a.missing_at_most(m, minutes=REPLACED_MINUTES)
    yield a.every_tick_answers(m)


def _chips(environment: Environment) -> tuple[str, ...]:
    names = (INFERENTIA, TRAINIUM)
    return tuple(kind for name in names for kind in environment.pool(name).instance_types)


def _at_rest(m: Measurements) -> Iterator[Assertion]:
    pools = [pool.name for pool in m.spec.pools]
    sizes = [tuple(m.desired(pool, minute) for pool in pools) for minute in range(len(m.samples))]
    changed = [at for at in range(BACK_MINUTE, len(sizes)) if sizes[at] != sizes[at - 1]]
    rest = (changed[-1] + 1 if changed else BACK_MINUTE) - BACK_MINUTE
    last = ", ".join(f"{size} {pool}" for size, pool in zip(sizes[-1], pools, strict=True))
    yield Assertion(
        text=f"with steady demand sizes come to rest within {REST_MINUTES} minutes of the return",
        measured=f"after {rest} minutes and {len(changed)} changes, with {last}",
        passed=rest <= REST_MINUTES,
    )
    yield Assertion(
        text="no instance could be exchanged for as much of another pool at less cost",
        measured=last,
        passed=not any(_is_cheaper(m, *pair) for pair in permutations(m.spec.pools, 2)),
    )
    launched = m.tries[GRAVITON, LAUNCHED]
    most = max(m.capacity(GRAVITON, minute) for minute in range(len(m.samples)))
    yield Assertion(
        text="no instance of Graviton is ended and bought again",
        measured=f"{launched} launched, at most {most} served",
        passed=launched <= most,
    )
    yield a.nothing_missing(m, first=BACK_MINUTE)
    yield a.every_tick_answers(m)


def _is_cheaper(m: Measurements, gone: PoolSpec, instead: PoolSpec) -> bool:
    """Return whether one instance less of a pool and some more of another would cost less."""
    if not m.desired(gone.name, m.last_minute):
        return False
    units = sum(
        m.desired(pool.name, m.last_minute) * pool.units_per_capacity for pool in m.spec.pools
    )
    needed = m.samples[-1].fleet.work.burst_units - (units - gone.units_per_capacity)
    more = max(0, ceil(needed / instead.units_per_capacity))
    prices = gone.usd_per_capacity_hour, instead.usd_per_capacity_hour
    return all(prices) and more * (prices[1] or 0) < (prices[0] or 0)


SCENARIOS = (
    Scenario(
        name="inferentia-dry",
        shows="Inferentia2 cannot be had while demand rises; Trainium and Graviton take over",
        fleet="ranking",
        minutes=90,
        demand_units=RANKING_RISE,
        faults={0: lambda at: at.limit(at.pool(INFERENTIA).instance_types)},
        assertions=_no_inferentia,
    ),
    Scenario(
        name="slow-model",
        shows="new machines load their model in 14 minutes instead of 10",
        fleet="ranking",
        minutes=90,
        demand_units=RANKING_RISE,
        faults={0: _slow_boots},
        assertions=_slow_model,
    ),
    Scenario(
        name="neuron-errors",
        shows="the chip of one machine fails; the machine gives itself up to its group",
        fleet="ranking",
        minutes=60,
        demand_units=steady(LOW_UNITS),
        faults={SICK_MINUTE: _report_unhealthy},
        assertions=_failed_chip,
    ),
    Scenario(
        name="ladder-settles",
        shows="both chips are back after a drought in which Graviton, a ninth as large, grew",
        fleet="ranking",
        minutes=BACK_MINUTE + REST_MINUTES + 60,
        demand_units=UNEVEN_RISE,
        faults={
            0: lambda at: at.limit(_chips(at)),
            BACK_MINUTE: lambda at: at.limit(_chips(at), instances=None),
        },
        assertions=_at_rest,
    ),
)
