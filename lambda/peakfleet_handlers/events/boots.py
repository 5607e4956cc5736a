"""Measured boots: how long the instances of a pool took to serve, and which are new."""

from __future__ import annotations

from typing import Any

from peakfleet_handlers.state import Only, StateTable
from peakfleet_planner.snapshot import MOST_BOOTS
from peakfleet_table import BOOTS, READY_KEPT_SECONDS, DamagedRecordError, Item, PoolBoots

LEAST_KEPT_SECONDS = 3600
"""A launch is kept for an hour, or for twice the time within which it has to serve."""
MOST_PRUNED = 50


def record_boot(
    table: StateTable,
    pool: str,
    *,
    instance_id: str,
    instance_type: str,
    seconds: float | None,
    launched_epoch_seconds: int,
    window_seconds: float,
) -> dict[str, int]:
    """Remember a launch once, and what is new; return when each new instance was launched.

    Args:
        table: The state table.
        pool: Of which pool.
        instance_id: The instance.
        instance_type: Its type.
        seconds: From its launch to serving; None if that was not a boot.
        launched_epoch_seconds: When it was launched.
        window_seconds: How long an instance is new.
    """
    item_key = BOOTS.key(table.fleet, pool)
    expires = {"N": str(launched_epoch_seconds + READY_KEPT_SECONDS)}
    found = _opened(table, item_key, expires)
    if found is None:
        return {}
    change = "SET #launched.#id = :at"
    names = {**BOOTS.names("launched"), "#id": instance_id}
    values: dict[str, Any] = {":at": {"N": str(launched_epoch_seconds)}}
    if seconds is not None:
        change += ", #seconds.#type = list_append(if_not_exists(#seconds.#type, :no), :boot)"
        names |= {**BOOTS.names("seconds"), "#type": instance_type}
        values |= {":no": {"L": []}, ":boot": {"L": [{"N": f"{seconds:.15g}"}]}}
    once = Only(text="attribute_not_exists(#launched.#id)", names=names, values=values)
    counted = table.update(item_key, change, once)
    if counted is None:
        return _launched(found)
    _trim(table, item_key, counted, instance_type)
    launched = _launched(counted)
    oldest = launched_epoch_seconds - max(LEAST_KEPT_SECONDS, 2 * window_seconds)
    _prune(table, item_key, [one for one, at in launched.items() if at < oldest])
    return launched


def launch_of(table: StateTable, pool: str, instance_id: str) -> int | None:
    """Return when an instance was launched; None if it is not new, or that cannot be read."""
    found = table.read(BOOTS.key(table.fleet, pool))
    return _launched(found).get(instance_id) if found else None


def forget_launch(table: StateTable, pool: str, instance_id: str) -> None:
    """Forget the launch of an instance that is gone."""
    table.update(
        BOOTS.key(table.fleet, pool),
        "REMOVE #launched.#id",
        Only(
            text="attribute_exists(#launched.#id)",
            names={**BOOTS.names("launched"), "#id": instance_id},
        ),
        returned="NONE",
    )


def _opened(table: StateTable, item_key: Item, expires: dict[str, str]) -> Item | None:
    """Return the item of a pool, made if there is none; made anew if it is damaged."""
    only = Only(
        names=BOOTS.names("seconds", "launched", "expires_at"),
        values={":none": {"M": {}}, ":expires": expires},
    )
    change = (
        "SET #seconds = if_not_exists(#seconds, :none), "
        "#launched = if_not_exists(#launched, :none), #expires_at = :expires"
    )
    found = table.update(item_key, change, only)
    if found is None or _known(found):
        return found
    table.delete(item_key)
    return table.update(item_key, change, only)


def _known(item: Item) -> PoolBoots | None:
    """Return what an item says; None if it is damaged."""
    try:
        return BOOTS.read(item)
    except DamagedRecordError:
        return None


def _trim(table: StateTable, item_key: Item, item: Item, instance_type: str) -> None:
    """Drop the oldest boot of a type where there are too many."""
    known = _known(item)
    if known and len(known.seconds.get(instance_type, ())) > MOST_BOOTS:
        table.update(
            item_key,
            "REMOVE #seconds.#type[0]",
            Only(
                text="size(#seconds.#type) > :most",
                names={**BOOTS.names("seconds"), "#type": instance_type},
                values={":most": {"N": str(MOST_BOOTS)}},
            ),
            returned="NONE",
        )


def _prune(table: StateTable, item_key: Item, instance_ids: list[str]) -> None:
    """Forget launches that are long ago, so many that an expression has room for them."""
    if not instance_ids:
        return
    names = {f"#id{i}": one for i, one in enumerate(instance_ids[:MOST_PRUNED])}
    change = "REMOVE " + ", ".join(f"#launched.{name}" for name in names)
    only = Only(names={**BOOTS.names("launched"), **names})
    table.update(item_key, change, only, returned="NONE")


def _launched(item: Item) -> dict[str, int]:
    known = _known(item)
    return dict(known.launched) if known else {}
