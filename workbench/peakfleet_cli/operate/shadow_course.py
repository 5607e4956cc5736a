"""What a fleet in shadow would have done, beside what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

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

_SHORT_SHARE: Final = 0.01
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
        short_minutes: Minutes in which more than 1 % of the burst was not served.
    """

    usd: float | None
    capacity_hours: float
    most_capacity: int
    unserved_unit_minutes: float
    short_minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Both courses.

    Args:
        hours: How long decisions are known for.
        burst_unit_minutes: What had to be served above the baseline.
        would: What the fleet would have done.
        happened: What the groups did.
    """

    hours: float
    burst_unit_minutes: float
    would: Course
    happened: Course


def beside(spec: FleetSpec, decisions: Sequence[Decision], *, until: float) -> Beside:
    """Return both courses of a fleet in shadow.

    Args:
        spec: The fleet.
        decisions: What it decided in shadow, oldest first.
        until: Epoch seconds of the end of the last decision.
    """
    steps = _steps(decisions, until)

    def would(one: Decision) -> tuple[dict[str, int], float]:
        return {pool.name: pool.desired_capacity for pool in one.plan.pools}, one.plan.serving_units

    def happened(one: Decision) -> tuple[dict[str, int], float]:
        return dict(one.actual or {}), one.actual_units or 0.0

    return Beside(
        hours=sum(hours for _, hours in steps),
        burst_unit_minutes=sum(60 * hours * one.plan.burst_units for one, hours in steps),
        would=_course(spec, steps, would),
        happened=_course(spec, steps, happened),
    )


def _steps(decisions: Sequence[Decision], until: float) -> list[tuple[Decision, float]]:
    """Return the decisions in shadow, each with the hours until the next one."""
    ends = [*(one.tick for one in decisions[1:]), until]
    return [
        (one, min(max(0.0, end - one.tick), _LONGEST_SECONDS) / 3600)
        for one, end in zip(decisions, ends, strict=True)
        if one.actual is not None
    ]


def _course(
    spec: FleetSpec,
    steps: Iterable[tuple[Decision, float]],
    ran: Callable[[Decision], tuple[dict[str, int], float]],
) -> Course:
    prices = {pool.name: pool.usd_per_capacity_hour for pool in spec.pools}
    usd = capacity_hours = unserved = short = 0.0
    most = 0
    for one, hours in steps:
        sizes, serving = ran(one)
        usd += hours * sum(points * (prices.get(name) or 0.0) for name, points in sizes.items())
        capacity_hours += hours * sum(sizes.values())
        most = max(most, sum(sizes.values()))
        missed = max(0.0, one.plan.burst_units - serving)
        unserved += 60 * hours * missed
        short += 60 * hours * (missed > _SHORT_SHARE * one.plan.burst_units)
    return Course(
        usd=None if None in prices.values() else usd,
        capacity_hours=capacity_hours,
        most_capacity=most,
        unserved_unit_minutes=unserved,
        short_minutes=short,
    )


def shadow(
    *,
    fleet: Annotated[
        str, typer.Argument(metavar="FLEET", help="The fleet by its name: Media/Transcode.")
    ],
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when on: 7d or a time.")
    ] = "1d",
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a report with a chart to this file.")
    ] = None,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show what a fleet in shadow would have done beside what happened: cost and unserved demand.

    Its decisions are kept for 14 days. What it would have left unserved counts a new instance from
    its declared or measured boot on; what AWS might have refused it is not known.
    """
    account = Account(region=region, profile=profile)
    both, table = compare_shadow(account, fleet, since=since, html=html)
    if json:
        print_json(both)
    else:
        console().print(table)


def compare_shadow(
    account: Account, fleet: str, *, since: str, html: Path | None = None
) -> tuple[dict[str, Any], Table]:
    """Return both courses of a fleet in shadow, as JSON-ready data and as a table.

    Args:
        account: Where it is.
        fleet: Its name.
        since: From when on.
        html: Where to write a report. Default: nowhere.

    Raises:
        CommandError: There is no such fleet, or it was not in shadow.
    """
    now = datetime.now(UTC)
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
    if html:
        _write_report(html, fleet, both, _steps(decisions, now.timestamp()))
    table = Table("", "would have", "happened", title=f"{fleet}, {both.hours:.1f} hours")
    for words, form, name in (
        ("USD", "{:,.2f}", "usd"),
        ("hours of capacity", "{:,.1f}", "capacity_hours"),
        ("most capacity at once", "{:,}", "most_capacity"),
        ("minutes short", "{:,.0f}", "short_minutes"),
        ("unserved unit-minutes", "{:,.0f}", "unserved_unit_minutes"),
    ):
        values = [getattr(one, name) for one in (both.would, both.happened)]
        table.add_row(words, *("?" if one is None else form.format(one) for one in values))
    return {"fleet": fleet, "since": begin, **asdict(both)}, table


def _write_report(
    path: Path, fleet: str, both: Beside, steps: Sequence[tuple[Decision, float]]
) -> None:
    """Write both courses as a page with a chart."""
    # Loads plotly, which the other commands need not wait for.
    from peakfleet_sim import Outcome  # noqa: PLC0415  see above
    from peakfleet_sim.report import FleetRun, write_report  # noqa: PLC0415  see above

    plans = [one.plan for one, _ in steps]
    courses = {"peakfleet": both.would, "what happened": both.happened}
    run = FleetRun(
        name=fleet,
        timestamps=[datetime.fromtimestamp(one.tick, UTC) for one, _ in steps],
        demand_units=[plan.demand_units for plan in plans],
        baseline_units=[plan.baseline_units for plan in plans],
        capacity_units={"Peakfleet would have": [plan.serving_units for plan in plans]},
        unserved_units=[max(0.0, plan.burst_units - plan.serving_units) for plan in plans],
        explanations=[plan.explain() for plan in plans],
        outcomes=[
            Outcome(
                policy=name,
                instance_minutes=60 * course.capacity_hours,
                burst_units=both.burst_unit_minutes,
                unserved_units=course.unserved_unit_minutes,
                violation_minutes=round(course.short_minutes),
                cost_ratio=None,
                score=None,
                usd=course.usd,
            )
            for name, course in courses.items()
        ],
        rivals_units={
            "what happened": [
                one.plan.baseline_units + (one.actual_units or 0.0) for one, _ in steps
            ]
        },
    )
    about = [
        ("Peakfleet", "what the fleet in shadow decided; a new instance serves after its boot"),
        ("What happened", "what the groups were asked to run and what served, as each tick saw it"),
        ("Known for", f"{both.hours:,.1f} hours"),
    ]
    write_report(path, title=f"{fleet} in shadow", fleets=[run], about=about)
