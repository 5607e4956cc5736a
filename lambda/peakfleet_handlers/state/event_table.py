"""The state table as events use it: single items, each written under a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from peakfleet_handlers.aws import Calls
from peakfleet_handlers.state.items import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONDITION_NOT_MET = "ConditionalCheckFailedException"
CANNOT_BE_CHANGED = "ValidationException"
"""An item that is not what it should be: it is deleted, so that the event's next delivery makes
another."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """The items of one fleet.

    What is written answers the attributes that it was asked for, None if nothing was written: a
    condition was not met, or the call failed and was noted.

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

    def read(self, key: Item) -> Item | None:
        """Return an item, empty if there is none; None if it could not be read."""
        get = partial(self.dynamodb.get_item, TableName=self.name, Key=key, ConsistentRead=True)
        answer = self.calls.attempt("GetItem", key["item"]["S"], get)
        return None if answer is None else dict(answer.get("Item", {}))

    def query(self, prefix: str) -> list[Item]:
        """Return the items whose sort key begins with *prefix*; none if that failed."""
        query = partial(
            self.dynamodb.query,
            TableName=self.name,
            KeyConditionExpression="#fleet = :fleet AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#fleet": "fleet", "#item": "item"},
            ExpressionAttributeValues={":fleet": {"S": self.fleet}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        answer = self.calls.attempt("Query", prefix, query)
        return [dict(item) for item in answer["Items"]] if answer else []

    def put(self, item: Item, only: Only) -> bool:
        """Write an item; whether it was written."""
        put = partial(self.dynamodb.put_item, TableName=self.name, Item=item, **only.request())
        return self._attempt("PutItem", item, put) is not None

    def delete(self, key: Item, only: Only = ALWAYS) -> Item | None:
        """Delete an item; return what it was, empty if there was none."""
        delete = partial(
            self.dynamodb.delete_item,
            TableName=self.name,
            Key=key,
            ReturnValues="ALL_OLD",
            **only.request(),
        )
        return self._attempt("DeleteItem", key, delete)

    def update(
        self,
        key: Item,
        change: str,
        only: Only,
        *,
        returned: Literal["ALL_NEW", "NONE"] = "ALL_NEW",
    ) -> Item | None:
        """Change an item, or make it.

        Args:
            key: Of the item.
            change: The update expression; its names and values are those of *only*.
            only: Under which condition.
            returned: Which of its attributes are returned. Default: all, as they are then.
        """
        update = partial(
            self.dynamodb.update_item,
            TableName=self.name,
            Key=key,
            UpdateExpression=change,
            ReturnValues=returned,
            **only.request(),
        )
        return self._attempt("UpdateItem", key, update)

    def _attempt(self, operation: str, key: Item, call: Callable[[], Any]) -> Item | None:
        def attempt() -> Item | bool:
            try:
                return dict(call().get("Attributes", {}))
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == CONDITION_NOT_MET:
                    return False
                if code == CANNOT_BE_CHANGED and operation == "UpdateItem":
                    self.dynamodb.delete_item(TableName=self.name, Key=key)
                raise

        answer = self.calls.attempt(operation, key["item"]["S"], attempt)
        return answer if isinstance(answer, dict) else None
