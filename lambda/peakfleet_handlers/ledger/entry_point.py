"""Lambda entry point: once a day, write down what each pool did for its money.

Apart from the tick: nothing that runs depends on it, and a day that it missed is caught up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline, emit, logger
from peakfleet_handlers.ledger.pool_hours import DAY_SECONDS, read_pool_hours
from peakfleet_handlers.schedule_payload import read_event
from peakfleet_handlers.state import Recorded, StateTable, read_memory
from peakfleet_planner import EfficiencySpec, FleetSpec, MeasuredUnits, PoolSpec
from peakfleet_planner.efficiency import PoolDay, chip_efficiencies, measured_units
from peakfleet_table import (
    DAYS,
    UNITS,
    UNITS_KEPT_SECONDS,
    DamagedRecordError,
    Item,
    PoolUnits,
)

SETTLING_SECONDS = 3600
"""A day is written down this long after its end: metrics arrive late."""
CATCH_UP_DAYS = 3
LOOK_BACK_DAYS = 28
"""What a pool serves is measured over this time."""
UNKNOWN = "unknown"
AFTER_EVERY_DATE = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What a run works with."""

    spec: FleetSpec
    efficiency: EfficiencySpec
    table: StateTable
    now: int
    clients: aws.Clients
    calls: Calls


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Write down the days of one fleet that are over and not written down yet.

    Args:
        event: What the schedule sends: `{"scheduled_time": <ISO-8601>, "spec": <fleet spec>}`.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        `recorded`, the dates and pools that were written; `measured`, the units that a point of
        each pool's capacity serves; `failed_calls`.

    Raises:
        SpecError: The event is not such a document; the message names the field.
    """
    return run(event, clients=aws.clients(), deadline=Deadline.of(context))


def run(event: object, *, clients: aws.Clients, deadline: Deadline) -> dict[str, Any]:
    """Keep the ledger against *clients*; the handler without Lambda.

    Raises:
        SpecError: As `handler`.
    """
    spec, now = read_event(event)
    calls = Calls(deadline=deadline)
    written: list[PoolDay] = []
    measured: dict[str, MeasuredUnits] = {}
    known: tuple[PoolDay, ...] | None = ()
    table = StateTable.of(spec.state_table, spec.fleet, clients, calls)
    if spec.efficiency and table:
        books = _Books(
            spec=spec,
            efficiency=spec.efficiency,
            table=table,
            now=now,
            clients=clients,
            calls=calls,
        )
        known = _known_days(books)
        if known is not None:
            missing = _missing_days(books, known)
            written = [day for day in missing if _keep(books.table, day)]
            known = (*known, *written)
            measured = _measure(books, known)
    _report(spec, now, known or (), written, calls)
    return {
        "recorded": [f"{day.date} {day.pool}" for day in written],
        "measured": {pool: asdict(units) for pool, units in measured.items()},
        "failed_calls": len(calls.failed),
    }


def _known_days(books: _Books) -> tuple[PoolDay, ...] | None:
    """Return the days that are written down; None if that cannot be read."""
    first = DAYS.prefix + _date(books.now - LOOK_BACK_DAYS * DAY_SECONDS)
    items = books.table.query(first, DAYS.prefix + AFTER_EVERY_DATE)
    return None if items is None else tuple(_readable(items, books.table))


def _readable(items: Iterable[Item], table: StateTable) -> Iterator[PoolDay]:
    for item in items:
        try:
            yield DAYS.read(item)
        except DamagedRecordError as error:
            table.refuse(error, item)


def _keep(table: StateTable, day: PoolDay) -> bool:
    return table.put(DAYS.item(table.fleet, day)) is Recorded.WRITTEN


def _missing_days(books: _Books, known: tuple[PoolDay, ...]) -> Iterator[PoolDay]:
    """Yield the days that are over and not written down, as far as they can be read.

    A day that is written down stays as it is: its price was that of the day.
    """
    written = {(day.date, day.pool) for day in known}
    last = (books.now - SETTLING_SECONDS) // DAY_SECONDS * DAY_SECONDS
    for end in range(last - (CATCH_UP_DAYS - 1) * DAY_SECONDS, last + 1, DAY_SECONDS):
        date = _date(end - DAY_SECONDS)
        pools = [pool for pool in books.spec.pools if (date, pool.name) not in written]
        hours = read_pool_hours(
            pools,
            fleet=books.spec.fleet,
            namespace=books.efficiency.namespace,
            end_epoch_seconds=end,
            cloudwatch=books.clients.cloudwatch,
            calls=books.calls,
        )
        for pool in pools:
            if pool.name in hours:
                yield replace(_empty_day(books, pool, date), hours=hours[pool.name])


def _empty_day(books: _Books, pool: PoolSpec, date: str) -> PoolDay:
    return PoolDay(
        date=date,
        pool=pool.name,
        chip=pool.chip or UNKNOWN,
        purchase=pool.purchase,
        instance_types=pool.instance_types,
        units_per_capacity=pool.units_per_capacity,
        is_baseline=pool.name == books.efficiency.baseline_pool,
        usd_per_capacity_hour=pool.usd_per_capacity_hour,
    )


def _measure(books: _Books, days: tuple[PoolDay, ...]) -> dict[str, MeasuredUnits]:
    """Return what each pool was measured to serve, and keep it for the ticks.

    A pool that was declared anew is measured anew.
    """
    memory = read_memory(books.table, now_epoch_seconds=books.now)
    before = memory.units if memory else {}
    found = {}
    for pool in books.spec.pools:
        now = measured_units(
            day
            for day in days
            if day.pool == pool.name
            and day.instance_types == pool.instance_types
            and day.units_per_capacity == pool.units_per_capacity
        )
        if now is None:
            continue
        found[pool.name] = _settled(now, before.get(pool.name))
        units = PoolUnits(pool=pool.name, measured=found[pool.name])
        until = books.now + UNITS_KEPT_SECONDS
        books.table.put(UNITS.item(books.spec.fleet, units, kept_until=until))
    return found


def _settled(now: MeasuredUnits, before: MeasuredUnits | None) -> MeasuredUnits:
    """Keep an estimate that still holds: each new one makes the fleet learn its demand anew."""
    if before and now.low <= before.units <= now.high:
        return replace(now, units=before.units)
    return now


def _date(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%d")


def _report(
    spec: FleetSpec,
    now: int,
    known: tuple[PoolDay, ...],
    written: list[PoolDay],
    calls: Calls,
) -> None:
    chips: list[Mapping[str, Any]] = [
        {**asdict(chip), "verdict": chip.verdict} for chip in chip_efficiencies(known)
    ]
    log = logger().warning if calls.failed else logger().info
    log(
        f"wrote down {len(written)} days of pools",
        extra={
            "fleet": spec.fleet,
            "ledger": now,
            "chips": chips,
            "failed_calls": calls.to_json(),
        },
    )
    emit(now, {"Fleet": spec.fleet}, {"LedgerDays": len(written)})
