"""The state table as a human's commands use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from peakfleet_cli.account import Account
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate.obstacles import Obstacle, obstacles_of
from peakfleet_planner import ForeignSize, Hold, SpendOverride
from peakfleet_planner.forecast import ProposedPeaks
from peakfleet_table import (
    DECISIONS,
    FIRST_READ,
    HOLD_TAG,
    HOLDS,
    HOURS,
    LATESTS,
    PROPOSALS,
    RECORDINGS,
    SIZES,
    SPEND_OVERRIDES,
    TICKS,
    DamagedRecordError,
    Decision,
    Item,
    Kind,
    PackedRecording,
    read_hold_tag,
    write_hold_tag,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

_TRIES = 3
_AFTER_EVERYTHING = "~"


class TableError(CommandError):
    """The state table, or a group's tags, cannot be used; the message says why and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the table says of a fleet at a glance.

    Args:
        hold: A hold that stands.
        override: A leave to spend more that stands.
        plan: The decision that gave the fleet its size, as a JSON document.
        size_since: When that was.
        last_tick: When the fleet decided last.
        troubles: What troubled it then, by the names of the metrics that count it.
        obstacles: What stands in its way.
    """

    hold: Hold | None = None
    override: SpendOverride | None = None
    plan: str | None = None
    size_since: datetime | None = None
    last_tick: datetime | None = None
    troubles: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRecords:
    """What the state table knows of one fleet.

    Every method raises a `TableError` if the table cannot be used.

    Args:
        account: Where the table is.
        table_name: Name of the DynamoDB table.
        fleet: The fleet, by its name.
    """

    account: Account
    table_name: str
    fleet: str

    def hold(self) -> Hold | None:
        """Return the hold in the table, which may have ended."""
        with open_table(self.account, self.table_name) as client:
            item = self._get(client, HOLDS.key(self.fleet))
            return HOLDS.read(item) if item else None

    def put_hold(self, hold: Hold) -> None:
        """Hold the fleet; a hold that it has is replaced."""
        self._put(HOLDS, hold)

    def delete_hold(self) -> Hold | None:
        """End the hold, and return it if there was one; one that is damaged ends as well."""
        return self._delete(HOLDS, Hold)

    def tag_groups(self, groups: Sequence[str], hold: Hold) -> None:
        """Say at the groups that the fleet is held: ticks read it there too.

        Args:
            groups: Names of its Auto Scaling groups; one that is not there is left out.
            hold: The hold.

        Raises:
            TableError: AWS does not let them be tagged.
        """
        with self._tagging(groups) as (scaling, found):
            if found:
                value = write_hold_tag(hold)
                scaling.create_or_update_tags(Tags=[_tag(name, Value=value) for name in found])

    def untag_groups(self, groups: Sequence[str]) -> Hold | None:
        """End the hold at the groups, and return it if they told of one.

        Raises:
            TableError: As `tag_groups`; the hold stands until its end then.
        """
        ended = None
        with self._tagging(groups) as (scaling, found):
            tags = {name: tag for name, tag in found.items() if tag is not None}
            for tag in tags.values():
                with suppress(ValueError):
                    ended = read_hold_tag(tag)
            if tags:
                scaling.delete_tags(Tags=[_tag(name) for name in tags])
        return ended

    @contextmanager
    def _tagging(self, groups: Sequence[str]) -> Iterator[tuple[Any, dict[str, str | None]]]:
        """Yield a client, and the value of the tag of each group that is there."""
        try:
            scaling = self.account.client("autoscaling")
            pages = scaling.get_paginator("describe_auto_scaling_groups").paginate(
                AutoScalingGroupNames=list(groups)
            )
            found: dict[str, str | None] = {}
            for page in pages:
                for group in page["AutoScalingGroups"]:
                    tags = {tag["Key"]: tag.get("Value", "") for tag in group.get("Tags", ())}
                    found[group["AutoScalingGroupName"]] = tags.get(HOLD_TAG)
            yield scaling, found
        except (BotoCoreError, ClientError) as error:
            raise TableError(f"the groups {', '.join(groups)} cannot be tagged: {error}") from error

    def put_override(self, override: SpendOverride) -> None:
        """Lift the spend limits of the fleet; an override that it has is replaced."""
        self._put(SPEND_OVERRIDES, override)

    def delete_override(self) -> SpendOverride | None:
        """End the override, as `delete_hold` ends a hold."""
        return self._delete(SPEND_OVERRIDES, SpendOverride)

    def proposals(self) -> ProposedPeaks | None:
        """Return the peaks that the newest lesson found to come back."""
        with open_table(self.account, self.table_name) as client:
            item = self._get(client, PROPOSALS.key(self.fleet))
            return PROPOSALS.read(item) if item else None

    def put_recording(self, recording: PackedRecording) -> None:
        """Let the fleet learn from a recording; one that it has is replaced."""
        self._put(RECORDINGS, recording)

    def _put(self, kind: Kind[T], value: T) -> None:
        with open_table(self.account, self.table_name) as client:
            client.put_item(TableName=self.table_name, Item=kind.item(self.fleet, value))

    def _delete(self, kind: Kind[T], made: Callable[..., T]) -> T | None:
        with open_table(self.account, self.table_name) as client:
            answer = client.delete_item(
                TableName=self.table_name, Key=kind.key(self.fleet), ReturnValues="ALL_OLD"
            )
        try:
            return kind.read(answer["Attributes"]) if answer.get("Attributes") else None
        except DamagedRecordError:
            return made(owner="somebody", reason="its record was damaged", until_epoch_seconds=0)

    def decision(self, at: datetime | None = None) -> Decision | None:
        """Return the newest decision, or the newest one up to *at*.

        A record is written when a decision changes something, so it stands until the next one.
        Where it is too old to be kept, the last one of an hour is returned.
        """
        with open_table(self.account, self.table_name) as client:
            for kind, form in ((DECISIONS, "%Y-%m-%dT%H:%M:%S"), (HOURS, "%Y-%m-%dT%H")):
                until = f"{at.astimezone(UTC):{form}}" if at else ""
                last = kind.prefix + until + _AFTER_EVERYTHING
                found = client.query(
                    **self._between(kind.prefix, last), ScanIndexForward=False, Limit=2
                )
                for item in found["Items"]:
                    made = kind.read(item)
                    if at is None or made.tick <= at.timestamp():
                        return made
        return None

    def decisions(self, begin: datetime, end: datetime | None = None) -> list[Decision]:
        """Return the decisions from *begin* to before *end*, oldest first; None has no end."""
        first, last = (
            DECISIONS.prefix
            + (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" if at else _AFTER_EVERYTHING)
            for at in (begin, end)
        )
        with open_table(self.account, self.table_name) as client:
            pages = client.get_paginator("query").paginate(**self._between(first, last))
            return [DECISIONS.read(item) for page in pages for item in page["Items"]]

    def overview(self, *, now: datetime) -> Overview:
        """Return what a tick would read, with one query; what is damaged counts as lost."""
        with open_table(self.account, self.table_name) as client:
            pages = client.get_paginator("query").paginate(**self._between(FIRST_READ, None))
            items = [item for page in pages for item in page["Items"]]
        hold, latest, tick = _only(HOLDS, items), _only(LATESTS, items), _only(TICKS, items)
        override = _only(SPEND_OVERRIDES, items)
        stands = hold is not None and now.timestamp() < hold.until_epoch_seconds
        lifted = override is not None and now.timestamp() < override.until_epoch_seconds
        ticks = [one.tick for one in (tick, latest) if one]
        return Overview(
            hold=hold if stands else None,
            override=override if lifted else None,
            plan=latest.plan if latest else None,
            size_since=_moment(latest.tick) if latest else None,
            last_tick=_moment(max(ticks)) if ticks else None,
            troubles=(tick.troubles or ()) if tick else (),
            obstacles=obstacles_of(items, now=now),
        )

    def release(self) -> tuple[ForeignSize, ...]:
        """Take the sizes that somebody else has set for the fleet's own; return them.

        Raises:
            TableError: The fleet has decided nothing yet, or anew each time that was tried.
        """
        with open_table(self.account, self.table_name) as client:
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
def open_table(account: Account, table_name: str) -> Iterator[DynamoDBClient]:
    """Yield a client of the table, and say in words what AWS refused or what is damaged.

    Args:
        account: Where it is.
        table_name: Name of the DynamoDB table.

    Raises:
        TableError: It cannot be used, or a record in it not be read.
    """
    try:
        yield account.client("dynamodb")
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


def _only(kind: Kind[T], items: Iterable[Item]) -> T | None:
    """Return the one record of a kind; None if there is none that can be read."""
    for item in items:
        if item["item"]["S"] == kind.prefix:
            with suppress(DamagedRecordError):
                return kind.read(item)
    return None


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def _tag(group: str, **value: str) -> Any:  # noqa: ANN401  AWS's own shape
    """Return the tag of a hold, as AWS is told of it."""
    return {
        "Key": HOLD_TAG,
        "PropagateAtLaunch": False,
        "ResourceId": group,
        "ResourceType": "auto-scaling-group",
        **value,
    }
