from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

from peakfleet_local.moto.backends import MotoObject, Patch, as_method, stock

_stock_transact = stock(DynamoDBBackend, "transact_write_items")
_transaction = threading.local()


def table_patches() -> list[Patch]:
    """Return what keeps transactions of moto 5.2.5 fast while a table grows.

    Before each write moto copies the whole table, item by item, to undo a transaction that
    fails. Puts and deletes exchange whole items, so that remembering which there were is
    enough.
    """
    transact = as_method(_transact)
    return [
        Patch(owner=DynamoDBBackend, name="transact_write_items", value=transact),
        Patch(owner=models, name="copy", value=_Copies),
    ]


def _transact(backend: MotoObject, transact_items: Sequence[Mapping[str, MotoObject]]) -> None:
    """Write a transaction; one that changes items in place is left to moto."""
    _transaction.exchanges_only = not any("Update" in item for item in transact_items)
    try:
        _stock_transact(backend, transact_items)
    finally:
        _transaction.exchanges_only = False


class _Copies:
    """Stands for the module `copy` where moto copies tables."""

    @staticmethod
    def deepcopy(original: MotoObject) -> MotoObject:
        """Copy a table as deep as its transaction needs, and anything else deeply."""
        exchanges_only = getattr(_transaction, "exchanges_only", False)
        if isinstance(original, Table) and exchanges_only and original.stream_shard is None:
            return _remembered(original)
        return copy.deepcopy(original)


def _remembered(table: MotoObject) -> MotoObject:
    remembered = copy.copy(table)
    remembered.items = defaultdict(dict)
    for key, held in table.items.items():
        remembered.items[key] = dict(held) if isinstance(held, dict) else held
    return remembered
