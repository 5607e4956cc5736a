"""The items of facts: what events and ticks leave in the state table for the next decision.

| `item` | attributes | written by |
|---|---|---|
| `OUTAGE#<pool>#<purchase>#<zone>#<type>` | `cause` S, `asked_at` N, `attempts` N | both |
| `NOTICE#<instance id>` | `pool` S, `kind` S, `seen_at` N, `capacity` N | an event |
| `READY#<pool>` | `seconds` M of type to L of N, `launched` M of instance id to N | an event |
| `STRIKES#<pool>` | `count` N, `last` N, `reason` S, `unhealthy` N, `seen` SS | an event |
| `SIZE#<pool>` | `capacity` N, `since` N | a tick |
| `DRAIN#<instance id>` | `pool` S, `since` N | an event |
| `ROLLBACK#<pool>` | `version` N, `to` N, `at` N | a tick |
| `UNITS#<pool>` | `units` N, `low` N, `high` N, `days` N | the ledger |
| `ASKED` | `at` N, in milliseconds | an event |

Each has `expires_at` N as well. `*` in a key stands for all. Times are epoch seconds, but for
`ASKED`. `STRIKES` counts launches in a row that never served; `unhealthy` is when the last of those
that ran ended, and `seen` names what was counted. `ASKED` is when a tick was last asked for out of
turn; it sorts before what a tick reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from peakfleet_handlers.state.items import Item, key
from peakfleet_planner import (
    BootTimes,
    Draining,
    ForeignSize,
    MeasuredUnits,
    Notice,
    Outage,
    OutageCause,
    RolledBack,
)
from peakfleet_planner.snapshot import MOST_BOOTS
from peakfleet_planner.spec import PurchaseOption

OUTAGE, NOTICE, READY = "OUTAGE#", "NOTICE#", "READY#"
STRIKES, SIZE, DRAIN, ASKED = "STRIKES#", "SIZE#", "DRAIN#", "ASKED"
UNITS, ROLLBACK = "UNITS#", "ROLLBACK#"
OUTAGE_KEPT_SECONDS = 3600
"""How long a refusal is remembered after its waiting time, so that the next one doubles it."""
NOTICE_KEPT_SECONDS: Final = {"interruption": 900, "rebalance": 3600}
READY_KEPT_SECONDS = 14 * 24 * 3600
STRIKES_KEPT_SECONDS = 6 * 3600
SIZE_KEPT_SECONDS: Final = {"take-back": 24 * 3600, "yield": 10 * 365 * 24 * 3600}
"""A fleet that yields does so until somebody gives the size back."""
ROLLBACK_KEPT_SECONDS = 10 * 365 * 24 * 3600
"""A version that does not work never will."""
DRAIN_KEPT_SECONDS = 48 * 3600
"""No lifecycle action lasts longer, however often it is extended."""
UNITS_KEPT_SECONDS = 7 * 24 * 3600
_ANY = "*"
_PURCHASES: Final = ("on-demand", "spot")


def number(value: float) -> dict[str, str]:
    """Return DynamoDB's form of a number."""
    return {"N": f"{value:.15g}"}


def outage_key(fleet: str, outage: Outage) -> Item:
    """Return the key of what an outage is about."""
    return key(fleet, OUTAGE + "#".join(outage.scope))


def outage_item(fleet: str, outage: Outage) -> Item:
    """Return the item that remembers a refusal; it is kept an hour after its waiting time."""
    return {
        **outage_key(fleet, outage),
        "cause": {"S": outage.cause.value},
        "asked_at": number(outage.asked_at_epoch_seconds),
        "attempts": number(outage.attempts),
        "expires_at": number(outage.retry_at_epoch_seconds + OUTAGE_KEPT_SECONDS),
    }


def read_outage(item: Mapping[str, Any]) -> Outage:
    """Return the refusal that an item remembers.

    Raises:
        KeyError, TypeError, ValueError: The item is no refusal.
    """
    scope = _named(item, OUTAGE).rsplit("#", 3)
    pool, purchase, zone, kind = (None if part == _ANY else part for part in scope)
    if purchase not in (None, *_PURCHASES):
        raise ValueError(f"purchase must be one of {', '.join(_PURCHASES)}, got {purchase!r}")
    return Outage(
        cause=OutageCause(item["cause"]["S"]),
        asked_at_epoch_seconds=int(item["asked_at"]["N"]),
        attempts=int(item["attempts"]["N"]),
        pool=pool,
        purchase=cast("PurchaseOption | None", purchase),
        zone=zone,
        instance_type=kind,
    )


def notice_item(fleet: str, notice: Notice) -> Item:
    """Return the item that remembers that AWS may take an instance back."""
    return {
        **key(fleet, NOTICE + notice.instance_id),
        "pool": {"S": notice.pool},
        "kind": {"S": notice.kind},
        "seen_at": number(notice.seen_at_epoch_seconds),
        "capacity": number(notice.capacity),
        "expires_at": number(notice.seen_at_epoch_seconds + NOTICE_KEPT_SECONDS[notice.kind]),
    }


def read_notice(item: Mapping[str, Any]) -> Notice:
    """Return the notice that an item remembers.

    Raises:
        KeyError, TypeError, ValueError: The item is no notice.
    """
    kind = item["kind"]["S"]
    if kind not in NOTICE_KEPT_SECONDS:
        raise ValueError(f"kind must be one of {', '.join(NOTICE_KEPT_SECONDS)}, got {kind!r}")
    return Notice(
        instance_id=_named(item, NOTICE),
        pool=item["pool"]["S"],
        kind=kind,
        seen_at_epoch_seconds=int(item["seen_at"]["N"]),
        capacity=int(item["capacity"]["N"]),
    )


def read_boots(item: Mapping[str, Any]) -> tuple[str, BootTimes]:
    """Return a pool and how long its instances took to serve.

    Raises:
        KeyError, TypeError, ValueError: The item tells no boot times.
    """
    seconds = {
        kind: tuple(float(one["N"]) for one in boots["L"])[-MOST_BOOTS:]
        for kind, boots in item["seconds"]["M"].items()
    }
    return _named(item, READY), BootTimes(seconds=seconds)


def foreign_item(fleet: str, size: ForeignSize, *, mode: Literal["take-back", "yield"]) -> Item:
    """Return the item that remembers a foreign size, for as long as the fleet's mode asks for."""
    return {
        **key(fleet, SIZE + size.pool),
        "capacity": number(size.capacity),
        "since": number(size.since_epoch_seconds),
        "expires_at": number(size.since_epoch_seconds + SIZE_KEPT_SECONDS[mode]),
    }


def read_foreign(item: Mapping[str, Any]) -> ForeignSize:
    """Return the size that an item remembers.

    Raises:
        KeyError, TypeError, ValueError: The item is no size.
    """
    return ForeignSize(
        pool=_named(item, SIZE),
        capacity=int(item["capacity"]["N"]),
        since_epoch_seconds=int(item["since"]["N"]),
    )


def drain_item(fleet: str, draining: Draining) -> Item:
    """Return the item that remembers that an instance finishes its work before it leaves."""
    return {
        **key(fleet, DRAIN + draining.instance_id),
        "pool": {"S": draining.pool},
        "since": number(draining.since_epoch_seconds),
        "expires_at": number(draining.since_epoch_seconds + DRAIN_KEPT_SECONDS),
    }


def read_drain(item: Mapping[str, Any]) -> Draining:
    """Return the drain that an item remembers.

    Raises:
        KeyError, TypeError, ValueError: The item is no drain.
    """
    return Draining(
        instance_id=_named(item, DRAIN),
        pool=item["pool"]["S"],
        since_epoch_seconds=int(item["since"]["N"]),
    )


def rolled_back_item(fleet: str, given_up: RolledBack) -> Item:
    """Return the item that remembers which launch template version was given up."""
    return {
        **key(fleet, ROLLBACK + given_up.pool),
        "version": number(given_up.version),
        "to": number(given_up.to_version),
        "at": number(given_up.at_epoch_seconds),
        "expires_at": number(given_up.at_epoch_seconds + ROLLBACK_KEPT_SECONDS),
    }


def read_rolled_back(item: Mapping[str, Any]) -> RolledBack:
    """Return the launch template version that an item says was given up.

    Raises:
        KeyError, TypeError, ValueError: The item says none.
    """
    return RolledBack(
        pool=_named(item, ROLLBACK),
        version=int(item["version"]["N"]),
        to_version=int(item["to"]["N"]),
        at_epoch_seconds=int(item["at"]["N"]),
    )


def units_item(fleet: str, pool: str, measured: MeasuredUnits, *, now_epoch_seconds: int) -> Item:
    """Return the item that remembers what a point of a pool's capacity was measured to serve."""
    return {
        **key(fleet, UNITS + pool),
        "units": number(measured.units),
        "low": number(measured.low),
        "high": number(measured.high),
        "days": number(measured.days),
        "expires_at": number(now_epoch_seconds + UNITS_KEPT_SECONDS),
    }


def read_units(item: Mapping[str, Any]) -> tuple[str, MeasuredUnits]:
    """Return a pool and what a point of its capacity was measured to serve.

    Raises:
        KeyError, TypeError, ValueError: The item tells no units.
    """
    return _named(item, UNITS), MeasuredUnits(
        units=float(item["units"]["N"]),
        low=float(item["low"]["N"]),
        high=float(item["high"]["N"]),
        days=int(item["days"]["N"]),
    )


def has_expired(item: Mapping[str, Any], now_epoch_seconds: int) -> bool:
    """Whether an item's time is over: DynamoDB deletes it days later.

    Raises:
        KeyError, TypeError, ValueError: It does not say when.
    """
    return int(item["expires_at"]["N"]) <= now_epoch_seconds


def _named(item: Mapping[str, Any], prefix: str) -> str:
    """Return what an item's key names after its prefix."""
    return str(item["item"]["S"]).removeprefix(prefix)
