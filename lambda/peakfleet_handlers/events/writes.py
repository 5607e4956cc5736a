"""What events write: every write can be repeated, and none undoes a newer one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from peakfleet_handlers.aws import counted
from peakfleet_handlers.state import Only, Recorded, StateTable
from peakfleet_planner import Draining, Notice, Outage, OutageCause
from peakfleet_table import (
    DRAINS,
    NOTICES,
    OUTAGES,
    STRIKES,
    STRIKES_KEPT_SECONDS,
    DamagedRecordError,
    Item,
    Strikes,
    has_expired,
)

TRIES = 3
"""How often a refusal is tried against others of the same scope at the same time."""
ENOUGH_STRIKES = 3
"""So many launches in a row that never serve take a pool out."""
MOST_SEEN = 50
REASON_LENGTH = 300


def refuse(table: StateTable, refused: Outage) -> bool:
    """Remember a refusal with one attempt; whether it is news."""
    item_key = OUTAGES.key_of(table.fleet, refused)
    for _ in range(TRIES):
        found = table.read(item_key)
        if found is None:
            return False
        outage = counted(_known(found, refused.asked_at_epoch_seconds), refused)
        if outage is None:
            return False
        as_found = (
            Only(
                text="#asked_at = :at",
                names=OUTAGES.names("asked_at"),
                values={":at": found["asked_at"]},
            )
            if "asked_at" in found
            else Only(text="attribute_not_exists(#asked_at)", names=OUTAGES.names("asked_at"))
        )
        if table.put(OUTAGES.item(table.fleet, outage), as_found) is Recorded.WRITTEN:
            return True
    return False


def allow(table: StateTable, covers: Callable[[Outage], bool], *, since_epoch_seconds: int) -> bool:
    """Forget refusals because capacity was had; whether there were any.

    Args:
        table: The state table.
        covers: Whether a refusal is about the capacity that was had.
        since_epoch_seconds: When that was asked for; a refusal that is not older stays.
    """
    forgotten = [
        table.delete(
            OUTAGES.key_of(table.fleet, outage),
            Only(
                text="#asked_at = :at",
                names=OUTAGES.names("asked_at"),
                values={":at": {"N": str(outage.asked_at_epoch_seconds)}},
            ),
        )
        for outage in _outages(table)
        if covers(outage) and outage.asked_at_epoch_seconds < since_epoch_seconds
    ]
    return any(item is not None for item in forgotten)


def notice(table: StateTable, told: Notice) -> bool:
    """Remember that AWS may take an instance back; whether it is news.

    An interruption replaces a recommendation, never the other way round.
    """
    names, unknown = NOTICES.names("kind"), "attribute_not_exists(#kind)"
    only = (
        Only(
            text=f"{unknown} OR #kind = :lesser",
            names=names,
            values={":lesser": {"S": "rebalance"}},
        )
        if told.kind == "interruption"
        else Only(text=unknown, names=names)
    )
    return table.put(NOTICES.item(table.fleet, told), only) is Recorded.WRITTEN


def drain(table: StateTable, draining: Draining) -> None:
    """Remember that an instance finishes its work before it leaves."""
    first = Only(text="attribute_not_exists(#since)", names=DRAINS.names("since"))
    table.put(DRAINS.item(table.fleet, draining), first)


def was_interrupted(table: StateTable, instance_id: str) -> bool | None:
    """Whether the interruption of an instance was announced; None if that cannot be read."""
    told = table.read(NOTICES.key(table.fleet, instance_id))
    return None if told is None else told.get("kind") == {"S": "interruption"}


def gone(table: StateTable, instance_id: str) -> None:
    """Forget notice and drain of an instance."""
    table.delete(NOTICES.key(table.fleet, instance_id))
    table.delete(DRAINS.key(table.fleet, instance_id))


def strike(
    table: StateTable, pool: str, *, name: str, at_epoch_seconds: int, reason: str, ran: bool
) -> int:
    """Count a launch that never served, once; return how many that are now.

    Args:
        table: The state table.
        pool: Of which pool.
        name: What names the launch.
        at_epoch_seconds: When it failed.
        reason: Why, in words.
        ran: Whether it ran before it failed, so that a launch alone proves nothing.
    """
    item_key = STRIKES.key(table.fleet, pool)
    values: dict[str, Any] = {
        ":one": {"N": "1"},
        ":seen": {"SS": [name]},
        ":name": {"S": name},
        ":at": {"N": str(at_epoch_seconds)},
        ":reason": {"S": reason[:REASON_LENGTH]},
        ":expires": {"N": str(at_epoch_seconds + STRIKES_KEPT_SECONDS)},
    }
    when_ran = ["unhealthy"] if ran else []
    names = STRIKES.names("count", "seen", "last", "reason", "expires_at", *when_ran)
    also = ", #unhealthy = :at" if ran else ""
    counts = table.update(
        item_key,
        "SET #last = :at, #reason = :reason, #expires_at = :expires"
        f"{also} ADD #count :one, #seen :seen",
        Only(text="NOT contains(#seen, :name)", names=names, values=values),
    )
    if counts is None:  # counted before, and what follows from that may not have been written
        counts = table.read(item_key) or {}
    strikes = _strikes(counts)
    if strikes and len(strikes.seen) > MOST_SEEN:
        table.update(item_key, "REMOVE #seen", Only(names=STRIKES.names("seen")), returned="NONE")
    return strikes.count if strikes else 0


def _strikes(item: Item) -> Strikes | None:
    try:
        return STRIKES.read(item) if item else None
    except DamagedRecordError:
        return None


def forgive(
    table: StateTable, pool: str, *, launched_epoch_seconds: int, served_since: int
) -> bool:
    """Forget the strikes of a pool because a launch succeeded; whether none are left.

    Args:
        table: The state table.
        pool: The pool.
        launched_epoch_seconds: When that launch succeeded; a later strike stays.
        served_since: When the newest instance was launched that has served for a while, 0 if
            none has. Where machines ran and were never healthy, only an instance launched after
            the last of them clears the pool.
    """
    only = Only(
        text="attribute_not_exists(#last) OR "
        "(#last < :at AND (attribute_not_exists(#unhealthy) OR #unhealthy < :served))",
        names=STRIKES.names("last", "unhealthy"),
        values={
            ":at": {"N": str(launched_epoch_seconds)},
            ":served": {"N": str(served_since)},
        },
    )
    return table.delete(STRIKES.key(table.fleet, pool), only) is not None


def _outages(table: StateTable) -> Iterator[Outage]:
    for item in table.starting_with(OUTAGES.prefix):
        try:
            yield OUTAGES.read(item)
        except DamagedRecordError:
            continue  # every tick notes it


def _known(item: Item, now_epoch_seconds: int) -> Outage | None:
    """Return the refusal that an item remembers; None if there is none that still counts."""
    try:
        expired = not item or has_expired(item, now_epoch_seconds)
        return None if expired else OUTAGES.read(item)
    except DamagedRecordError:
        return None


def is_refusal(outage: Outage) -> bool:
    """Whether an outage says that AWS refused capacity, not that capacity did not serve."""
    return outage.cause not in (OutageCause.AT_RISK, OutageCause.NEVER_READY)
