"""`peakfleet report`: what a month's burst was bought for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate.commands import Fleet
from peakfleet_cli.operate.directory import find_fleet
from peakfleet_cli.operate.records import FleetRecords
from peakfleet_cli.output import Json, console, print_json, say
from peakfleet_cli.times import in_words
from peakfleet_planner import BurstCause
from peakfleet_table import Decision

_HOUR_SECONDS = 3600


@dataclass(slots=True, kw_only=True)
class Bought:
    """What was bought for one cause.

    Args:
        unit_hours: Units times hours.
        hours: How long there was any.
        usd: At the list prices of the specification; what has no price adds nothing.
    """

    unit_hours: float = 0.0
    hours: float = 0.0
    usd: float = 0.0


@dataclass(slots=True, kw_only=True)
class MonthReport:
    """A month's burst by cause.

    Args:
        causes: What was bought, by cause.
        unpriced_hours: Hours of which the price is not known.
    """

    causes: dict[str, Bought] = field(default_factory=dict)
    unpriced_hours: float = 0.0


def month_report(decisions: Sequence[Decision], *, begin: int, end: int) -> MonthReport:
    """Return what decisions bought between two times.

    A decision stands until the next one. Its split is that of its own moment.

    Args:
        decisions: Oldest first; the first may be from before the beginning.
        begin: Epoch seconds.
        end: Epoch seconds.
    """
    report = MonthReport()
    ends = [*(one.tick for one in decisions[1:]), end]
    for decision, until in zip(decisions, ends, strict=True):
        hours = (min(until, end) - max(decision.tick, begin)) / _HOUR_SECONDS
        plan = decision.plan
        granted = sum(plan.bought.values())
        if hours <= 0 or granted <= 0:
            continue
        if plan.usd_per_hour is None:
            report.unpriced_hours += hours
        for cause, units in plan.bought.items():
            part = report.causes.setdefault(cause, Bought())
            part.unit_hours += units * hours
            part.hours += hours
            part.usd += (plan.usd_per_hour or 0.0) * units / granted * hours
    return report


def report(
    *,
    fleet: Fleet,
    month: Annotated[
        str, typer.Option("--month", metavar="YYYY-MM", help="Such as 2026-11, in UTC.")
    ],
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Say what a month's burst was bought for: units, hours and dollars by cause."""
    begin, end = _month(month)
    now = datetime.now(UTC)
    if begin > now:
        raise typer.BadParameter(f"{month} has not begun", param_hint="--month")
    account = Account(region=region, profile=profile)
    deployed = find_fleet(account, fleet)
    records = FleetRecords(account=account, table_name=deployed.table, fleet=deployed.name)
    before = records.decision(begin)
    decisions = [*([before] if before else []), *records.decisions(begin, end)]
    if not decisions:
        raise CommandError(f"fleet '{fleet}' has no decision in {month}; they are kept for 30 days")
    found = month_report(
        decisions, begin=int(begin.timestamp()), end=int(min(end, now).timestamp())
    )
    known_from = None if before else datetime.fromtimestamp(decisions[0].tick, UTC)
    if json:
        print_json({"fleet": fleet, "month": month, "known_from": known_from, **asdict(found)})
        return
    console().print(_shown(fleet, month, found))
    if found.unpriced_hours:
        say(f"{found.unpriced_hours:.0f} hours are without dollars: a pool has no price.")
    if known_from is not None:
        say(f"Decisions are known from {in_words(known_from)} on.")


def _shown(fleet: str, month: str, found: MonthReport) -> Table:
    table = Table(title=f"{fleet}, {month}: what the burst was bought for")
    table.add_column("cause")
    for name in ("unit-hours", "hours", "USD"):
        table.add_column(name, justify="right")
    for cause in BurstCause:
        if part := found.causes.get(cause.value):
            table.add_row(
                cause.words, f"{part.unit_hours:,.1f}", f"{part.hours:,.1f}", f"{part.usd:,.2f}"
            )
    every = found.causes.values()
    table.add_row(
        "all", f"{sum(p.unit_hours for p in every):,.1f}", "", f"{sum(p.usd for p in every):,.2f}"
    )
    return table


def _month(text: str) -> tuple[datetime, datetime]:
    try:
        begin = datetime.strptime(text.strip(), "%Y-%m").replace(tzinfo=UTC)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no month; write it as 2026-11", param_hint="--month"
        ) from error
    year, month = divmod(begin.year * 12 + begin.month, 12)
    return begin, begin.replace(year=year, month=month + 1)
