"""Spot that is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import Record
from peakfleet_demo.scenarios.scenario import Promise, Scenario, steady

SPOT = "GravitonSpot"
UNITS = 300.0
RECLAIM_MINUTE = 5
WARNING_MINUTES = 2
BOOT_MINUTES = 3
RECOMMENDED_SECONDS = 300
QUIET_MINUTES = 100
"""Half an hour without trouble, and then a quarter of what is to be moved in each step."""


def _reclaim(stage: Stage, minute: int, *, share: float, recommended_seconds: float) -> None:
    if minute == RECLAIM_MINUTE:
        stage.world.reclaim(share=share, recommended_seconds_before=recommended_seconds)


def _promises(record: Record, *, recommended: bool) -> Iterator[Promise]:
    taken = {
        one.instance_id for one in record.endings if "Spot" in one.cause or "spot" in one.cause
    }
    tick_minute = record.start_epoch_seconds + 60 * RECLAIM_MINUTE
    launched = [
        at
        for sample in record.samples
        for times in sample.launched_at.values()
        for at in times
        if at >= tick_minute
    ]
    seconds = min(launched) - tick_minute if launched else None
    yield Promise(
        text="replacements are asked for within 10 seconds of the notice",
        measured="never" if seconds is None else f"after {seconds:.0f} s",
        kept=seconds is not None and seconds <= 10,  # noqa: PLR2004  as the text says
    )
    unavoidable = 0 if recommended else BOOT_MINUTES - WARNING_MINUTES + 1
    yield p.missing_at_most(record, minutes=unavoidable)
    yield p.nothing_busy_lost(record, besides=taken)
    last = len(record.samples) - 1
    spot, every = record.capacity(SPOT, last), record.in_service(last)
    yield Promise(
        text="once it has been quiet for half an hour, the fleet is back on Spot",
        measured=f"{spot} of {every} instances at the end",
        kept=spot == every,
    )
    yield p.handler_never_fails(record)


def _scenario(name: str, shows: str, *, share: float, recommended_seconds: float) -> Scenario:
    return Scenario(
        name=name,
        shows=shows,
        fleet="workers",
        minutes=RECLAIM_MINUTE + QUIET_MINUTES,
        demand_units=steady(UNITS),
        script=partial(_reclaim, share=share, recommended_seconds=recommended_seconds),
        promises=partial(_promises, recommended=recommended_seconds > 0),
    )


SCENARIOS = (
    _scenario(
        "spot-reclaim-30",
        "EC2 takes 30 % of Spot back, after a recommendation five minutes before",
        share=0.3,
        recommended_seconds=RECOMMENDED_SECONDS,
    ),
    _scenario(
        "spot-reclaim-100",
        "EC2 takes all of Spot back with two minutes' notice and no recommendation",
        share=1.0,
        recommended_seconds=0,
    ),
)
