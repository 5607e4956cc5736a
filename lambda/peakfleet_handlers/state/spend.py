"""What fleets have spent, and claimed of the limits that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from peakfleet_handlers.state.memory import Known
from peakfleet_handlers.state.table import Only, StateTable, Write
from peakfleet_planner import FleetSpec, SharedSpend
from peakfleet_planner.snapshot import month_of
from peakfleet_planner.spec import DAY_SECONDS, SHARED_LIMIT, SpendLimitSpec
from peakfleet_planner.spend_limits import Spender, rebuilt_spend
from peakfleet_table import (
    DECISIONS,
    HOURS,
    SHARED_SPENDS,
    DamagedRecordError,
    Decision,
    read_all,
)


def read_shared(
    limits: Iterable[SpendLimitSpec], table: StateTable | None, *, shadow: bool = False
) -> dict[str, SharedSpend]:
    """Return the limits that a fleet shares, by name; without those that cannot be read.

    Args:
        limits: The fleet's.
        table: Where they are.
        shadow: Whether it only says what it would do: it would not be the first to claim.
            Default: it acts.
    """
    found: dict[str, SharedSpend] = {}
    never = SharedSpend(since_epoch_seconds=0 if shadow else None)
    if table is None:
        return {}
    for name in (limit.shared for limit in limits if limit.shared):
        items = replace(table, fleet=SHARED_LIMIT + name).query(SHARED_SPENDS.prefix)
        if items is None:
            continue
        try:
            found[name] = SHARED_SPENDS.read(items[0]) if items else never
        except DamagedRecordError as error:
            table.refuse(error, items[0])
    return found


def shared_writes(claims: Mapping[str, SharedSpend]) -> tuple[Write, ...]:
    """Return the writes that claim; each is refused if anybody has claimed since it was read."""
    return tuple(
        (
            "Put",
            {"Item": SHARED_SPENDS.item(SHARED_LIMIT + name, shared)},
            Only(
                text="#version = :read" if shared.version > 1 else "attribute_not_exists(#version)",
                names=SHARED_SPENDS.names("version"),
                values={":read": {"N": str(shared.version - 1)}} if shared.version > 1 else {},
            ),
        )
        for name, shared in claims.items()
    )


def with_rebuilt_spend(
    spec: FleetSpec, known: Known, table: StateTable | None, *, now_epoch_seconds: int
) -> Known:
    """Return what is known, with a month's spend from the decisions of the month if it is not.

    Args:
        spec: The fleet.
        known: What was read.
        table: Where decisions are kept.
        now_epoch_seconds: The tick's time.
    """
    by_month = any(one.usd_per_month and one.shared is None for one in spec.spend_limits)
    if not by_month or table is None or known.memory is None or known.memory.spent is not None:
        return known
    since = datetime.fromtimestamp(month_of(now_epoch_seconds)[0] - DAY_SECONDS, UTC)
    made: dict[int, Decision] = {}
    for kind in (HOURS, DECISIONS):  # by the hour where it is older
        items = table.query(f"{kind.prefix}{since:%Y-%m-%dT%H}", kind.prefix + "~") or ()
        read = read_all(kind, items, now_epoch_seconds=now_epoch_seconds, refuse=table.refuse)
        made |= {one.tick: one for one in read if one.tick < now_epoch_seconds}
    changes = [(tick, _usd_per_hour(spec, one)) for tick, one in sorted(made.items())]
    spender = Spender(
        name=spec.fleet, limits=spec.spend_limits, now_epoch_seconds=now_epoch_seconds, shared={}
    )
    spent = rebuilt_spend(spender, changes)
    return replace(known, memory=replace(known.memory, spent=spent))


def _usd_per_hour(spec: FleetSpec, made: Decision) -> float:
    """Return what a fleet cost after a decision; it says so itself if it had a limit then."""
    if made.plan.spend and not made.actual:
        return made.plan.spend.usd_per_hour
    sizes = made.actual or {pool.name: pool.desired_capacity for pool in made.plan.pools}
    return sum(sizes.get(pool.name, 0) * pool.dearest_usd_per_capacity_hour for pool in spec.pools)
