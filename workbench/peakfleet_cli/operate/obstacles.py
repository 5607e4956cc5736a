"""What stands in a fleet's way, as its state table knows it, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.table import Table

from peakfleet_cli.times import in_words
from peakfleet_planner import Draining, ForeignSize, Notice, Outage, OutageCause, RolledBack
from peakfleet_table import (
    DRAINS,
    NOTICES,
    OUTAGES,
    ROLLBACKS,
    SIZES,
    STRIKES,
    TICKS,
    DamagedRecordError,
    Item,
    Kind,
    NewestTick,
    Strikes,
    has_expired,
)

_CAUSES: Final = {
    OutageCause.NO_CAPACITY: "AWS has no capacity",
    OutageCause.QUOTA: "a quota of the account is reached",
    OutageCause.NO_ADDRESSES: "the subnet has no free addresses",
    OutageCause.NOT_AUTHORISED: "a permission is missing",
    OutageCause.THROTTLED: "AWS throttles the calls",
    OutageCause.BAD_TEMPLATE: "AWS refuses the launch template",
    OutageCause.NEVER_READY: "launches in a row never served",
    OutageCause.AT_RISK: "AWS takes instances back",
    OutageCause.UNKNOWN: "AWS gives a reason that is in no table",
    OutageCause.MISSING: "capacity that was asked for never came",
    OutageCause.SUSPENDED: "somebody has suspended the group's launches",
}
_NOTICES: Final = {
    "interruption": "AWS takes it back within two minutes",
    "rebalance": "AWS may take it back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
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


def obstacles_of(items: Iterable[Item], *, now: datetime) -> tuple[Obstacle, ...]:
    """Return what the records of a fleet say, in the order of their keys.

    Args:
        items: Records of any kind. Those whose time is over are left out.
        now: The present.
    """
    found: list[tuple[str, Obstacle]] = []
    for item in items:
        key = str(item["item"]["S"])
        for kind, say in _WORDS:
            if not key.startswith(kind.prefix):
                continue
            try:
                if kind is not TICKS and has_expired(item, int(now.timestamp())):
                    continue
                said = say(kind.read(item), now)
                every = (said,) if isinstance(said, Obstacle) else said
                found += [(key, one) for one in every]
            except DamagedRecordError as error:
                found.append((key, _damaged(key, str(error), now)))
    return tuple(obstacle for _, obstacle in sorted(found, key=lambda one: one[0]))


def obstacle_table(obstacles: Iterable[Obstacle]) -> Table:
    """Return obstacles as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("what", "where", "since", "why", "then"):
        table.add_column(name, overflow="fold")
    for one in obstacles:
        table.add_row(one.kind, one.where, in_words(one.since), one.says, one.then)
    return table


def _damaged(key: str, error: str, now: datetime) -> Obstacle:
    return Obstacle(kind="damaged record", where=key, since=now, says=error, then="counts as lost")


def _outage(outage: Outage, now: datetime) -> Obstacle:
    again = _moment(outage.retry_at_epoch_seconds)
    times = f", {outage.attempts} times in a row" if outage.attempts > 1 else ""
    where = (outage.pool, outage.purchase, outage.instance_type, outage.zone)
    return Obstacle(
        kind="refused",
        where=" ".join(part for part in where if part) or "everything",
        since=_moment(outage.asked_at_epoch_seconds),
        says=f"{_CAUSES[outage.cause]} ({outage.cause}){times}",
        then=f"asked again at {in_words(again)}" if again > now else "may be asked again now",
    )


def _notice(notice: Notice, _now: datetime) -> Obstacle:
    return Obstacle(
        kind="notice",
        where=f"{notice.pool} {notice.instance_id}",
        since=_moment(notice.seen_at_epoch_seconds),
        says=_NOTICES[notice.kind],
        then="replaced first, then drained",
    )


def _foreign_size(size: ForeignSize, _now: datetime) -> Obstacle:
    return Obstacle(
        kind="foreign size",
        where=size.pool,
        since=_moment(size.since_epoch_seconds),
        says=f"somebody else has set it to {size.capacity}",
        then="left alone for the fleet's grace time, or until `peakfleet release`",
    )


def _drain(draining: Draining, _now: datetime) -> Obstacle:
    return Obstacle(
        kind="drain",
        where=f"{draining.pool} {draining.instance_id}",
        since=_moment(draining.since_epoch_seconds),
        says="it finishes its work",
        then="leaves",
    )


def _strikes(strikes: Strikes, _now: datetime) -> Obstacle:
    return Obstacle(
        kind="strikes",
        where=strikes.pool,
        since=_moment(strikes.last),
        says=f"launches in a row that never served: {strikes.count}; {strikes.reason}",
        then="the third takes the pool out; one that serves clears it",
    )


def _rolled_back(given_up: RolledBack, _now: datetime) -> Obstacle:
    return Obstacle(
        kind="rolled back",
        where=given_up.pool,
        since=_moment(given_up.at_epoch_seconds),
        says=f"launch template version {given_up.version} did not work",
        then=f"launches version {given_up.to_version} until a newer one is deployed",
    )


def _retired(newest: NewestTick, _now: datetime) -> Iterator[Obstacle]:
    for pool, count in sorted(newest.retired.items()):
        yield Obstacle(
            kind="retired",
            where=pool,
            since=_moment(newest.tick),
            says=f"it leaves the fleet, with {count} instances that still run or drain"
            if count
            else "its group is empty",
            then="they go once others serve and their work is done"
            if count
            else "leave it out of the next deployment",
        )


def _moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


_Say = Callable[[Any, datetime], Obstacle | Iterator[Obstacle]]
_WORDS: Final[tuple[tuple[Kind[Any], _Say], ...]] = (
    (OUTAGES, _outage),
    (NOTICES, _notice),
    (SIZES, _foreign_size),
    (DRAINS, _drain),
    (STRIKES, _strikes),
    (ROLLBACKS, _rolled_back),
    (TICKS, _retired),
)
