"""`peakfleet plan`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import NoCredentialsError

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import FAILED, CommandError, NoAccountError, in_one_line
from peakfleet_cli.output import console, print_json
from peakfleet_cli.plan.assembly import Stack, fleets_of, read_assembly
from peakfleet_cli.plan.changes import Change, Weight
from peakfleet_cli.plan.planned import (
    Planned,
    TypicalCost,
    changes_between,
    changes_to_deployed,
    plan_of,
    typical_cost,
)
from peakfleet_cli.plan.render import as_markdown, as_text


class Form(StrEnum):
    """How a plan is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    *,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What cdk synth has written.")
    ] = Path("cdk.out"),
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FOLDER", help="Another cdk.out. Default: what is deployed."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Compare with nothing; needs no account.")
    ] = False,
    demand: Annotated[
        list[str] | None,
        typer.Option(
            "--demand",
            metavar="[FLEET=]FILE",
            help="Recorded demand of a fleet, for its typical cost. Repeatable.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="End with 1 if a change ends running instances, or if nobody can tell as there "
            "is no account.",
        ),
    ] = False,
    form: Annotated[
        Form, typer.Option("--format", help="Markdown is for pull requests.")
    ] = Form.TEXT,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Show what a synthesized app costs, and what deploying it does to running capacity.

    Costs: by the month without demand, on recorded demand, and with every pool at its maximum.
    Without a region or credentials nothing is compared, and the first table says so.
    """
    stacks = read_assembly(folder)
    typical = dict(_typical(stacks, demand or ()))
    changes, compared = _changes(
        stacks, against, Account(region=region, profile=profile), offline=offline, strict=strict
    )
    planned = plan_of(stacks, typical=typical, changes=changes, compared_with=compared)
    if json or form is Form.JSON:
        print_json(_document(planned))
    elif form is Form.MARKDOWN:
        typer.echo(as_markdown(planned))
    else:
        console().print(as_text(planned))
    if strict and any(change.weight is Weight.ENDS for change in changes or ()):
        raise typer.Exit(FAILED)


def _changes(
    stacks: Sequence[Stack],
    against: Path | None,
    account: Account,
    *,
    offline: bool,
    strict: bool,
) -> tuple[list[Change] | None, str]:
    if against is not None:
        return changes_between(read_assembly(against), stacks), f"{against}, whatever runs there"
    if offline:
        return None, "--offline was given"
    try:
        return changes_to_deployed(account, stacks), f"what is deployed in {account.place}"
    except (NoAccountError, NoCredentialsError) as nowhere:
        if strict:
            raise
        return None, in_one_line(nowhere) or str(nowhere)


def _typical(stacks: Sequence[Stack], demands: Sequence[str]) -> list[tuple[str, TypicalCost]]:
    fleets = fleets_of(stacks)
    found = []
    for text in demands:
        fleet, _, file = text.rpartition("=")
        if not fleet and len(fleets) != 1:
            raise CommandError(
                f"--demand must be FLEET=FILE, as the app has several: {', '.join(fleets)}"
            )
        fleet = fleet or next(iter(fleets))
        if fleet not in fleets:
            raise CommandError(
                f"there is no fleet '{fleet}' in the app; it has {', '.join(fleets)}"
            )
        found.append((fleet, typical_cost(fleets[fleet][0].template, fleet, Path(file))))
    return found


def _document(planned: Planned) -> dict[str, object]:
    return {
        "compared_with": planned.compared_with,
        "changes": planned.changes,
        "standing_usd_per_month": planned.standing_usd_per_month,
        "stacks": {name: list(map(asdict, costs)) for name, costs in planned.stacks.items()},
        "fleets": [
            {
                **asdict(fleet),
                "usd_per_hour_at_most": fleet.usd_per_hour_at_most,
                "usd_per_month_at_most": fleet.usd_per_month_at_most,
            }
            for fleet in planned.fleets
        ],
    }
