"""Facts of the state table: read for a decision, and written by the tick that found them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from peakfleet_handlers.aws import Calls, Cause, Clients
from peakfleet_handlers.state import fact_items
from peakfleet_handlers.state.items import key
from peakfleet_planner import (
    BootTimes,
    Draining,
    FleetSpec,
    ForeignSize,
    MeasuredUnits,
    Memory,
    Notice,
    Outage,
    RolledBack,
    Snapshot,
)
from peakfleet_planner.fallback import Pursued
from peakfleet_planner.pool_plan import BROKEN_TEMPLATE
from peakfleet_planner.pools import foreign_sizes, remembered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

T = TypeVar("T")
Items = Mapping[str, Mapping[str, Any]]

WRITES_PER_CALL = 25
ROUNDS = 3
"""DynamoDB may leave some writes of a batch undone; they are sent again this often in all."""
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What events and ticks have left for the next decision.

    Args:
        outages: Where capacity could not be had. Default: nowhere.
        notices: Instances that AWS may take back. Default: none.
        boots: Measured boot times by pool. Default: none.
        foreign: Sizes that somebody else has set. Default: none.
        draining: Instances that finish their work before they leave. Default: none.
        units: Measured units of one point of capacity by pool. Default: none.
        rolled_back: Launch template versions that were given up, by pool. Default: none.
    """

    outages: tuple[Outage, ...] = ()
    notices: tuple[Notice, ...] = ()
    boots: Mapping[str, BootTimes] = field(default_factory=dict)
    foreign: tuple[ForeignSize, ...] = ()
    draining: tuple[Draining, ...] = ()
    units: Mapping[str, MeasuredUnits] = field(default_factory=dict)
    rolled_back: Mapping[str, RolledBack] = field(default_factory=dict)


def read_facts(found: Items, *, now_epoch_seconds: int, calls: Calls) -> Facts:
    """Return the facts among the items of a fleet; one that cannot be read is noted and left out.

    Args:
        found: Every item by its sort key.
        now_epoch_seconds: The tick's time; an item whose time is over counts as deleted.
        calls: Where items that cannot be read are noted.
    """

    def every(prefix: str, read: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
        named = [item for name, item in found.items() if name.startswith(prefix)]
        return tuple(_readable(named, read, now_epoch_seconds, calls))

    return Facts(
        outages=every(fact_items.OUTAGE, fact_items.read_outage),
        notices=every(fact_items.NOTICE, fact_items.read_notice),
        boots=dict(every(fact_items.READY, fact_items.read_boots)),
        foreign=every(fact_items.SIZE, fact_items.read_foreign),
        draining=every(fact_items.DRAIN, fact_items.read_drain),
        units=dict(every(fact_items.UNITS, fact_items.read_units)),
        rolled_back={
            one.pool: one for one in every(fact_items.ROLLBACK, fact_items.read_rolled_back)
        },
    )


def keep_facts(
    spec: FleetSpec,
    snapshot: Snapshot,
    pursued: Pursued,
    *,
    anew: Collection[str] = (),
    clients: Clients,
    calls: Calls,
) -> None:
    """Remember what this tick was refused, and the sizes that somebody else has set.

    Only what has changed is written.

    Args:
        spec: The fleet.
        snapshot: What was observed, with what was refused before the tick asked for anything.
        pursued: How the requests of the tick ended.
        anew: Pools that start anew with another launch template version: what was held against
            the last one is forgotten. Default: none.
        clients: AWS.
        calls: Where failures are noted.
    """
    if not spec.state_table:
        return
    memory = snapshot.memory or Memory()
    foreign = foreign_sizes(snapshot)
    read = {pool.name for pool in snapshot.pools}
    left = {one.pool for one in memory.foreign if one.pool in read} - {one.pool for one in foreign}
    refused = remembered(snapshot.refused, pursued.outages)
    known = remembered(snapshot.outages, pursued.outages)
    ended = {one.scope: one for one in pursued.ended}
    ended |= {one.scope: one for one in known if one.pool in anew and one.cause in BROKEN_TEMPLATE}
    mode = spec.other_writer.mode
    items = (
        *(fact_items.outage_item(spec.fleet, one) for one in refused if one.scope not in ended),
        *(
            fact_items.foreign_item(spec.fleet, one, mode=mode)
            for one in set(foreign) - set(memory.foreign)
        ),
    )
    keys = [
        *(key(spec.fleet, fact_items.SIZE + pool) for pool in sorted(left)),
        *(key(spec.fleet, fact_items.STRIKES + pool) for pool in sorted(anew)),
        *(fact_items.outage_key(spec.fleet, one) for one in ended.values()),
    ]
    requests: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
    requests += [{"DeleteRequest": {"Key": one}} for one in keys]
    _write(spec.state_table, requests, clients.dynamodb, calls)


def _readable(
    items: Iterable[Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], T],
    now: int,
    calls: Calls,
) -> Iterable[T]:
    for item in items:
        try:
            if not fact_items.has_expired(item, now):
                yield read(item)
        except UNREADABLE as error:
            name = str(item.get("item", {}).get("S"))
            calls.note("Query", name, Cause.UNREADABLE, f"{type(error).__name__}: {error}")


def _write(
    table: str, requests: list[WriteRequestTypeDef], dynamodb: DynamoDBClient, calls: Calls
) -> None:
    """Write in batches, and send again what a batch has left undone."""
    for first in range(0, len(requests), WRITES_PER_CALL):
        batch: Any = {table: requests[first : first + WRITES_PER_CALL]}
        for _ in range(ROUNDS):
            write = partial(dynamodb.batch_write_item, RequestItems=batch)
            answer = calls.attempt("BatchWriteItem", table, write)
            batch = answer.get("UnprocessedItems") if answer else None
            if not batch:
                break
        else:
            calls.note("BatchWriteItem", table, Cause.THROTTLED, "some items were not written")
