"""What a fleet remembers, read for a decision, and the record of a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from peakfleet_handlers.state.table import ALWAYS, Only, Recorded, StateTable
from peakfleet_planner import DemandModel, Memory, Plan
from peakfleet_table import (
    BOOTS,
    DECISIONS,
    DRAINS,
    FIRST_READ,
    HOLDS,
    LATESTS,
    MODELS,
    NOTICES,
    OUTAGES,
    ROLLBACKS,
    SIZES,
    UNITS,
    DamagedRecordError,
    Decision,
    Item,
    Kind,
    Latest,
    read_all,
)

DAY_SECONDS = 24 * 3600
LATER_TICK_WINS: Final = (
    "attribute_not_exists(#fleet) OR attribute_not_exists(#tick) "
    "OR NOT attribute_type(#tick, :number) OR #tick < :tick OR #tick > :broken_clock"
)
"""Besides the rule that a later tick wins: a record that cannot be one must not block a fleet
for ever. The scheduler delivers late, but never more than a day."""


def read_memory(table: StateTable | None, *, now_epoch_seconds: int) -> Memory | None:
    """Return what is remembered of a fleet; None if that, or a hold in it, cannot be read.

    Args:
        table: Its records; without a table nothing is remembered.
        now_epoch_seconds: The tick's time; records whose time is over are left out.
    """
    if table is None:
        return Memory()
    items = table.query(FIRST_READ)
    return None if items is None else memory_of(items, now_epoch_seconds, table)


def memory_of(items: tuple[Item, ...], now_epoch_seconds: int, table: StateTable) -> Memory | None:
    """Return what records say; None if one of them may be a hold that cannot be read.

    Any other record that is damaged is noted and counts as lost.

    Args:
        items: The records of a fleet from `FIRST_READ` on.
        now_epoch_seconds: The tick's time.
        table: Where they are from.
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
    return Memory(
        hold=hold,
        desired=latest.desired,
        before=latest.before,
        growth=latest.growth,
        heights=latest.heights,
        cloud_weight=latest.cloud_weight,
        model=_model(by_key.get(MODELS.prefix), table),
        outages=every(OUTAGES),
        notices=every(NOTICES),
        boots={one.pool: one.times for one in every(BOOTS)},
        foreign=every(SIZES),
        draining=every(DRAINS),
        units={one.pool: one.measured for one in every(UNITS)},
        rolled_back={one.pool: one for one in every(ROLLBACKS)},
    )


def record_change(table: StateTable | None, latest: Latest, plan: Plan) -> Recorded:
    """Record what is about to be done; this is the lease, so it comes before doing it.

    Args:
        table: Without one nothing is recorded.
        latest: The sizes after the change.
        plan: What was decided.

    Returns:
        Whether this tick may act: not if it is stale, because one as late or later has acted.
    """
    if table is None:
        return Recorded.NOT_KEPT
    lease = Only(
        text=LATER_TICK_WINS,
        names=LATESTS.names("fleet", "tick"),
        values=later_tick(latest.tick),
    )
    return table.transact(
        ("Put", {"Item": LATESTS.item(table.fleet, latest)}, lease),
        ("Put", {"Item": _decision(table, latest.tick, plan)}, ALWAYS),
    )


def later_tick(tick: int) -> dict[str, Any]:
    """Return the values of `LATER_TICK_WINS`."""
    return {
        ":tick": {"N": str(tick)},
        ":broken_clock": {"N": str(tick + DAY_SECONDS)},
        ":number": {"S": "N"},
    }


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
        cloud_weight: Percent of the traffic that the fleet gets; None if it is unknown.
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
        ("Put", {"Item": _decision(table, tick, plan)}, ALWAYS),
    )


def plan_text(plan: Plan) -> str:
    """Return a plan as `LATEST` keeps it."""
    return str(DECISIONS.form("plan").write(plan)["S"])


def _decision(table: StateTable, tick: int, plan: Plan) -> Item:
    return DECISIONS.item(table.fleet, Decision(tick=tick, plan=plan))


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
