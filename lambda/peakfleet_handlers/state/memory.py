"""The state table: what a fleet remembers, and the record of a change."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Calls, Cause
from peakfleet_handlers.state import items
from peakfleet_handlers.state.facts import UNREADABLE, read_facts
from peakfleet_planner import DemandModel, Growth, Heights, Memory, Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        PutTypeDef,
        TransactWriteItemTypeDef,
        UpdateTypeDef,
    )

DAY_SECONDS = 24 * 3600
_LATER_TICK_WINS = (
    "attribute_not_exists(#fleet) OR attribute_not_exists(#tick) "
    "OR NOT attribute_type(#tick, :number) OR #tick < :tick OR #tick > :broken_clock"
)
"""Besides the rule that a later tick wins: a record that cannot be one must not block a fleet
for ever. The scheduler delivers late, but never more than a day."""


class Recorded(StrEnum):
    """What became of the record of a change."""

    WRITTEN = "written"
    STALE = "stale"
    LOST = "lost"
    NOT_KEPT = "not-kept"


def read_memory(
    table: str | None,
    fleet: str,
    *,
    now_epoch_seconds: int,
    dynamodb: DynamoDBClient,
    calls: Calls,
) -> Memory | None:
    """Return what is remembered of *fleet*; None if that, or a hold in it, cannot be read.

    Args:
        table: Name of the state table; without one nothing is remembered.
        fleet: The fleet.
        now_epoch_seconds: The tick's time; facts whose time is over are left out.
        dynamodb: Client to read with.
        calls: Where failures are noted.
    """
    if table is None:
        return Memory()
    answer = calls.attempt("Query", table, partial(_read_all, table, fleet, dynamodb))
    if answer is None:
        return None
    return _memory({item["item"].get("S", ""): item for item in answer}, now_epoch_seconds, calls)


def record_change(
    table: str | None,
    fleet: str,
    *,
    tick: int,
    plan: Plan,
    desired: Mapping[str, int],
    before: Mapping[str, int],
    growth: Mapping[str, Growth],
    heights: Mapping[str, Heights],
    cloud_weight: int | None,
    dynamodb: DynamoDBClient,
    calls: Calls,
) -> Recorded:
    """Record what is about to be done; this is the lease, so it comes before doing it.

    Args:
        table: Name of the state table; without one nothing is recorded.
        fleet: The fleet.
        tick: Time of the tick in epoch seconds.
        plan: What was decided.
        desired: Desired capacity of each pool after the change.
        before: Desired capacity of each pool before it.
        growth: When each pool was asked for more, and for how many points.
        heights: How large each pool was lately, where what is let go waits.
        cloud_weight: Percent of the traffic that the fleet is known to get; None if it is
            unknown or about to change.
        dynamodb: Client to write with.
        calls: Where failures are noted.

    Returns:
        Whether this tick may act: not if it is stale, because one as late or later has acted.
    """
    if table is None:
        return Recorded.NOT_KEPT
    latest = items.latest_item(
        fleet,
        tick=tick,
        desired=desired,
        before=before,
        growth=growth,
        heights=heights,
        cloud_weight=cloud_weight,
        plan=plan,
    )
    decision = items.decision_item(fleet, tick=tick, plan=plan)
    lease: PutTypeDef = {
        "TableName": table,
        "Item": latest,
        "ConditionExpression": _LATER_TICK_WINS,
        "ExpressionAttributeNames": {"#fleet": "fleet", "#tick": "tick"},
        "ExpressionAttributeValues": {
            ":tick": {"N": str(tick)},
            ":broken_clock": {"N": str(tick + DAY_SECONDS)},
            ":number": {"S": "N"},
        },
    }

    def write() -> Recorded:
        try:
            dynamodb.transact_write_items(
                TransactItems=[
                    {"Put": lease},
                    {"Put": {"TableName": table, "Item": decision}},
                ]
            )
        except ClientError as error:
            if not _refused(error.response):
                raise
            return Recorded.STALE
        return Recorded.WRITTEN

    return calls.attempt("TransactWriteItems", table, write) or Recorded.LOST


def confirm_change(
    table: str | None,
    fleet: str,
    *,
    tick: int,
    plan: Plan,
    desired: Mapping[str, int],
    cloud_weight: int | None,
    dynamodb: DynamoDBClient,
    calls: Calls,
) -> None:
    """Remember what became of a change: who was launched instead, how traffic is split.

    Written after the fact, because nothing else says what a listener was last told: a crash in
    between leaves the split unknown, and the next tick sets it again.

    Args:
        table: Name of the state table; without one nothing is remembered.
        fleet: The fleet.
        tick: Time of the tick in epoch seconds; a later one has its own say.
        plan: What was done.
        desired: Desired capacity of each pool.
        cloud_weight: Percent of the traffic that the fleet gets; None if it is unknown.
        dynamodb: Client to write with.
        calls: Where failures are noted.
    """
    if table is None:
        return
    update, decision = items.confirmation(
        fleet, tick=tick, plan=plan, desired=desired, cloud_weight=cloud_weight
    )
    writes: list[TransactWriteItemTypeDef] = [
        {"Update": cast("UpdateTypeDef", {"TableName": table, **update})},
        {"Put": {"TableName": table, "Item": decision}},
    ]

    def write() -> bool:
        try:
            dynamodb.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not _refused(error.response):
                raise
        return True

    calls.attempt("TransactWriteItems", table, write)


def _read_all(table: str, fleet: str, dynamodb: DynamoDBClient) -> list[dict[str, Any]]:
    """Return every item of a fleet but its history, page by page."""
    return query_all(
        dynamodb,
        TableName=table,
        KeyConditionExpression="#fleet = :fleet AND #item >= :first",
        ExpressionAttributeNames={"#fleet": "fleet", "#item": "item"},
        ExpressionAttributeValues={":fleet": {"S": fleet}, ":first": {"S": items.FIRST_READ}},
        ConsistentRead=True,
    )


def query_all(dynamodb: DynamoDBClient, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401  boto3's own shapes
    """Return the items of all pages that a query has."""
    get_page = partial(dynamodb.query, **asked)
    page = get_page()
    found: list[dict[str, Any]] = list(page["Items"])
    while last := page.get("LastEvaluatedKey"):
        page = get_page(ExclusiveStartKey=last)
        found.extend(page["Items"])
    return found


def _memory(
    found: Mapping[str, Mapping[str, Any]], now_epoch_seconds: int, calls: Calls
) -> Memory | None:
    """Return what the items say; None if a hold may be meant that cannot be read."""
    hold, latest = None, items.NOTHING_YET
    if items.HOLD in found:
        try:
            hold = items.read_hold(found[items.HOLD])
        except UNREADABLE as error:
            calls.note("Query", items.HOLD, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
            return None
    if items.LATEST in found:
        try:
            latest = items.read_latest(found[items.LATEST])
        except UNREADABLE as error:
            calls.note("Query", items.LATEST, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
    model = _model(found[items.MODEL], calls) if items.MODEL in found else None
    facts = read_facts(found, now_epoch_seconds=now_epoch_seconds, calls=calls)
    return Memory(
        hold=hold,
        desired=latest.desired,
        before=latest.before,
        growth=latest.growth,
        heights=latest.heights,
        cloud_weight=latest.cloud_weight,
        model=model,
        outages=facts.outages,
        notices=facts.notices,
        boots=facts.boots,
        foreign=facts.foreign,
        draining=facts.draining,
        units=facts.units,
        rolled_back=facts.rolled_back,
    )


def _model(item: Mapping[str, Any], calls: Calls) -> DemandModel | None:
    try:
        return items.read_model_item(item)
    except Exception as error:  # noqa: BLE001  a tick goes on without a model, whatever is in it
        calls.note("Query", items.MODEL, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
        return None


def _refused(answer: Mapping[str, Any]) -> bool:
    """Whether a transaction failed because a tick as late or later has been recorded."""
    reasons = answer.get("CancellationReasons") or [{}]
    return bool(reasons[0].get("Code") == "ConditionalCheckFailed")
