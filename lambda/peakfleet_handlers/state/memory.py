"""What a fleet remembers, read for a decision, and the record of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from peakfleet_handlers.state.claim import Claim, later_tick_wins
from peakfleet_handlers.state.table import ALWAYS, Only, Recorded, StateTable, Write
from peakfleet_planner import DemandModel, Memory, Plan
from peakfleet_table import (
    BOOTS,
    DECISIONS,
    DRAINS,
    FIRST_READ,
    HOLDS,
    HOURS,
    LATESTS,
    LAUNCHES,
    MODELS,
    NOTICES,
    OUTAGES,
    ROLLBACKS,
    SERIES,
    SIZES,
    SPEND_OVERRIDES,
    TICKS,
    UNITS,
    DamagedRecordError,
    Decision,
    Item,
    Kind,
    Latest,
    NewestTick,
    SharedReading,
    read_all,
)

Actual = tuple[Mapping[str, int], float]
"""What the groups of a fleet in shadow are asked to run, by pool, and the units that they serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a tick knows from the state table.

    Args:
        memory: What is remembered; None if that, or a hold in it, cannot be read.
        claim: The tick's claim to act on it.
        reading: The metrics that a shared reader has left. Default: it left none that can be read.
    """

    memory: Memory | None
    claim: Claim
    reading: SharedReading | None = None


def read_known(table: StateTable | None, *, now_epoch_seconds: int, shadow: bool = False) -> Known:
    """Return what is remembered of a fleet, and the claim to act on it.

    It is read before anything else is: what changes later is noticed by the claim.

    Args:
        table: Its records; without a table nothing is remembered.
        now_epoch_seconds: The tick's time; records whose time is over are left out.
        shadow: Whether the fleet only says what it would do. What it said then is no memory of
            what it did, nor the other way round. Default: it acts.
    """
    this = NewestTick(tick=now_epoch_seconds)
    if table is None:
        return Known(memory=Memory(), claim=Claim(leaves=this))
    items = table.query(FIRST_READ)
    if items is None:
        return Known(memory=None, claim=Claim(leaves=this, is_sure=False))
    found = next((item for item in items if item["item"]["S"] == TICKS.prefix), None)
    newest = _readable(TICKS, found, table)
    memory = memory_of(items, now_epoch_seconds, table, shadow=shadow)
    if memory is not None and newest is not None:
        memory = replace(
            memory,
            signals=newest.signals,
            weightless_since=newest.weightless_since,
            weights=newest.weights or (),
        )
        if bool(newest.shadow) is shadow:
            memory = replace(
                memory,
                unmet_since=newest.unmet_since,
                shortfalls=newest.shortfalls,
                spent=newest.spent,
            )
        memory = replace(memory, spot_prices=newest.spot_prices)
    is_sure = found is None or newest is not None
    readings = read_all(SERIES, items, now_epoch_seconds=now_epoch_seconds, refuse=table.refuse)
    return Known(
        memory=memory,
        claim=Claim(leaves=this, newest=newest, is_sure=is_sure),
        reading=next(readings, None),
    )


def read_memory(table: StateTable | None, *, now_epoch_seconds: int) -> Memory | None:
    """Return what is remembered of a fleet; None if that, or a hold in it, cannot be read."""
    return read_known(table, now_epoch_seconds=now_epoch_seconds).memory


def memory_of(
    items: tuple[Item, ...], now_epoch_seconds: int, table: StateTable, *, shadow: bool = False
) -> Memory | None:
    """Return what records say; None if one of them may be a hold that cannot be read.

    Any other record that is damaged is noted and counts as lost.

    Args:
        items: The records of a fleet from `FIRST_READ` on.
        now_epoch_seconds: The tick's time.
        table: Where they are from.
        shadow: As for `read_known`. Default: the fleet acts.
    """
    by_key = {item.get("item", {}).get("S", ""): item for item in items}

    def every(kind: Kind[Any]) -> tuple[Any, ...]:
        return tuple(
            read_all(kind, items, now_epoch_seconds=now_epoch_seconds, refuse=table.refuse)
        )

    hold = None
    if HOLDS.prefix in by_key:
        hold = _readable(HOLDS, by_key[HOLDS.prefix], table)
        if hold is None:
            return None
    latest = _readable(LATESTS, by_key.get(LATESTS.prefix), table) or Latest()
    if bool(latest.shadow) is not shadow:
        latest = Latest()
    return Memory(
        hold=hold,
        desired=latest.desired,
        before=latest.before,
        growth=latest.growth,
        shrinkage=latest.shrinkage,
        heights=latest.heights,
        cloud_weight=latest.cloud_weight,
        model=_model(by_key.get(MODELS.prefix), table),
        outages=every(OUTAGES),
        notices=every(NOTICES),
        boots={one.pool: one.times for one in every(BOOTS)},
        foreign=every(SIZES),
        draining=every(DRAINS),
        launches=every(LAUNCHES),
        units={one.pool: one.measured for one in every(UNITS)},
        rolled_back={one.pool: one for one in every(ROLLBACKS)},
        spend_override=_readable(SPEND_OVERRIDES, by_key.get(SPEND_OVERRIDES.prefix), table),
    )


def record_change(
    table: StateTable | None,
    latest: Latest,
    plan: Plan,
    claim: Claim,
    *,
    actual: Actual | None = None,
    shared: tuple[Write, ...] = (),
) -> Recorded:
    """Record what is about to be done; this is the lease, so it comes before doing it.

    Args:
        table: Without one nothing is recorded.
        latest: The sizes after the change.
        plan: What was decided.
        claim: The claim to act.
        actual: What the groups are and serve, where nothing is done. Default: it is done.
        shared: What is written with it, of what fleets share. Default: nothing.

    Returns:
        Whether this tick may act: not if it is stale, because another one has decided since this
        one read what it knows, or one as late has acted; not yet if what fleets share is
        contested.
    """
    if table is None:
        return Recorded.NOT_KEPT
    claimed, only = claim.write(table)
    return table.transact(
        ("Put", {"Item": LATESTS.item(table.fleet, latest)}, later_tick_wins(latest.tick)),
        *_decisions(table, latest.tick, plan, actual),
        ("Put", {"Item": claimed}, only),
        shared=shared,
    )


def confirm_change(
    table: StateTable | None,
    *,
    tick: int,
    plan: Plan,
    desired: Mapping[str, int],
    cloud_weight: int | None,
) -> None:
    """Remember what became of a change: who was launched instead, how traffic is split.

    Args:
        table: Without one nothing is remembered.
        tick: Time of the tick in epoch seconds; a later one has its own say.
        plan: What was done.
        desired: Desired capacity of each pool.
        cloud_weight: Share of the traffic that the fleet gets, of 999; None if it is unknown.
    """
    if table is None:
        return
    done = Latest(tick=tick, desired=desired, cloud_weight=cloud_weight, plan=plan_text(plan))
    item = LATESTS.item(table.fleet, done)
    changed = ["desired", "plan", *(["cloud_weight"] if cloud_weight is not None else [])]
    update = {
        "Key": LATESTS.key(table.fleet),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in changed),
    }
    same_tick = Only(
        text="#tick = :tick",
        names=LATESTS.names("tick", *changed),
        values={f":{name}": item[name] for name in ("tick", *changed)},
    )
    table.transact(
        ("Update", update, same_tick),
        *_decisions(table, tick, plan),
    )


def plan_text(plan: Plan) -> str:
    """Return a plan as `LATEST` keeps it."""
    return str(DECISIONS.form("plan").write(plan)["S"])


def _decisions(
    table: StateTable, tick: int, plan: Plan, actual: Actual | None = None
) -> tuple[Write, ...]:
    """Return the writes of a decision: for itself, and as the last of its hour."""
    sizes, units = actual or (None, None)
    made = Decision(tick=tick, plan=plan, actual=sizes, actual_units=units)
    return tuple(
        ("Put", {"Item": kind.item(table.fleet, made)}, ALWAYS) for kind in (DECISIONS, HOURS)
    )


def _readable(kind: Kind[Any], item: Item | None, table: StateTable) -> Any:  # noqa: ANN401  the kind's value
    """Return the value of a record; None if there is none, or it is damaged and noted."""
    if item is None:
        return None
    try:
        return kind.read(item)
    except DamagedRecordError as error:
        table.refuse(error, item)
        return None


def _model(item: Item | None, table: StateTable) -> DemandModel | None:
    packed = _readable(MODELS, item, table)
    try:
        return packed.model() if packed else None
    except DamagedRecordError as error:
        table.refuse(error, item)
        return None
