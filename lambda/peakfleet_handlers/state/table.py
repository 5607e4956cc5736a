"""The state table of one fleet: every call that handlers make of DynamoDB.

A write says what became of it and never raises: a condition that was not met is an answer, and a
call that failed is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Calls, Cause, Clients
from peakfleet_table import DamagedRecordError, Item, has_key, path_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

CONDITION_NOT_MET = "ConditionalCheckFailed"
CONTESTED_NOW = ("ConditionalCheckFailed", "TransactionConflict")
CANNOT_BE_CHANGED = "ValidationException"
"""An item that is not what it should be: it is deleted, so that the event's next delivery makes
another."""
WRITES_PER_CALL = 25
ROUNDS = 3
"""DynamoDB may leave some writes of a batch undone; they are sent again this often in all."""


class Recorded(StrEnum):
    """What became of a write; contested: another fleet has changed what both share."""

    WRITTEN = "written"
    STALE = "stale"
    CONTESTED = "contested"
    LOST = "lost"
    NOT_KEPT = "not-kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """A condition under which an item is written.

    Args:
        text: The condition expression. Default: it is written in any case.
        names: Attributes in it, by placeholder.
        values: Values in it, by placeholder.
    """

    text: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the part of a request that states it."""
        return {
            name: value
            for name, value in {
                "ConditionExpression": self.text,
                "ExpressionAttributeNames": dict(self.names),
                "ExpressionAttributeValues": dict(self.values),
            }.items()
            if value
        }


ALWAYS = Only()
Write = tuple[Literal["Put", "Update"], Mapping[str, Any], Only]
"""What is put, or how it is updated, and under which condition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTable:
    """The records of one fleet.

    Args:
        name: Name of the table.
        fleet: The fleet.
        dynamodb: Client to read and write with.
        calls: Where failures are noted.
    """

    name: str
    fleet: str
    dynamodb: DynamoDBClient
    calls: Calls

    @classmethod
    def of(cls, name: str | None, fleet: str, clients: Clients, calls: Calls) -> Self | None:
        """Return the table of a fleet; None if it has none."""
        if name is None:
            return None
        return cls(name=name, fleet=fleet, dynamodb=clients.dynamodb, calls=calls)

    def read(self, key: Item) -> Item | None:
        """Return an item, empty if there is none; None if it could not be read."""
        answer = self.calls.ask(
            self.dynamodb.get_item,
            key["item"]["S"],
            TableName=self.name,
            Key=key,
            ConsistentRead=True,
        )
        if answer is None:
            return None
        return self.calls.reading("GetItem", key["item"]["S"], lambda: _item(answer.get("Item")))

    def query(self, first: str, last: str | None = None) -> tuple[Item, ...] | None:
        """Return the items from one sort key on, or up to another; None if one may be missing."""
        between = "#item >= :first" if last is None else "#item BETWEEN :first AND :last"
        listed = self.calls.listed(
            "Query",
            self.name,
            self.dynamodb.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression=f"#fleet = :fleet AND {between}",
                ExpressionAttributeNames={"#fleet": "fleet", "#item": "item"},
                ExpressionAttributeValues={
                    ":fleet": {"S": self.fleet},
                    ":first": {"S": first},
                    **({} if last is None else {":last": {"S": last}}),
                },
                ConsistentRead=True,
            ),
            "Items",
        )
        whole = listed.complete and all(map(has_key, listed.found))
        if listed.complete and not whole:
            self.calls.note("Query", self.name, Cause.UNREADABLE, "an item has no key")
        return listed.found if whole else None

    def starting_with(self, prefix: str) -> tuple[Item, ...]:
        """Return the items whose sort key begins so; none if they cannot be read."""
        return self.query(prefix, prefix + "\U0010ffff") or ()

    def put(self, item: Item, only: Only = ALWAYS) -> Recorded:
        """Write an item."""

        def put() -> object:
            return self.dynamodb.put_item(TableName=self.name, Item=item, **only.request())

        return self._written("PutItem", item["item"]["S"], put)

    def delete(self, key: Item, only: Only = ALWAYS) -> Item | None:
        """Delete an item; return what it was, empty if there was none, None if that failed."""
        return self._changed(
            "DeleteItem",
            key,
            lambda: self.dynamodb.delete_item(
                TableName=self.name, Key=key, ReturnValues="ALL_OLD", **only.request()
            ),
        )

    def update(
        self,
        key: Item,
        change: str,
        only: Only,
        *,
        returned: Literal["ALL_NEW", "NONE"] = "ALL_NEW",
    ) -> Item | None:
        """Change an item, or make it; None if that failed or the condition is not met.

        Args:
            key: Of the item.
            change: The update expression; its names and values are those of *only*.
            only: Under which condition.
            returned: Which of its attributes are returned. Default: all, as they are then.
        """
        return self._changed(
            "UpdateItem",
            key,
            lambda: self.dynamodb.update_item(
                TableName=self.name,
                Key=key,
                UpdateExpression=change,
                ReturnValues=returned,
                **only.request(),
            ),
        )

    def transact(self, *writes: Write, shared: tuple[Write, ...] = ()) -> Recorded:
        """Make all of these writes or none.

        Args:
            writes: Each with what it puts or how it updates, and under which condition.
            shared: Writes of what fleets share. Where only these are refused, the answer is
                `CONTESTED`: another fleet was faster, and this one may look again.
        """
        items: Any = [
            {kind: {"TableName": self.name, **request, **only.request()}}
            for kind, request, only in (*writes, *shared)
        ]

        def attempt() -> Recorded:
            try:
                self.dynamodb.transact_write_items(TransactItems=items)
            except ClientError as error:
                reasons: Any = error.response.get("CancellationReasons") or ()
                codes = [one.get("Code") for one in reasons]
                own, others = codes[: len(writes)], codes[len(writes) :]
                if not set(CONTESTED_NOW) & {*own} and set(CONTESTED_NOW) & {*others}:
                    return Recorded.CONTESTED
                if not _condition_not_met(error):
                    raise
                return Recorded.STALE
            return Recorded.WRITTEN

        return self.calls.attempt("TransactWriteItems", self.name, attempt) or Recorded.LOST

    def write_all(self, items: Iterable[Item], *, deleted: Iterable[Item] = ()) -> None:
        """Write items and delete keys in batches, and send again what a batch has left undone."""
        requests: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in items]
        requests += [{"DeleteRequest": {"Key": key}} for key in deleted]
        for first in range(0, len(requests), WRITES_PER_CALL):
            batch: Any = {self.name: requests[first : first + WRITES_PER_CALL]}
            for _ in range(ROUNDS):
                answer = self.calls.ask(
                    self.dynamodb.batch_write_item, self.name, RequestItems=batch
                )
                batch = answer.get("UnprocessedItems") if isinstance(answer, dict) else None
                if not batch:
                    break
            else:
                words = "some items were not written"
                self.calls.note("BatchWriteItem", self.name, Cause.THROTTLED, words)

    def refuse(self, error: DamagedRecordError, item: Item | None = None) -> None:
        """Note that a record is damaged and counts as lost."""
        subject = path_of(item) if item else str(error).partition(":")[0]
        self.calls.note("Query", subject, Cause.UNREADABLE, str(error))

    def _written(self, operation: str, subject: str, write: Callable[[], object]) -> Recorded:
        def attempt() -> Recorded:
            try:
                write()
            except ClientError as error:
                if not _condition_not_met(error):
                    raise
                return Recorded.STALE
            return Recorded.WRITTEN

        return self.calls.attempt(operation, subject, attempt) or Recorded.LOST

    def _changed(self, operation: str, key: Item, call: Callable[[], Any]) -> Item | None:
        def attempt() -> Item | bool:
            try:
                return _item(call().get("Attributes"))
            except ClientError as error:
                if _condition_not_met(error):
                    return False
                code = error.response["Error"]["Code"]
                if code == CANNOT_BE_CHANGED and operation == "UpdateItem":
                    self.dynamodb.delete_item(TableName=self.name, Key=key)
                raise

        answer = self.calls.attempt(operation, key["item"]["S"], attempt)
        return answer if isinstance(answer, dict) else None


def _item(answer: object) -> Item:
    """Return an item that DynamoDB has answered; empty if there is none.

    Raises:
        TypeError: It is none: it says whose it is, and every attribute its type.
    """
    if answer is None or answer == {}:
        return {}
    if isinstance(answer, Mapping) and all(isinstance(one, Mapping) for one in answer.values()):
        if not has_key(answer):
            raise TypeError(f"an item must say whose it is, got {answer!r:.200}")
        return dict(answer)
    raise TypeError(f"an item must have attributes with a type, got {answer!r:.200}")


def _condition_not_met(error: ClientError) -> bool:
    """Whether a write was refused by its own condition; of a transaction, by any of them."""
    reasons: Any = error.response.get("CancellationReasons") or ()
    codes = [error.response.get("Error", {}).get("Code", ""), *(one.get("Code") for one in reasons)]
    return any(str(code).startswith(CONDITION_NOT_MET) for code in codes)
