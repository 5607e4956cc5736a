"""The state table as a human's commands use it: holds and decision records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.conditions import Key
from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_cli.operate.obstacle_words import FIRST, Fact, facts_of
from peakfleet_planner import ForeignSize, Hold, Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

HOLD, LATEST, DECISION, SIZE = "HOLD", "LATEST", "DECISION#", "SIZE#"
_TRIES = 3
_AFTER_EVERY_DIGIT = "~"


class TableError(Exception):
    """The state table cannot be used; the message says why and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision record.

    Args:
        tick: When it was decided.
        plan: What was decided, and why.
    """

    tick: datetime
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRecords:
    """What the state table knows of one fleet.

    Args:
        table_name: Name of the DynamoDB table.
        fleet: The fleet, by its construct path.
        region: AWS region. Default: that of the environment or profile.
    """

    table_name: str
    fleet: str
    region: str | None = None

    def known(self) -> bool:
        """Whether the table has anything of the fleet."""
        with self._table() as table:
            found = table.query(KeyConditionExpression=Key("fleet").eq(self.fleet), Limit=1)
        return bool(found["Items"])

    def hold(self) -> Hold | None:
        """Return the hold in the table, which may have ended."""
        with self._table() as table:
            item = table.get_item(Key=self._key(HOLD), ConsistentRead=True).get("Item")
        return None if item is None else _hold(item)

    def put_hold(self, hold: Hold) -> None:
        """Hold the fleet; a hold that it has is replaced."""
        with self._table() as table:
            table.put_item(
                Item={
                    **self._key(HOLD),
                    "owner": hold.owner,
                    "reason": hold.reason,
                    "until": hold.until_epoch_seconds,
                    "expires_at": hold.until_epoch_seconds,
                }
            )

    def delete_hold(self) -> Hold | None:
        """End the hold, and return it if there was one."""
        with self._table() as table:
            answer = table.delete_item(Key=self._key(HOLD), ReturnValues="ALL_OLD")
        return _hold(answer["Attributes"]) if answer.get("Attributes") else None

    def decision(self, at: datetime | None = None) -> Decision | None:
        """Return the newest decision, or the newest one up to *at*.

        A record is written when a decision changes something, so it stands until the next one.
        """
        until = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if at else ""
        with self._table() as table:
            found = table.query(
                KeyConditionExpression=Key("fleet").eq(self.fleet)
                & Key("item").between(DECISION, DECISION + until + _AFTER_EVERY_DIGIT),
                ScanIndexForward=False,
                Limit=1,
            )
        return _decision(found["Items"][0]) if found["Items"] else None

    def facts(self, *, now: datetime) -> tuple[Fact, ...]:
        """Return what stands in the fleet's way."""
        found: list[Mapping[str, Any]] = []
        start: dict[str, Any] = {}
        with self._table() as table:
            while True:
                page = table.query(
                    KeyConditionExpression=Key("fleet").eq(self.fleet) & Key("item").gte(FIRST),
                    **start,
                )
                found.extend(page["Items"])
                if "LastEvaluatedKey" not in page:
                    break
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return facts_of(found, now=now)

    def release(self) -> tuple[ForeignSize, ...]:
        """Take the sizes that somebody else has set for the fleet's own; return them.

        Raises:
            TableError: The fleet has decided nothing yet, or anew each time that was tried.
        """
        with self._table() as table:
            for _ in range(_TRIES):
                sizes = self._foreign_sizes(table)
                if not sizes or self._own(table, sizes):
                    return sizes
        raise TableError(
            f"fleet '{self.fleet}' decided anew while its sizes were released; try again"
        )

    def _foreign_sizes(self, table: Table) -> tuple[ForeignSize, ...]:
        found = table.query(
            KeyConditionExpression=Key("fleet").eq(self.fleet) & Key("item").begins_with(SIZE),
            ConsistentRead=True,
        )
        return tuple(
            ForeignSize(
                pool=str(item["item"]).removeprefix(SIZE),
                capacity=int(cast("Decimal", item["capacity"])),
                since_epoch_seconds=int(cast("Decimal", item["since"])),
            )
            for item in found["Items"]
        )

    def _own(self, table: Table, sizes: tuple[ForeignSize, ...]) -> bool:
        """Write sizes as the fleet's own, unless anything changed since they were read."""
        latest = table.get_item(Key=self._key(LATEST), ConsistentRead=True).get("Item")
        if latest is None:
            raise TableError(
                f"fleet '{self.fleet}' has not decided anything yet; its first change starts "
                "from the sizes that its groups have"
            )
        places = {f"#p{n}": one.pool for n, one in enumerate(sizes)}
        capacities = {f":c{n}": one.capacity for n, one in enumerate(sizes)}
        own = {
            "TableName": self.table_name,
            "Key": self._key(LATEST),
            "UpdateExpression": "SET "
            + ", ".join(f"#desired.#p{n} = :c{n}" for n in range(len(sizes))),
            "ConditionExpression": "#tick = :tick",
            "ExpressionAttributeNames": {"#desired": "desired", "#tick": "tick", **places},
            "ExpressionAttributeValues": {":tick": latest["tick"], **capacities},
        }
        forget = [
            {
                "TableName": self.table_name,
                "Key": self._key(SIZE + one.pool),
                "ConditionExpression": "#capacity = :capacity",
                "ExpressionAttributeNames": {"#capacity": "capacity"},
                "ExpressionAttributeValues": {":capacity": one.capacity},
            }
            for one in sizes
        ]
        writes: Any = [{"Update": own}, *({"Delete": one} for one in forget)]
        try:
            table.meta.client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            return False
        return True

    def _key(self, item: str) -> dict[str, str]:
        return {"fleet": self.fleet, "item": item}

    def _table(self) -> AbstractContextManager[Table]:
        return open_table(self.table_name, region=self.region)


@contextmanager
def open_table(table_name: str, *, region: str | None) -> Iterator[Table]:
    """Yield the table, and say in words what AWS refused.

    Args:
        table_name: Name of the DynamoDB table.
        region: AWS region. None: that of the environment or profile.

    Raises:
        TableError: It cannot be used.
    """
    try:
        yield boto3.resource("dynamodb", region_name=region).Table(table_name)
    except (ClientError, BotoCoreError) as error:
        raise TableError(_in_words(table_name, error)) from error


def _hold(item: Mapping[str, Any]) -> Hold:
    return Hold(
        owner=str(item.get("owner", "somebody")),
        reason=str(item.get("reason", "no reason given")),
        until_epoch_seconds=int(cast("Decimal", item["until"])),
    )


def _decision(item: Mapping[str, Any]) -> Decision:
    try:
        plan = Plan.from_json(json.loads(str(item["plan"])))
    except ValueError as error:
        raise TableError(
            f"record {item['item']} cannot be read by this version of peakfleet: {error}"
        ) from error
    return Decision(tick=datetime.fromtimestamp(int(item["tick"]), UTC), plan=plan)


def _in_words(table_name: str, error: ClientError | BotoCoreError) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    match code:
        case "ResourceNotFoundException":
            return (
                f"there is no table '{table_name}' in this account and region; its name is in "
                "the stack's resources, as AWS::DynamoDB::Table"
            )
        case "ValidationException":
            return f"table '{table_name}' is no state table of peakfleet: {error}"
        case _:
            return f"table '{table_name}' cannot be reached: {error}"
