"""What an engineer does with fleets that run: look at them, ask why, hold, let go."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.live import Live

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import FAILED, CommandError
from peakfleet_cli.operate.directory import DeployedFleet, deployed_fleets, find_fleet
from peakfleet_cli.operate.explanation import (
    explanation,
    inputs,
    rejected,
    what_to_do,
    why_not_larger,
    why_not_smaller,
)
from peakfleet_cli.operate.obstacles import obstacle_table
from peakfleet_cli.operate.overview import FleetStatus, fleet_table, fleets_table, look_at
from peakfleet_cli.operate.records import FleetRecords, TableError
from peakfleet_cli.output import Json, console, print_json, say
from peakfleet_cli.times import in_words, parse_since, parse_until
from peakfleet_planner import Hold, SpendOverride
from peakfleet_table import Decision

LONGEST_HOLD: Final = timedelta(hours=24)
"""A hold that is forgotten leaves demand unserved, so a longer one has to be asked for."""

Fleet = Annotated[
    str, typer.Argument(metavar="FLEET", help="The fleet by its name: Media/Transcode.")
]


def status(
    *,
    fleet: Annotated[
        str | None,
        typer.Argument(metavar="FLEET", help="One fleet, in detail. Default: all of them."),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until Ctrl-C.")] = False,
    every: Annotated[
        int, typer.Option("--every", min=1, metavar="SECONDS", help="How often --watch looks.")
    ] = 10,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show the fleets of an account and region: demand, capacity, why, and what is in their way.

    With --watch and --json, each look is a line. Ends with 1 if a fleet cannot be read, or nothing
    decides for it.
    """
    account = Account(region=region, profile=profile)
    if not watch:
        seen, now = _look(account, fleet)
        if json:
            print_json(_document(seen, now))
        else:
            console().print(_picture(seen, fleet, now))
        if any(one.trouble for one in seen):
            raise typer.Exit(FAILED)
        return
    if json:
        while True:
            print_json(_document(*_look(account, fleet)), indent=None)
            time.sleep(every)
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            seen, now = _look(account, fleet)
            live.update(_picture(seen, fleet, now), refresh=True)
            time.sleep(every)


def _look(account: Account, name: str | None) -> tuple[tuple[FleetStatus, ...], datetime]:
    now = datetime.now(UTC)
    found = deployed_fleets(account) if name is None else (find_fleet(account, name),)
    return look_at(account, found, now=now), now


def _picture(seen: tuple[FleetStatus, ...], name: str | None, now: datetime) -> RenderableType:
    if name is not None:
        return fleet_table(seen[0], now=now)
    return fleets_table(seen, now=now) if seen else "no fleet is deployed in this region"


def _document(seen: tuple[FleetStatus, ...], now: datetime) -> dict[str, object]:
    return {"at": now, "fleets": [asdict(one) for one in seen]}


def explain(
    *,
    fleet: Fleet,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="A time in the past, or 30m ago. Default: now."),
    ] = None,
    why_not: Annotated[
        bool, typer.Option("--why-not", help="Say why it is not larger, and why not smaller.")
    ] = False,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Say why a fleet has the size it has, or had at a time.

    What it saw, what bound it, what it rejected, and where each reason says what to do. Decisions
    are kept for 14 days, the last of each hour for 13 months.
    """
    account, now = Account(region=region, profile=profile), datetime.now(UTC)
    moment = None if at is None else parse_since(at, now=now, option="--at")
    records = _records(account, find_fleet(account, fleet))
    decision = records.decision(moment)
    current = records.overview(now=now) if moment is None else None
    held = current.hold if current else None
    override = current.override if current else None
    if decision is None and held is None:
        when = "" if moment is None else f" up to {in_words(moment)}"
        raise CommandError(
            f"fleet '{fleet}' has no decision{when}; they are kept for 14 days, and the last of "
            f"each hour for 13 months"
        )
    obstacles = current.obstacles if current else ()
    if json:
        made = decision and {
            "at": datetime.fromtimestamp(decision.tick, UTC),
            **explanation(decision.plan),
            "plan": decision.plan.to_json(),
        }
        print_json(
            {
                "fleet": fleet,
                "decision": made,
                "hold": held,
                "spend_override": override,
                "obstacles": obstacles,
            }
        )
        return
    if held:
        ends = in_words(datetime.fromtimestamp(held.until_epoch_seconds, UTC))
        say(f"{fleet} is held by {held.owner} until {ends}: {held.reason}")
    if override:
        ends = in_words(datetime.fromtimestamp(override.until_epoch_seconds, UTC))
        say(f"{override.owner} lets it spend more than its limits until {ends}: {override.reason}")
    if decision is not None:
        for line in decision_lines(fleet, decision, why_not=why_not):
            say(line)
    if obstacles:
        console().print(obstacle_table(obstacles))


def decision_lines(fleet: str, decision: Decision, *, why_not: bool = False) -> Iterator[str]:
    """Yield one decision in words, a line at a time.

    Args:
        fleet: Whose.
        decision: The decision.
        why_not: Whether to say why it was not larger, and not smaller. Default: no.
    """
    plan = decision.plan
    did = "would have" if decision.actual is not None else "has had"
    yield f"{fleet} {did} this size since {in_words(datetime.fromtimestamp(decision.tick, UTC))}:"
    yield f"  {plan.explain()}"
    yield from (f"  {line}" for line in (*inputs(plan), *rejected(plan)))
    if why_not:
        yield from (f"  not larger: {line}" for line in why_not_larger(plan))
        yield from (f"  not smaller: {line}" for line in why_not_smaller(plan))
    yield from (f"  what to do: {line}" for line in what_to_do(plan))


def hold(
    *,
    fleet: Fleet,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; everybody will read it.")
    ],
    until: Annotated[
        str, typer.Option("--until", metavar="TIME", help="When it ends by itself: 2h or a time.")
    ],
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="NAME", help="Who holds it. Default: your user name."),
    ] = None,
    yes_for_long: Annotated[
        bool, typer.Option("--yes-for-long", help="Hold for longer than 24 hours.")
    ] = False,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Freeze a fleet at the size it has, until a stated time.

    The fleet neither grows nor shrinks while it is held. Its native safety policy on each
    group still adds capacity. The hold is written to the state table and, as a tag, to the groups,
    so that it stands while one of them cannot be read.
    """
    if not reason.strip():
        raise typer.BadParameter("must say why", param_hint="--reason")
    now = datetime.now(UTC)
    ends = parse_until(until, now=now, option="--until")
    account = Account(region=region, profile=profile)
    found = find_fleet(account, fleet)
    records = _records(account, found)
    if ends - now > LONGEST_HOLD and not yes_for_long:
        raise CommandError(
            f"--until is {(ends - now) / timedelta(hours=1):,.0f} hours away: "
            f"{_cost_of_hold(records.decision(None), ends - now)}; pass --yes-for-long to hold "
            "for longer than 24 hours"
        )
    held = Hold(
        owner=owner or getpass.getuser(), reason=reason, until_epoch_seconds=int(ends.timestamp())
    )
    missing = _hold_everywhere(records, [pool.group for pool in found.pools], held)
    if json:
        print_json({"fleet": fleet, "hold": held, "missing": missing})
    else:
        for one in missing:
            say(f"warning: {one}")
        say(f"{fleet} is held until {in_words(ends)}; `peakfleet resume` ends it earlier")


def _hold_everywhere(records: FleetRecords, groups: Sequence[str], held: Hold) -> list[str]:
    """Write a hold to the table and to the groups; return where that failed.

    Raises:
        CommandError: It could be written nowhere.
    """
    missing: list[str] = []
    writes: tuple[Callable[[], None], ...] = (
        lambda: records.put_hold(held),
        lambda: records.tag_groups(groups, held),
    )
    for write in writes:
        try:
            write()
        except TableError as error:
            missing.append(f"held by less than it should be: {error}")
    if len(missing) > 1:
        raise CommandError(f"the fleet is NOT held: {'; '.join(missing)}")
    return missing


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


def spend_override(
    *,
    fleet: Fleet,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; everybody will read it.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="When it ends by itself: 2h or a time."),
    ] = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="NAME", help="Who allows it. Default: your user name."),
    ] = None,
    end: Annotated[bool, typer.Option("--end", help="End it now.")] = False,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Let a fleet spend more than its limits allow, until a stated time.

    What it then runs still counts: other fleets that share a limit get what is left of it.
    """
    account = Account(region=region, profile=profile)
    if end:
        ended = _records(account, find_fleet(account, fleet)).delete_override()
        if json:
            print_json({"fleet": fleet, "ended": ended})
        elif ended is None:
            say(f"nobody has lifted the limits of {fleet}; nothing was changed")
        else:
            say(f"the limits of {fleet} hold again: {ended.owner} had lifted them ({ended.reason})")
        return
    if reason is None or not reason.strip():
        raise typer.BadParameter("must say why", param_hint="--reason")
    if until is None:
        raise typer.BadParameter("must say until when", param_hint="--until")
    ends = parse_until(until, now=datetime.now(UTC), option="--until")
    found = find_fleet(account, fleet)
    if not found.spend_limits:
        raise CommandError(f"fleet '{fleet}' has no spend limit, so there is nothing to lift")
    override = SpendOverride(
        owner=owner or getpass.getuser(), reason=reason, until_epoch_seconds=int(ends.timestamp())
    )
    _records(account, found).put_override(override)
    if json:
        print_json({"fleet": fleet, "override": override})
    else:
        say(
            f"{fleet} may spend more than its limits until {in_words(ends)}; "
            f"`peakfleet spend-override {fleet} --end` ends it earlier"
        )


def resume(
    *, fleet: Fleet, json: Json = False, region: Region = None, profile: Profile = None
) -> None:
    """End a hold; the next tick sizes the fleet again."""
    account = Account(region=region, profile=profile)
    found = find_fleet(account, fleet)
    records = _records(account, found)
    told = records.untag_groups([pool.group for pool in found.pools])
    ended = records.delete_hold() or told
    if json:
        print_json({"fleet": fleet, "ended": ended})
    elif ended is None:
        say(f"{fleet} is not held; nothing was changed")
    else:
        say(f"{fleet} is no longer held: {ended.owner}'s hold ended ({ended.reason})")


def release(
    *, fleet: Fleet, json: Json = False, region: Region = None, profile: Profile = None
) -> None:
    """Give sizes that somebody else has set back to the fleet, which goes on from there.

    A fleet that yields leaves a foreign size alone until then. A hold is ended with resume.
    """
    account = Account(region=region, profile=profile)
    sizes = _records(account, find_fleet(account, fleet)).release()
    if json:
        print_json({"fleet": fleet, "released": sizes})
        return
    if not sizes:
        say(f"nobody else has set a size of {fleet}; nothing was changed")
    for size in sizes:
        since = in_words(datetime.fromtimestamp(size.since_epoch_seconds, UTC))
        say(
            f"{size.pool}: {size.capacity}, set by somebody else since {since}, is the fleet's own "
            f"size now; the next tick goes on from there"
        )


def _records(account: Account, fleet: DeployedFleet) -> FleetRecords:
    return FleetRecords(account=account, table_name=fleet.table, fleet=fleet.name)
