"""What a fleet in shadow would have done, beside what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.table import Table

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate.directory import find_fleet
from peakfleet_cli.operate.records import FleetRecords
from peakfleet_cli.output import Json, console, print_json
from peakfleet_cli.times import in_words, parse_since
from peakfleet_planner import FleetSpec
from peakfleet_table import Decision

_LONGEST_SECONDS: Final = 300
"""A decision counts until the next one, but for no longer: then nobody decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One of the two courses that demand was met in.

    Args:
        usd: What its capacity cost; None if the price of a pool is not known.
        capacity_hours: Points of capacity, summed over the hours.
        most_capacity: Most points at once.
        unserved_unit_minutes: Burst that nothing served.
    """

    usd: float | None
    capacity_hours: float
    most_capacity: int
    unserved_unit_minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Both courses.

    Args:
        hours: How long decisions are known for.
        would: What the fleet would have done.
        happened: What the groups did.
    """

    hours: float
    would: Course
    happened: Course


def beside(spec: FleetSpec, decisions: Sequence[Decision], *, until: float) -> Beside:
    """Return both courses of a fleet in shadow.

    Args:
        spec: The fleet.
        decisions: What it decided in shadow, oldest first.
        until: Epoch seconds of the end of the last decision.
    """
    ends = [*(one.tick for one in decisions[1:]), until]
    steps = [
        (one, min(max(0.0, end - one.tick), _LONGEST_SECONDS) / 3600)
        for one, end in zip(decisions, ends, strict=True)
        if one.actual is not None
    ]

    def would(one: Decision) -> tuple[dict[str, int], float]:
        return {pool.name: pool.desired_capacity for pool in one.plan.pools}, one.plan.serving_units

    def happened(one: Decision) -> tuple[dict[str, int], float]:
        return dict(one.actual or {}), one.actual_units or 0.0

    return Beside(
        hours=sum(hours for _, hours in steps),
        would=_course(spec, steps, would),
        happened=_course(spec, steps, happened),
    )


def _course(
    spec: FleetSpec,
    steps: Iterable[tuple[Decision, float]],
    ran: Callable[[Decision], tuple[dict[str, int], float]],
) -> Course:
    prices = {pool.name: pool.usd_per_capacity_hour for pool in spec.pools}
    usd = capacity_hours = unserved = 0.0
    most = 0
    for one, hours in steps:
        sizes, serving = ran(one)
        usd += hours * sum(points * (prices.get(name) or 0.0) for name, points in sizes.items())
        capacity_hours += hours * sum(sizes.values())
        most = max(most, sum(sizes.values()))
        unserved += 60 * hours * max(0.0, one.plan.burst_units - serving)
    return Course(
        usd=None if None in prices.values() else usd,
        capacity_hours=capacity_hours,
        most_capacity=most,
        unserved_unit_minutes=unserved,
    )


def shadow(
    *,
    fleet: Annotated[
        str, typer.Argument(metavar="FLEET", help="The fleet by its name: Media/Transcode.")
    ],
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when on: 7d or a time.")
    ] = "1d",
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show what a fleet in shadow would have done beside what happened: cost and unserved demand.

    Its decisions are kept for 14 days. What it would have left unserved counts a new instance from
    its declared or measured boot on; what AWS might have refused it is not known.
    """
    account, now = Account(region=region, profile=profile), datetime.now(UTC)
    found = find_fleet(account, fleet)
    records = FleetRecords(account=account, table_name=found.table, fleet=found.name)
    begin = parse_since(since, now=now, option="--since")
    decisions = [one for one in records.decisions(begin) if one.actual is not None]
    if not decisions:
        raise CommandError(
            f"fleet '{fleet}' has decided nothing in shadow since {in_words(begin)}; a fleet with "
            "mode=Mode.shadow() does"
        )
    both = beside(found.spec, decisions, until=now.timestamp())
    if json:
        print_json({"fleet": fleet, "since": begin, **asdict(both)})
        return
    table = Table("", "would have", "happened", title=f"{fleet}, {both.hours:.1f} hours")
    for words, form, name in (
        ("USD", "{:,.2f}", "usd"),
        ("hours of capacity", "{:,.1f}", "capacity_hours"),
        ("most capacity at once", "{:,}", "most_capacity"),
        ("unserved unit-minutes", "{:,.0f}", "unserved_unit_minutes"),
    ):
        values = [getattr(one, name) for one in (both.would, both.happened)]
        table.add_row(words, *("?" if one is None else form.format(one) for one in values))
    console().print(table)
