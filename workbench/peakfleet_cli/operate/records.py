"""The state table as a human's commands use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_cli.operate.obstacles import Obstacle, obstacles_of
from peakfleet_planner import ForeignSize, Hold
from peakfleet_table import (
    DECISIONS,
    FIRST_READ,
    HOLDS,
    LATESTS,
    SIZES,
    DamagedRecordError,
    Decision,
    Item,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES = 3
_AFTER_EVERYTHING = "~"


class TableError(Exception):
    """The state table cannot be used; the message says why and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRecords:
    """What the state table knows of one fleet.

    Every method raises a `TableError` if the table cannot be used.

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
        with open_table(self.table_name, region=self.region) as client:
            found = client.query(**self._between("", None), Limit=1)
        return bool(found["Items"])

    def hold(self) -> Hold | None:
        """Return the hold in the table, which may have ended."""
        with open_table(self.table_name, region=self.region) as client:
            item = self._get(client, HOLDS.key(self.fleet))
            return HOLDS.read(item) if item else None

    def put_hold(self, hold: Hold) -> None:
        """Hold the fleet; a hold that it has is replaced."""
        with open_table(self.table_name, region=self.region) as client:
            client.put_item(TableName=self.table_name, Item=HOLDS.item(self.fleet, hold))

    def delete_hold(self) -> Hold | None:
        """End the hold, and return it if there was one; one that is damaged ends as well."""
        with open_table(self.table_name, region=self.region) as client:
            answer = client.delete_item(
                TableName=self.table_name, Key=HOLDS.key(self.fleet), ReturnValues="ALL_OLD"
            )
        try:
            return HOLDS.read(answer["Attributes"]) if answer.get("Attributes") else None
        except DamagedRecordError:
            return Hold(owner="somebody", reason="its record was damaged", until_epoch_seconds=0)

    def decision(self, at: datetime | None = None) -> Decision | None:
        """Return the newest decision, or the newest one up to *at*.

        A record is written when a decision changes something, so it stands until the next one.
        """
        until = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if at else ""
        last = DECISIONS.prefix + until + _AFTER_EVERYTHING
        with open_table(self.table_name, region=self.region) as client:
            found = client.query(
                **self._between(DECISIONS.prefix, last), ScanIndexForward=False, Limit=1
            )
            return DECISIONS.read(found["Items"][0]) if found["Items"] else None

    def decisions(self, begin: datetime, end: datetime) -> list[Decision]:
        """Return the decisions from *begin* to before *end*, oldest first."""
        first, last = (
            f"{DECISIONS.prefix}{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" for at in (begin, end)
        )
        with open_table(self.table_name, region=self.region) as client:
            pages = client.get_paginator("query").paginate(**self._between(first, last))
            return [DECISIONS.read(item) for page in pages for item in page["Items"]]

    def obstacles(self, *, now: datetime) -> tuple[Obstacle, ...]:
        """Return what stands in the fleet's way."""
        with open_table(self.table_name, region=self.region) as client:
            pages = client.get_paginator("query").paginate(**self._between(FIRST_READ, None))
            return obstacles_of([item for page in pages for item in page["Items"]], now=now)

    def release(self) -> tuple[ForeignSize, ...]:
        """Take the sizes that somebody else has set for the fleet's own; return them.

        Raises:
            TableError: The fleet has decided nothing yet, or anew each time that was tried.
        """
        with open_table(self.table_name, region=self.region) as client:
            for _ in range(_TRIES):
                found = client.query(
                    **self._between(SIZES.prefix, SIZES.prefix + _AFTER_EVERYTHING),
                    ConsistentRead=True,
                )
                sizes = tuple(SIZES.read(item) for item in found["Items"])
                if not sizes or self._own(client, sizes):
                    return sizes
        raise TableError(
            f"fleet '{self.fleet}' decided anew while its sizes were released; try again"
        )

    def _own(self, client: DynamoDBClient, sizes: tuple[ForeignSize, ...]) -> bool:
        """Write sizes as the fleet's own, unless anything changed since they were read."""
        latest = self._get(client, LATESTS.key(self.fleet))
        if latest is None:
            raise TableError(
                f"fleet '{self.fleet}' has not decided anything yet; its first change starts "
                "from the sizes that its groups have"
            )
        items = [SIZES.item(self.fleet, one) for one in sizes]
        places = {f"#p{n}": one.pool for n, one in enumerate(sizes)}
        capacities = {f":c{n}": item["capacity"] for n, item in enumerate(items)}
        own = {
            "TableName": self.table_name,
            "Key": LATESTS.key(self.fleet),
            "UpdateExpression": "SET "
            + ", ".join(f"#desired.#p{n} = :c{n}" for n in range(len(sizes))),
            "ConditionExpression": "#tick = :tick",
            "ExpressionAttributeNames": {**LATESTS.names("desired", "tick"), **places},
            "ExpressionAttributeValues": {":tick": latest["tick"], **capacities},
        }
        forget = [
            {
                "TableName": self.table_name,
                "Key": SIZES.key_of(self.fleet, one),
                "ConditionExpression": "#capacity = :capacity",
                "ExpressionAttributeNames": SIZES.names("capacity"),
                "ExpressionAttributeValues": {":capacity": item["capacity"]},
            }
            for one, item in zip(sizes, items, strict=True)
        ]
        writes: Any = [{"Update": own}, *({"Delete": one} for one in forget)]
        try:
            client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            return False
        return True

    def _get(self, client: DynamoDBClient, key: Item) -> Item | None:
        answer = client.get_item(TableName=self.table_name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _between(self, first: str, last: str | None) -> Any:  # noqa: ANN401  part of a boto3 request
        """Return the query for all of a fleet's records, or those between two sort keys."""
        return {"TableName": self.table_name, **key_condition(self.fleet, first, last)}


def key_condition(fleet: str, first: str, last: str | None) -> dict[str, Any]:
    """Return the part of a query that says which records of a fleet it is for.

    Args:
        fleet: Whose.
        first: The first sort key; empty for all that there are.
        last: The last one. None: all from the first on.
    """
    text, values = "#fleet = :fleet", {":fleet": {"S": fleet}}
    if first:
        text += " AND #item >= :first" if last is None else " AND #item BETWEEN :first AND :last"
        values |= {":first": {"S": first}} | ({} if last is None else {":last": {"S": last}})
    names = {"#fleet": "fleet", **({"#item": "item"} if first else {})}
    return {
        "KeyConditionExpression": text,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


@contextmanager
def open_table(table_name: str, *, region: str | None) -> Iterator[DynamoDBClient]:
    """Yield a client of the table, and say in words what AWS refused or what is damaged.

    Args:
        table_name: Name of the DynamoDB table.
        region: AWS region. None: that of the environment or profile.

    Raises:
        TableError: It cannot be used, or a record in it not be read.
    """
    try:
        yield boto3.client("dynamodb", region_name=region)
    except (ClientError, BotoCoreError) as error:
        raise TableError(_in_words(table_name, error)) from error
    except DamagedRecordError as error:
        path, _, why = str(error).partition(": ")
        raise TableError(
            f"record {path} cannot be read by this version of peakfleet: {why}"
        ) from error


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
