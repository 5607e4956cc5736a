"""DynamoDB's promise that nobody comes between a condition and its write; moto's threads do."""

from __future__ import annotations

import threading
from collections.abc import Callable

from moto.dynamodb.models import DynamoDBBackend

from peakfleet_local.moto.patches import MotoObject, Patch, as_method, stock

TABLES = threading.RLock()
"""Held by whoever reads or writes items; a transaction reads and writes under it."""
_OPERATIONS = ("delete_item", "get_item", "put_item", "query", "update_item")


def serial_patches() -> list[Patch]:
    """Return the replacements by which items are read and written one after the other."""
    return [
        Patch(owner=DynamoDBBackend, name=name, value=as_method(_one_at_a_time(name)))
        for name in _OPERATIONS
    ]


def _one_at_a_time(name: str) -> Callable[..., MotoObject]:
    written = stock(DynamoDBBackend, name)

    def operation(*args: MotoObject, **named: MotoObject) -> MotoObject:
        with TABLES:
            return written(*args, **named)

    return operation
