"""`peakfleet efficiency`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.efficiency.days import read_days
from peakfleet_cli.efficiency.table import efficiency_table, notes
from peakfleet_cli.errors import CommandError
from peakfleet_cli.operate import deployed_fleets, find_fleet
from peakfleet_planner.efficiency import ChipEfficiency, chip_efficiencies

_KEPT_DAYS = 400


def efficiency(
    *,
    fleet: Annotated[
        str | None,
        typer.Option("--fleet", metavar="NAME", help="One fleet. Default: every fleet."),
    ] = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=_KEPT_DAYS, help="How far back to look.")
    ] = 28,
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Write a plot.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the figures.")
    ] = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show units per dollar of each chip against x86, and whether the quoted gain is reached.

    From the days that the ledgers of the fleets have written down, with 95 % confidence bounds.
    """
    since = (datetime.now(UTC) - timedelta(days=days)).date()
    account = Account(region=region, profile=profile)
    fleets = deployed_fleets(account) if fleet is None else (find_fleet(account, fleet),)
    found = {one.name: read_days(account, one, since=since) for one in fleets}
    found = {name: of_pools for name, of_pools in found.items() if of_pools}
    if not found:
        raise CommandError(
            f"there is no day since {since} of "
            f"{'any fleet' if fleet is None else f'fleet {fleet!r}'}: a fleet with "
            f"efficiency=EfficiencyLedger() writes the first an hour after its first whole day"
        )
    chips = {name: chip_efficiencies(found[name]) for name in sorted(found)}
    console = Console(soft_wrap=True, highlight=False)
    for name, rows in chips.items():
        console.print(efficiency_table(name, rows))
        for note in notes(rows):
            console.print(f"  {note}", markup=False)
    if json_file:
        document = {name: [_figures(row) for row in rows] for name, rows in chips.items()}
        _write(json_file, json.dumps(document, indent=2) + "\n")
    if png:
        # Drawing takes a second to load, and most do not ask for it.
        from peakfleet_cli.efficiency.plot import write_plot  # noqa: PLC0415  see above

        write_plot(png, chips)


def _figures(row: ChipEfficiency) -> dict[str, Any]:
    return {**asdict(row), "verdict": row.verdict, "watts": None}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
