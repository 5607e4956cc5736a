"""The items of the ledger: one for each day and pool.

| `item` | attributes | written by |
|---|---|---|
| `DAY#<ISO-8601 date>#<pool>` | `day` S: JSON, `expires_at` N | the ledger |

They sort before all that a tick reads, and are kept for 400 days.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from peakfleet_handlers.state import Item, key, number
from peakfleet_planner.efficiency import PoolDay

DAY, AFTER_EVERY_DAY = "DAY#", "DAY$"
DAY_SECONDS = 24 * 3600
KEPT_SECONDS = 400 * DAY_SECONDS


def day_item(fleet: str, day: PoolDay) -> Item:
    """Return the item that records a day of a pool."""
    start = datetime.fromisoformat(day.date).replace(tzinfo=UTC)
    return {
        **key(fleet, f"{DAY}{day.date}#{day.pool}"),
        "day": {"S": json.dumps(day.to_json(), separators=(",", ":"), allow_nan=False)},
        "expires_at": number(int(start.timestamp()) + KEPT_SECONDS),
    }


def read_day(item: Mapping[str, Any]) -> PoolDay:
    """Return the day that an item records.

    Raises:
        KeyError, TypeError, ValueError: The item is no day that this code knows.
    """
    return PoolDay.from_json(json.loads(item["day"]["S"]))
