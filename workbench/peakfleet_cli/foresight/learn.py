"""`peakfleet learn`: a recording for a fleet that has no history of its own yet."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate import FleetRecords, find_fleet
from peakfleet_cli.output import Json, print_json, say
from peakfleet_cli.times import in_words
from peakfleet_planner import SpecError
from peakfleet_planner.forecast import (
    DAY_MINUTES,
    MINUTE_SECONDS,
    RecordedDemand,
    why_reactive,
    work_may_wait,
)
from peakfleet_table import PackedRecording


def learn(
    *,
    fleet: Annotated[
        str, typer.Argument(metavar="FLEET", help="The fleet by its name: Media/Transcode.")
    ],
    recording: Annotated[
        Path,
        typer.Option("--from", metavar="FILE", help="Recorded demand in units, at least a day."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
    ] = False,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Let a new fleet learn from a recording of what its demand was before.

    The next lesson, within the hour, begins with it. The fleet's own demand replaces it minute by
    minute; after two weeks nothing is left of it. A recording that it has is replaced.
    """
    from peakfleet_sim import DemandError, load_demand  # noqa: PLC0415  loads scipy

    account, now = Account(region=region, profile=profile), int(time.time())
    found = find_fleet(account, fleet)
    if work_may_wait(found.spec):
        raise CommandError(f"fleet '{fleet}' has nothing to foresee: its work waits long enough")
    if why := why_reactive(found.spec):
        raise CommandError(f"demand of fleet '{fleet}' is not learned, for {why}")
    try:
        demand = load_demand(recording)
        first_minute = demand.start_epoch_seconds // MINUTE_SECONDS
        recorded = RecordedDemand.newest(first_minute, demand.units.tolist())
    except (DemandError, SpecError) as error:
        raise CommandError(f"{recording}: {error}") from error
    packed = PackedRecording(packed=recorded.packed(), put=now)
    if not dry_run:
        FleetRecords(account=account, table_name=found.table, fleet=found.name).put_recording(
            packed
        )
    if json:
        print_json({"fleet": fleet, "written": not dry_run, **_facts(recorded, packed)})
        return
    facts = _facts(recorded, packed)
    begins, ends = (
        in_words(datetime.fromtimestamp(recorded.first_minute * MINUTE_SECONDS + at, UTC))
        for at in (0, len(recorded.values) * MINUTE_SECONDS)
    )
    say(
        f"{fleet} {'would begin' if dry_run else 'begins'} with {facts['days']:g} days of demand, "
        f"{begins} to {ends}: {facts['mean_units']:,.4g} units on average and "
        f"{facts['highest_units']:,.4g} at most, {facts['bytes']:,} bytes in {found.table}"
    )
    say(
        "nothing was written; leave --dry-run out to write it"
        if dry_run
        else "its next lesson, within the hour, learns from it"
    )


def _facts(recorded: RecordedDemand, packed: PackedRecording) -> dict[str, float]:
    values = recorded.values
    return {
        "days": round(len(values) / DAY_MINUTES, 2),
        "mean_units": sum(values) / len(values),
        "highest_units": max(values),
        "bytes": len(packed.packed),
    }
