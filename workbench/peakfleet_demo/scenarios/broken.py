"""Machines that do not come up, or do not go."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import LAUNCHED, Record
from peakfleet_demo.scenarios.scenario import Promise, Ramp, Scenario
from peakfleet_local import Behaviour

SPOT, ON_DEMAND, X86 = "GravitonSpot", "Graviton", "X86"
LOW_UNITS, HIGH_UNITS = 200.0, 330.0
MENDED_MINUTE = 60
MOST_IN_VAIN = 12
OUT_MINUTE = 25
"""The launch hooks wait five minutes, pool after pool."""


def _broken_image(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.world.break_image(stage.image_of(SPOT))
    if minute == MENDED_MINUTE:
        stage.world.break_image(stage.image_of(SPOT), broken=False)


def _broken_image_promises(record: Record) -> Iterator[Promise]:
    yield p.fault_adds_nothing(record)
    yield p.next_rung_at_once(record, SPOT)
    yield p.rarely_asked(record, SPOT, ON_DEMAND, last=MENDED_MINUTE)
    yield p.never_below_start(record)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _never_healthy(stage: Stage, minute: int) -> None:
    if minute == 0:
        for pool in (SPOT, ON_DEMAND):
            stage.world.set_behaviour(stage.pool(pool).group, Behaviour(becomes_ready=False))


def _never_healthy_promises(record: Record) -> Iterator[Promise]:
    in_vain = sum(
        sample.tries.get((pool, LAUNCHED), 0)
        for sample in record.samples[OUT_MINUTE : OUT_MINUTE + 60]
        for pool in (SPOT, ON_DEMAND)
    )
    yield Promise(
        text=f"pools whose machines never serve are taken out and tried with one machine at a "
        f"time: at most {MOST_IN_VAIN} in vain in the hour after minute {OUT_MINUTE}",
        measured=f"{in_vain}; {record.tries[SPOT, LAUNCHED]} Spot and "
        f"{record.tries[ON_DEMAND, LAUNCHED]} On-Demand in all",
        kept=in_vain <= MOST_IN_VAIN,
    )
    yield p.serves_all_again(record, since=0, within=OUT_MINUTE)
    yield p.never_below_start(record)
    yield p.rarely_asked(record, SPOT, ON_DEMAND)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


SCENARIOS = (
    Scenario(
        name="broken-image",
        shows="the image of the Graviton pools is broken; x86 carries on until it is mended",
        fleet="workers",
        minutes=120,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_broken_image,
        promises=_broken_image_promises,
        compares=True,
    ),
    Scenario(
        name="never-healthy",
        shows="Graviton machines launch and never become ready; the pools are taken out",
        fleet="workers",
        minutes=90,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_never_healthy,
        promises=_never_healthy_promises,
    ),
)
