"""The state table of a gang: what it remembers, and who may act on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Calls
from peakfleet_handlers.gang import items as gang_items
from peakfleet_handlers.state import Recorded
from peakfleet_planner.gang import GangMemory, GangPlan, GangSpec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LATER_TICK_WINS = "attribute_not_exists(#tick) OR #tick <= :tick"


def read_gang_memory(
    spec: GangSpec, *, dynamodb: DynamoDBClient, calls: Calls
) -> GangMemory | None:
    """Return what is remembered of a gang; None if that cannot be read."""
    read = partial(_read, spec, dynamodb)
    return calls.attempt("Query", gang_items.GANG, read)


def _read(spec: GangSpec, dynamodb: DynamoDBClient) -> GangMemory:
    page = dynamodb.query(
        TableName=spec.state_table,
        KeyConditionExpression="#fleet = :fleet AND #item = :item",
        ExpressionAttributeNames={"#fleet": "fleet", "#item": "item"},
        ExpressionAttributeValues={
            ":fleet": {"S": spec.fleet},
            ":item": {"S": gang_items.GANG},
        },
        ConsistentRead=True,
    )
    return gang_items.read_gang(page["Items"][0]) if page["Items"] else GangMemory()


def remember(
    spec: GangSpec,
    memory: GangMemory,
    *,
    tick: int,
    plan: GangPlan,
    dynamodb: DynamoDBClient,
    calls: Calls,
) -> Recorded:
    """Remember a gang, and say whether this tick may act: not if a later one has.

    Args:
        spec: The gang.
        memory: What to remember.
        tick: Time of the tick in epoch seconds.
        plan: What was decided.
        dynamodb: Client to write with.
        calls: Where failures are noted.
    """
    item = gang_items.gang_item(spec.fleet, memory, tick=tick, plan=plan)

    def write() -> Recorded:
        try:
            dynamodb.put_item(
                TableName=spec.state_table,
                Item=item,
                ConditionExpression=_LATER_TICK_WINS,
                ExpressionAttributeNames={"#tick": "tick"},
                ExpressionAttributeValues={":tick": item["tick"]},
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise
            return Recorded.STALE
        return Recorded.WRITTEN

    return calls.attempt("PutItem", gang_items.GANG, write) or Recorded.LOST
