"""Spot that is taken back."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as a
from peakfleet_demo.scenarios.measurements import Measurements
from peakfleet_demo.scenarios.scenario import Assertion, Scenario, steady

SPOT = "GravitonSpot"
UNITS = 300.0
RECLAIM_MINUTE = 5
NOTICE_MINUTES = 2
BOOT_MINUTES = 3
QUIET_MINUTES = 100
"""Half an hour without trouble, and then a quarter of what is to be moved in each step."""


def _replaced(m: Measurements, *, missing_minutes: int) -> Iterator[Assertion]:
    taken = {one.instance_id for one in m.endings if "spot" in one.cause.lower()}
    noticed = m.start_epoch_seconds + 60 * RECLAIM_MINUTE
    launched = [
        at
        for sample in m.samples
        for times in sample.launched_at.values()
        for at in times
        if at >= noticed
    ]
    seconds = min(launched) - noticed if launched else None
    yield Assertion(
        text="replacements are asked for within 10 seconds of the notice",
        measured="never" if seconds is None else f"after {seconds:.0f} s",
        passed=seconds is not None and seconds <= 10,  # noqa: PLR2004  as the text says
    )
    yield a.missing_at_most(m, minutes=missing_minutes)
    yield a.nothing_busy_lost(m, besides=taken)
    spot, every = m.capacity(SPOT, m.last_minute), m.in_service(m.last_minute)
    yield Assertion(
        text="once it has been quiet for half an hour, the fleet is back on Spot",
        measured=f"{spot} of {every} instances at the end",
        passed=spot == every,
    )
    yield a.every_tick_answers(m)


SCENARIOS = (
    Scenario(
        name="spot-reclaim-30",
        shows="EC2 takes 30 % of Spot back, after a recommendation five minutes before",
        minutes=RECLAIM_MINUTE + QUIET_MINUTES,
        demand_units=steady(UNITS),
        faults={
            RECLAIM_MINUTE: lambda at: at.world.reclaim(share=0.3, recommended_seconds_before=300)
        },
        assertions=lambda m: _replaced(m, missing_minutes=0),
    ),
    Scenario(
        name="spot-reclaim-100",
        shows="EC2 takes all of Spot back with two minutes' notice and no recommendation",
        minutes=RECLAIM_MINUTE + QUIET_MINUTES,
        demand_units=steady(UNITS),
        faults={
            RECLAIM_MINUTE: lambda at: at.world.reclaim(share=1.0, recommended_seconds_before=0)
        },
        assertions=lambda m: _replaced(m, missing_minutes=BOOT_MINUTES - NOTICE_MINUTES + 1),
    ),
)
