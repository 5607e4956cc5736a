"""The ledger's days in the state table."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

from peakfleet_cli.operate.records import TableError, open_table
from peakfleet_planner.efficiency import PoolDay

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DAY, AFTER_EVERY_DAY = "DAY#", "DAY$"


def read_days(
    table_name: str, *, fleet: str | None, since: date, region: str | None
) -> dict[str, list[PoolDay]]:
    """Return the days of each fleet, by its name.

    Args:
        table_name: Name of the state table.
        fleet: Which fleet. None: all of the table, for which all of it is read.
        since: The first day.
        region: AWS region. None: that of the environment or profile.

    Raises:
        TableError: The table cannot be used, or a day not be read.
    """
    first = DAY + since.isoformat()
    with open_table(table_name, region=region) as table:
        items = _of_all(table, first) if fleet is None else _of_one(table, fleet, first)
    found: defaultdict[str, list[PoolDay]] = defaultdict(list)
    for item in items:
        found[str(item["fleet"])].append(_day(item))
    return dict(found)


def _of_one(table: Table, fleet: str, first: str) -> list[dict[str, Any]]:
    ours = Key("fleet").eq(fleet) & Key("item").between(first, AFTER_EVERY_DAY)
    return _pages(partial(table.query, KeyConditionExpression=ours))


def _of_all(table: Table, first: str) -> list[dict[str, Any]]:
    return _pages(
        partial(table.scan, FilterExpression=Attr("item").between(first, AFTER_EVERY_DAY))
    )


def _pages(get_page: Callable[..., Any]) -> list[dict[str, Any]]:
    page = get_page()
    items: list[dict[str, Any]] = list(page["Items"])
    while last := page.get("LastEvaluatedKey"):
        page = get_page(ExclusiveStartKey=last)
        items.extend(page["Items"])
    return items


def _day(item: dict[str, Any]) -> PoolDay:
    try:
        return PoolDay.from_json(json.loads(str(item["day"])))
    except (KeyError, ValueError) as error:
        raise TableError(
            f"record {item.get('item')} cannot be read by this version of peakfleet: {error}"
        ) from error
