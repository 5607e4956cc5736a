"""Servers of a model, and the chips under them."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import LAUNCHED, Record
from peakfleet_demo.scenarios.scenario import Promise, Ramp, Scenario, steady

INFERENTIA, TRAINIUM, GRAVITON = "Inferentia", "Trainium", "Graviton"
LOW_UNITS, HIGH_UNITS = 4_000.0, 10_000.0
SLOW_SECONDS = 840.0
"""Just inside the 15 minutes that the launch hook allows."""
SICK_MINUTE = 10
REPLACED_MINUTES = 12


def _inferentia_dry(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.limit(stage.pool(INFERENTIA).instance_types)


def _inferentia_promises(record: Record) -> Iterator[Promise]:
    yield p.next_rung_at_once(record, INFERENTIA)
    yield p.rarely_asked(record, INFERENTIA)
    yield Promise(
        text="Trainium takes over, and Graviton once that is used up",
        measured=f"{record.tries[TRAINIUM, LAUNCHED]} Trainium, "
        f"{record.tries[GRAVITON, LAUNCHED]} Graviton launched",
        kept=record.tries[TRAINIUM, LAUNCHED] > 0,
    )
    last = len(record.samples) - 1
    yield p.nothing_missing(record, first=last - 10)
    yield p.never_below_start(record)
    yield p.handler_never_fails(record)


def _slow_model(stage: Stage, minute: int) -> None:
    if minute == 0:
        pool = stage.pool(INFERENTIA)
        stage.world.set_boot_seconds(group=pool.group, seconds=SLOW_SECONDS)


def _slow_promises(record: Record) -> Iterator[Promise]:
    last = len(record.samples) - 1
    launched = record.tries[INFERENTIA, LAUNCHED]
    most = max(record.capacity(INFERENTIA, minute) for minute in range(last + 1))
    arrived = most - record.capacity(INFERENTIA, 0)
    yield Promise(
        text="what loads slowly is waited for: all that is launched serves",
        measured=f"{launched} launched, {arrived} more served at the peak than before",
        kept=launched == arrived,
    )
    yield p.nothing_missing(record, first=last - 10)
    yield p.never_below_start(record)
    yield p.handler_never_fails(record)


def _sick_chip(stage: Stage, minute: int) -> None:
    if minute == SICK_MINUTE:
        sick = stage.serving(INFERENTIA)[0].instance_id
        stage.aws.client("autoscaling").set_instance_health(
            InstanceId=sick, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False
        )


def _sick_promises(record: Record) -> Iterator[Promise]:
    yield Promise(
        text="one machine gives itself up and no other one ends",
        measured=f"{len(record.endings)} ended",
        kept=len(record.endings) == 1,
    )
    start = record.capacity(INFERENTIA, 0)
    whole = p.first_minute(
        record,
        lambda minute: record.capacity(INFERENTIA, minute) >= start,
        since=SICK_MINUTE + 2,
    )
    yield Promise(
        text=f"another one serves in its place within {REPLACED_MINUTES} minutes",
        measured="never" if whole is None else f"after {whole - SICK_MINUTE} minutes",
        kept=whole is not None and whole - SICK_MINUTE <= REPLACED_MINUTES,
    )
    yield p.missing_at_most(record, minutes=REPLACED_MINUTES)
    yield p.handler_never_fails(record)


SCENARIOS = (
    Scenario(
        name="inferentia-dry",
        shows="Inferentia2 cannot be had while demand rises; Trainium and Graviton take over",
        fleet="ranking",
        minutes=90,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_inferentia_dry,
        promises=_inferentia_promises,
    ),
    Scenario(
        name="slow-model",
        shows="new machines load their model in 14 minutes instead of 10",
        fleet="ranking",
        minutes=90,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_slow_model,
        promises=_slow_promises,
    ),
    Scenario(
        name="neuron-errors",
        shows="the chip of one machine fails; the machine gives itself up to its group",
        fleet="ranking",
        minutes=60,
        demand_units=steady(LOW_UNITS),
        script=_sick_chip,
        promises=_sick_promises,
    ),
)
