"""The ledger's days in the state table."""

from __future__ import annotations

from datetime import date

from peakfleet_cli.account import Account
from peakfleet_cli.operate import DeployedFleet, key_condition, open_table
from peakfleet_planner.efficiency import PoolDay
from peakfleet_table import DAYS

_AFTER_EVERY_DATE = "~"


def read_days(account: Account, fleet: DeployedFleet, *, since: date) -> list[PoolDay]:
    """Return the days of a fleet's pools, oldest first.

    Args:
        account: Where it runs.
        fleet: Which.
        since: The first day.

    Raises:
        TableError: The table cannot be used, or a day not be read.
    """
    first, last = DAYS.prefix + since.isoformat(), DAYS.prefix + _AFTER_EVERY_DATE
    with open_table(account, fleet.table) as client:
        pages = client.get_paginator("query").paginate(
            TableName=fleet.table, **key_condition(fleet.name, first, last)
        )
        return [DAYS.read(item) for page in pages for item in page["Items"]]
