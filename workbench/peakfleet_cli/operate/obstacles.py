"""What stands in a fleet's way, and how to take a foreign size out of it."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console

from peakfleet_cli.operate.commands import (
    Fleet,
    Region,
    TableName,
    clear_errors,
    print_facts,
    print_hold,
)
from peakfleet_cli.operate.records import FleetRecords, TableError
from peakfleet_cli.times import in_words


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
        held, facts = records.hold(), records.facts(now=now)
    if held is not None:
        print_hold(fleet, held, now=now)
    print_facts(facts)
    if not facts:
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
