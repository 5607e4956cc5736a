"""Capacity that cannot be had: a type, a zone, everything, a quota."""

from __future__ import annotations

from collections.abc import Iterator

from peakfleet_demo.scenarios import assertions as p
from peakfleet_demo.scenarios.environment import Stage
from peakfleet_demo.scenarios.measurements import LAUNCHED, Record
from peakfleet_demo.scenarios.scenario import Promise, Ramp, Scenario

LOW_UNITS, HIGH_UNITS = 200.0, 330.0
SPOT, ON_DEMAND, X86 = "GravitonSpot", "Graviton", "X86"
DRY_TYPE = "c8g.4xlarge"
DRY_MINUTES = 480
BACK_AGAIN_MINUTES = 45
"""The longest pause between two questions is 30 minutes, and what is launched boots for three."""
SPOT_QUOTA, ON_DEMAND_QUOTA = 15, 10


def _one_type_dry(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.limit([DRY_TYPE])


def _one_type_promises(record: Record) -> Iterator[Promise]:
    yield p.fault_adds_nothing(record)
    yield p.rarely_asked(record, ON_DEMAND, X86)
    others = record.tries[ON_DEMAND, LAUNCHED] + record.tries[X86, LAUNCHED]
    yield Promise(
        text="Spot of the other type carries the peak, nothing dearer",
        measured=f"{record.tries[SPOT, LAUNCHED]} Spot, {others} others launched",
        kept=others == 0 < record.tries[SPOT, LAUNCHED],
    )
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _one_zone_dry(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.limit(stage.all_types(), zones=stage.zones[:1])


def _one_zone_promises(record: Record) -> Iterator[Promise]:
    yield p.fault_adds_nothing(record)
    yield p.rarely_asked(record, ON_DEMAND, X86)
    others = record.tries[ON_DEMAND, LAUNCHED] + record.tries[X86, LAUNCHED]
    yield Promise(
        text="Spot in the other zones carries the peak, nothing dearer",
        measured=f"{record.tries[SPOT, LAUNCHED]} Spot, {others} others launched",
        kept=others == 0 < record.tries[SPOT, LAUNCHED],
    )
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _spot_dry(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.limit(stage.pool(SPOT).instance_types, purchase="spot")


def _spot_promises(record: Record) -> Iterator[Promise]:
    yield p.fault_adds_nothing(record)
    yield p.next_rung_at_once(record, SPOT)
    yield p.rarely_asked(record, SPOT)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _everything_dry(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.limit(stage.all_types())
    if minute == DRY_MINUTES:
        stage.limit(stage.all_types(), instances=None)


def _everything_promises(record: Record) -> Iterator[Promise]:
    yield p.never_below_start(record)
    yield p.rarely_asked(record, SPOT, ON_DEMAND, X86, last=DRY_MINUTES)
    yield p.serves_all_again(record, since=DRY_MINUTES, within=BACK_AGAIN_MINUTES)
    desired = sum(record.desired(pool, DRY_MINUTES - 1) for pool in (SPOT, ON_DEMAND, X86))
    served = record.in_service(DRY_MINUTES - 1)
    yield Promise(
        text="nothing is desired that cannot be had, so nothing floods in later",
        measured=f"{desired} desired and {served} there at the end of the drought",
        kept=desired == served,
    )
    yield p.never_above(record, instances=_most(HIGH_UNITS))
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _quotas(stage: Stage, minute: int) -> None:
    if minute == 0:
        stage.world.set_quota(purchase="spot", instances=SPOT_QUOTA)
        stage.world.set_quota(purchase="on-demand", instances=ON_DEMAND_QUOTA)


def _quota_promises(record: Record) -> Iterator[Promise]:
    yield p.next_rung_at_once(record, SPOT)
    yield p.rarely_asked(record, SPOT, ON_DEMAND, X86)
    last = len(record.samples) - 1
    served = record.in_service(last)
    yield Promise(
        text=f"both quotas are used up: {SPOT_QUOTA} on Spot, {ON_DEMAND_QUOTA} on demand",
        measured=f"{record.capacity(SPOT, last)} on Spot, "
        f"{served - record.capacity(SPOT, last)} on demand",
        kept=served == SPOT_QUOTA + ON_DEMAND_QUOTA,
    )
    yield p.never_below_start(record)
    yield p.nothing_busy_lost(record)
    yield p.handler_never_fails(record)


def _most(units: float) -> int:
    """Return the instances that this demand can justify, a third of headroom included."""
    return round((units - 100) / 10 * 4 / 3)


SCENARIOS = (
    Scenario(
        name="one-type-dry",
        shows="one instance type cannot be had anywhere; the other type of the pool carries on",
        fleet="workers",
        minutes=60,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_one_type_dry,
        promises=_one_type_promises,
        compares=True,
    ),
    Scenario(
        name="one-zone-dry",
        shows="one Availability Zone has nothing left; the other zones carry on",
        fleet="workers",
        minutes=60,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_one_zone_dry,
        promises=_one_zone_promises,
        compares=True,
    ),
    Scenario(
        name="spot-dry",
        shows="Spot cannot be had at all; On-Demand is asked for in the same tick",
        fleet="workers",
        minutes=90,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_spot_dry,
        promises=_spot_promises,
        compares=True,
    ),
    Scenario(
        name="everything-dry",
        shows="nothing can be had for eight hours, then everything again",
        fleet="workers",
        minutes=DRY_MINUTES + 60,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_everything_dry,
        promises=_everything_promises,
    ),
    Scenario(
        name="quota-reached",
        shows="the account's quotas end below the demand; what they allow is used",
        fleet="workers",
        minutes=90,
        demand_units=Ramp(low=LOW_UNITS, high=HIGH_UNITS),
        script=_quotas,
        promises=_quota_promises,
    ),
)
