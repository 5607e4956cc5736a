"""What stands in a fleet's way, as its state table knows it, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from rich import box
from rich.table import Table

from peakfleet_cli.times import in_words
from peakfleet_planner import Outage, OutageCause
from peakfleet_planner.spec import PurchaseOption

FIRST = "DRAIN#"
"""Facts sort from here on; the records of decisions sort before."""
_ANY = "*"
_CAUSES: Final = {
    OutageCause.NO_CAPACITY: "AWS has no capacity",
    OutageCause.QUOTA: "a quota of the account is reached",
    OutageCause.NO_ADDRESSES: "the subnet has no free addresses",
    OutageCause.NOT_AUTHORISED: "a permission is missing",
    OutageCause.THROTTLED: "AWS throttles the calls",
    OutageCause.BAD_TEMPLATE: "AWS refuses the launch template",
    OutageCause.NEVER_READY: "launches in a row never served",
    OutageCause.AT_RISK: "AWS takes instances back",
    OutageCause.UNKNOWN: "AWS gives a reason that nobody has classed",
    OutageCause.MISSING: "what was asked for never came",
    OutageCause.SUSPENDED: "somebody has suspended the group's launches",
}
_NOTICES: Final = {
    "interruption": "AWS takes it back within two minutes",
    "rebalance": "AWS may take it back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that keeps a pool from being used as it could be.

    Args:
        kind: What it is.
        where: Which pool, place or instance.
        since: Since when.
        says: What is known.
        then: What comes of it.
    """

    kind: str
    where: str
    since: datetime
    says: str
    then: str


def facts_of(items: Iterable[Mapping[str, Any]], *, now: datetime) -> tuple[Fact, ...]:
    """Return what the items of a fleet say, in the order of their keys.

    Args:
        items: Items of the state table, as boto3's resource returns them. What is no fact, is
            over, or cannot be read is left out.
        now: The present.
    """
    found = []
    for item in items:
        prefix, _, name = str(item["item"]).partition("#")
        read = _READERS.get(prefix)
        if read is None or int(item.get("expires_at", 0)) <= now.timestamp():
            continue
        try:
            found.append(read(name, item, now))
        except (KeyError, TypeError, ValueError):
            continue
    return tuple(found)


def fact_table(facts: Iterable[Fact]) -> Table:
    """Return the facts as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("what", "where", "since", "why", "then"):
        table.add_column(name, overflow="fold")
    for fact in facts:
        table.add_row(fact.kind, fact.where, in_words(fact.since), fact.says, fact.then)
    return table


def _outage(name: str, item: Mapping[str, Any], now: datetime) -> Fact:
    pool, purchase, zone, kind = (None if part == _ANY else part for part in name.rsplit("#", 3))
    outage = Outage(
        cause=OutageCause(str(item["cause"])),
        asked_at_epoch_seconds=int(item["asked_at"]),
        attempts=int(item["attempts"]),
        pool=pool,
        purchase=cast("PurchaseOption | None", purchase),
        zone=zone,
        instance_type=kind,
    )
    again = _moment(outage.retry_at_epoch_seconds)
    times = f", {outage.attempts} times in a row" if outage.attempts > 1 else ""
    return Fact(
        kind="refused",
        where=" ".join(part for part in (pool, purchase, kind, zone) if part) or "everything",
        since=_moment(outage.asked_at_epoch_seconds),
        says=f"{_CAUSES[outage.cause]} ({outage.cause}){times}",
        then=f"asked again at {in_words(again)}" if again > now else "may be asked again now",
    )


def _notice(name: str, item: Mapping[str, Any], _now: datetime) -> Fact:
    return Fact(
        kind="notice",
        where=f"{item['pool']} {name}",
        since=_moment(item["seen_at"]),
        says=_NOTICES[str(item["kind"])],
        then="replaced first, then drained",
    )


def _foreign_size(name: str, item: Mapping[str, Any], _now: datetime) -> Fact:
    return Fact(
        kind="foreign size",
        where=name,
        since=_moment(item["since"]),
        says=f"somebody else has set it to {item['capacity']}",
        then="left alone for the fleet's grace time, or until `peakfleet release`",
    )


def _drain(name: str, item: Mapping[str, Any], _now: datetime) -> Fact:
    return Fact(
        kind="drain",
        where=f"{item['pool']} {name}",
        since=_moment(item["since"]),
        says="it finishes its work",
        then="leaves",
    )


def _strikes(name: str, item: Mapping[str, Any], _now: datetime) -> Fact:
    return Fact(
        kind="strikes",
        where=name,
        since=_moment(item["last"]),
        says=f"launches in a row that never served: {item['count']}; {item['reason']}",
        then="the third takes the pool out; one that serves clears it",
    )


def _rolled_back(name: str, item: Mapping[str, Any], _now: datetime) -> Fact:
    return Fact(
        kind="rolled back",
        where=name,
        since=_moment(item["at"]),
        says=f"launch template version {item['version']} did not work",
        then=f"launches version {item['to']} until a newer one is deployed",
    )


def _moment(epoch_seconds: Any) -> datetime:  # noqa: ANN401  boto3's own kind of number
    return datetime.fromtimestamp(int(epoch_seconds), UTC)


_READERS: Final[Mapping[str, Callable[[str, Mapping[str, Any], datetime], Fact]]] = {
    "OUTAGE": _outage,
    "NOTICE": _notice,
    "SIZE": _foreign_size,
    "DRAIN": _drain,
    "STRIKES": _strikes,
    "ROLLBACK": _rolled_back,
}
