"""The ledger's days in the state table."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from peakfleet_cli.operate import key_condition, open_table
from peakfleet_planner.efficiency import PoolDay
from peakfleet_table import DAYS

_AFTER_EVERY_DATE = "~"


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
    first, last = DAYS.prefix + since.isoformat(), DAYS.prefix + _AFTER_EVERY_DATE
    found: defaultdict[str, list[PoolDay]] = defaultdict(list)
    with open_table(table_name, region=region) as client:
        pages = (
            client.get_paginator("scan").paginate(
                TableName=table_name,
                FilterExpression="#item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#item": "item"},
                ExpressionAttributeValues={":first": {"S": first}, ":last": {"S": last}},
            )
            if fleet is None
            else client.get_paginator("query").paginate(
                TableName=table_name, **key_condition(fleet, first, last)
            )
        )
        for page in pages:
            for item in page["Items"]:
                found[str(item["fleet"]["S"])].append(DAYS.read(item))
    return dict(found)
