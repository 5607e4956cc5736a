"""What an engineer does with a fleet that runs: hold it, let it go, ask it why."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console

from peakfleet_cli.operate.obstacles import Obstacle, obstacle_table
from peakfleet_cli.operate.records import FleetRecords, TableError
from peakfleet_cli.times import in_words, parse_time, parse_until
from peakfleet_planner import Hold
from peakfleet_table import Decision

LONGEST_HOLD: Final = timedelta(hours=24)
"""A hold that is forgotten leaves demand unserved, so a longer one has to be asked for."""

Fleet = Annotated[str, typer.Argument(help="The fleet, by its construct path: Media/Transcode.")]
TableName = Annotated[
    str, typer.Option("--table", envvar="PEAKFLEET_TABLE", help="The stack's state table.")
]
Region = Annotated[
    str | None,
    typer.Option("--region", help="AWS region. Default: that of your environment or profile."),
]


def hold(
    *,
    fleet: Fleet,
    table: TableName,
    reason: Annotated[str, typer.Option("--reason", help="Why; everybody will read it.")],
    until: Annotated[str, typer.Option("--until", help="When it ends by itself: 2h or a time.")],
    owner: Annotated[
        str | None, typer.Option("--owner", help="Who holds it. Default: your user name.")
    ] = None,
    region: Region = None,
    new: Annotated[
        bool, typer.Option("--new", help="The fleet has not decided anything yet.")
    ] = False,
    yes_for_long: Annotated[
        bool, typer.Option("--yes-for-long", help="Hold for longer than 24 hours.")
    ] = False,
) -> None:
    """Freeze a fleet at the size it has, until a stated time.

    The fleet neither grows nor shrinks while it is held. Its native safety policy on each
    group still adds capacity.
    """
    if not reason.strip():
        raise typer.BadParameter("must say why", param_hint="--reason")
    now = datetime.now(UTC)
    ends = parse_until(until, now=now, option="--until")
    records = FleetRecords(table_name=table, fleet=fleet, region=region)
    with clear_errors():
        if not new and not records.known():
            raise TableError(
                f"table '{table}' has nothing of fleet '{fleet}': check its name, which is its "
                "construct path such as Media/Transcode, or pass --new if it was just deployed"
            )
        if ends - now > LONGEST_HOLD and not yes_for_long:
            raise TableError(
                f"--until is {(ends - now) / timedelta(hours=1):,.0f} hours away: "
                f"{_cost_of_hold(records.decision(None), ends - now)}; pass --yes-for-long to hold "
                "for longer than 24 hours"
            )
        records.put_hold(
            Hold(
                owner=owner or getpass.getuser(),
                reason=reason,
                until_epoch_seconds=int(ends.timestamp()),
            )
        )
    Console().print(f"{fleet} is held until {in_words(ends)}; `peakfleet resume` ends it earlier")


def _cost_of_hold(decision: Decision | None, length: timedelta) -> str:
    """Return what a hold of this length keeps running, and what it leaves unserved."""
    if decision is None:
        return "the fleet would not follow demand for all that time"
    plan, hours = decision.plan, length / timedelta(hours=1)
    capacity = sum(pool.desired_capacity for pool in plan.pools)
    return (
        f"{capacity} of capacity would run for all that time ({capacity * hours:,.0f} hours of "
        f"capacity), and burst above {plan.granted_units:,.6g} units would not be served"
    )


def resume(*, fleet: Fleet, table: TableName, region: Region = None) -> None:
    """End a hold; the next tick sizes the fleet again."""
    with clear_errors():
        ended = FleetRecords(table_name=table, fleet=fleet, region=region).delete_hold()
    if ended is None:
        Console().print(f"{fleet} is not held; nothing was changed")
    else:
        Console().print(f"{fleet} is no longer held: {ended.owner}'s hold ended ({ended.reason})")


def explain(
    *,
    fleet: Fleet,
    table: TableName,
    at: Annotated[
        str | None, typer.Option("--at", help="A time in the past. Default: now.")
    ] = None,
    region: Region = None,
) -> None:
    """Say why a fleet has the size it has, or had at a time."""
    now = datetime.now(UTC)
    moment = None if at is None else parse_time(at, option="--at")
    records = FleetRecords(table_name=table, fleet=fleet, region=region)
    with clear_errors():
        held = records.hold()
        decision = records.decision(moment)
        obstacles = records.obstacles(now=now) if moment is None else ()
        if decision is None and held is None:
            when = "" if moment is None else f" up to {in_words(moment)}"
            raise TableError(
                f"table '{table}' has no decision of fleet '{fleet}'{when}; decisions are kept "
                "for 30 days, and a fleet's name is its construct path such as Media/Transcode"
            )
    console = Console(soft_wrap=True, highlight=False)
    if held and moment is None:
        print_hold(fleet, held, now=now)
    if decision is not None:
        for line in decision_lines(fleet, decision):
            console.print(line, markup=False)
    if moment is None:
        print_obstacles(obstacles)


def decision_lines(fleet: str, decision: Decision) -> Iterator[str]:
    """Yield one decision in words, a line at a time."""
    plan = decision.plan
    yield f"{fleet} has had this size since {in_words(datetime.fromtimestamp(decision.tick, UTC))}:"
    yield f"  {plan.explain()}"
    for signal in plan.signals:
        units = "never read" if signal.units is None else f"{signal.units:.1f} units"
        rejected = f", {signal.rejected_samples} samples rejected" * bool(signal.rejected_samples)
        yield f"  signal {signal.name}: {signal.state}, {units}{rejected}"
    if plan.unserved_units:
        yield f"  {plan.unserved_units:.1f} units of burst were not served at that moment"
    if plan.missing_units:
        yield f"  {plan.missing_units:.1f} units were wanted and not granted"


def print_hold(fleet: str, held: Hold, *, now: datetime) -> None:
    """Say who holds a fleet, if the hold still stands."""
    if now.timestamp() < held.until_epoch_seconds:
        ends = datetime.fromtimestamp(held.until_epoch_seconds, UTC)
        Console(soft_wrap=True, highlight=False).print(
            f"{fleet} is held by {held.owner} until {in_words(ends)}: {held.reason}", markup=False
        )


def print_obstacles(obstacles: Sequence[Obstacle]) -> None:
    """Print what stands in a fleet's way, if anything does."""
    if obstacles:
        Console(highlight=False).print(obstacle_table(obstacles))


def status(*, fleet: Fleet, table: TableName, region: Region = None) -> None:
    """Say which pools are not used as they could be, why, and when they are asked again."""
    now = datetime.now(UTC)
    records = FleetRecords(table_name=table, fleet=fleet, region=region)
    with clear_errors():
        if not records.known():
            raise TableError(
                f"table '{table}' has nothing of fleet '{fleet}': check its name, which is its "
                "construct path such as Media/Transcode"
            )
        held, obstacles = records.hold(), records.obstacles(now=now)
        newest = records.newest_tick()
    if held is not None:
        print_hold(fleet, held, now=now)
    if newest and newest.troubles:
        when = in_words(datetime.fromtimestamp(newest.tick, UTC))
        words = f"{fleet} had troubles at {when}: {', '.join(newest.troubles)}"
        Console(soft_wrap=True, highlight=False).print(words, markup=False)
    print_obstacles(obstacles)
    if not obstacles:
        Console(soft_wrap=True).print(f"nothing stands in the way of {fleet}'s pools", markup=False)


def release(*, fleet: Fleet, table: TableName, region: Region = None) -> None:
    """Give sizes that somebody else has set back to the fleet, which goes on from there.

    A fleet that yields leaves a foreign size alone until then. A hold is ended with resume.
    """
    with clear_errors():
        sizes = FleetRecords(table_name=table, fleet=fleet, region=region).release()
    console = Console(soft_wrap=True, highlight=False)
    if not sizes:
        console.print(f"nobody else has set a size of {fleet}; nothing was changed", markup=False)
    for size in sizes:
        since = in_words(datetime.fromtimestamp(size.since_epoch_seconds, UTC))
        console.print(
            f"{size.pool}: {size.capacity}, set by somebody else since {since}, is the fleet's own "
            f"size now; the next tick goes on from there",
            markup=False,
        )


@contextmanager
def clear_errors() -> Iterator[None]:
    """Print a `TableError` as one line and exit with 1."""
    try:
        yield
    except TableError as error:
        Console(stderr=True, soft_wrap=True).print(f"peakfleet: {error}", markup=False)
        raise typer.Exit(1) from error
