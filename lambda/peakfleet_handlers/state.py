"""The state table: what a fleet remembers, and the record of a change."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from peakfleet_handlers import items
from peakfleet_handlers.calls import Calls, Cause
from peakfleet_planner import DemandModel, Memory, Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef

DAY_SECONDS = 24 * 3600
_UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
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
    table: str | None, fleet: str, *, dynamodb: DynamoDBClient, calls: Calls
) -> Memory | None:
    """Return what is remembered of *fleet*; None if that, or a hold in it, cannot be read.

    Args:
        table: Name of the state table; without one nothing is remembered.
        fleet: The fleet.
        dynamodb: Client to read with.
        calls: Where failures are noted.
    """
    if table is None:
        return Memory()
    answer = calls.attempt(
        "Query",
        table,
        lambda: dynamodb.query(
            TableName=table,
            KeyConditionExpression="#fleet = :fleet AND #item >= :hold",
            ExpressionAttributeNames={"#fleet": "fleet", "#item": "item"},
            ExpressionAttributeValues={":fleet": {"S": fleet}, ":hold": {"S": items.HOLD}},
            ConsistentRead=True,
        )["Items"],
    )
    if answer is None:
        return None
    return _memory({item["item"].get("S", ""): item for item in answer}, calls)


def record_change(
    table: str | None,
    fleet: str,
    *,
    tick: int,
    plan: Plan,
    memory: Memory | None,
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
        memory: What was remembered; pools that the plan leaves out stay remembered.
        cloud_weight: Percent of the traffic that the fleet is known to get; None if it is
            unknown or about to change.
        dynamodb: Client to write with.
        calls: Where failures are noted.

    Returns:
        Whether this tick may act: not if it is stale, because one as late or later has acted.
    """
    if table is None:
        return Recorded.NOT_KEPT
    remembered = memory.desired if memory else {}
    desired = {**remembered, **{pool.name: pool.desired_capacity for pool in plan.pools}}
    latest = items.latest_item(
        fleet, tick=tick, desired=desired, cloud_weight=cloud_weight, plan=plan
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


def confirm_weight(
    table: str | None,
    fleet: str,
    *,
    tick: int,
    cloud_weight: int,
    dynamodb: DynamoDBClient,
    calls: Calls,
) -> None:
    """Remember the split that the listener now has.

    Written after the fact, because nothing else says what a listener was last told: a crash in
    between leaves the split unknown, and the next tick sets it again.

    Args:
        table: Name of the state table; without one nothing is remembered.
        fleet: The fleet.
        tick: Time of the tick in epoch seconds; a later one has its own say.
        cloud_weight: Percent of the traffic that the fleet gets.
        dynamodb: Client to write with.
        calls: Where failures are noted.
    """
    if table is None:
        return

    def write() -> bool:
        try:
            dynamodb.update_item(
                TableName=table,
                Key=items.key(fleet, items.LATEST),
                UpdateExpression="SET #weight = :weight",
                ConditionExpression="#tick = :tick",
                ExpressionAttributeNames={"#weight": "cloud_weight", "#tick": "tick"},
                ExpressionAttributeValues={
                    ":weight": {"N": str(cloud_weight)},
                    ":tick": {"N": str(tick)},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
        return True

    calls.attempt("UpdateItem", table, write)


def _memory(found: Mapping[str, Mapping[str, Any]], calls: Calls) -> Memory | None:
    """Return what the items say; None if a hold may be meant that cannot be read."""
    hold = None
    desired: dict[str, int] = {}
    weight = None
    if items.HOLD in found:
        try:
            hold = items.read_hold(found[items.HOLD])
        except _UNREADABLE as error:
            calls.note("Query", items.HOLD, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
            return None
    if items.LATEST in found:
        try:
            desired, weight = items.read_latest(found[items.LATEST])
        except _UNREADABLE as error:
            calls.note("Query", items.LATEST, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
    model = _model(found[items.MODEL], calls) if items.MODEL in found else None
    return Memory(hold=hold, desired=desired, cloud_weight=weight, model=model)


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
