"""`peakfleet demand check`: what is understood of a recording, and the canonical file of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from peakfleet_cli.demand import options
from peakfleet_cli.demand.example import example
from peakfleet_cli.errors import CommandError
from peakfleet_cli.help import Command, Group
from peakfleet_cli.output import Json, print_json

if TYPE_CHECKING:
    from peakfleet_sim import Recording

demand = typer.Typer(
    cls=Group, no_args_is_help=True, help="Recorded demand: what a file holds, and an example."
)


@demand.callback()
def _group() -> None:
    """Recorded demand: what a file holds, and an example."""


demand.command(cls=Command)(example)


@demand.command(cls=Command)
def check(
    *,
    file: Annotated[Path, typer.Argument(help=options.ABOUT, show_default=False)],
    write: Annotated[
        Path | None,
        typer.Option(
            "--write", help="Write what was understood: timestamp_utc,demand; gzipped as .csv.gz."
        ),
    ] = None,
    time_column: options.TimeColumn = None,
    value_column: options.ValueColumn = None,
    timezone: options.Timezone = None,
    time_format: options.TimeFormat = None,
    decimal: options.Decimal = None,
    per: options.PerStep = None,
    fill: options.FillGaps = None,
    rate: options.Rate = False,
    json: Json = False,
) -> None:
    """Say what is understood of a recording, and what was assumed.

    Ends with 1 and one line if the file cannot be read or could be meant in several ways.
    """
    # Loads scipy, which `--help` and the other commands need not wait for.
    from peakfleet_sim import DemandError, read_recording  # noqa: PLC0415  see above

    try:
        recording = read_recording(
            file,
            options.read_options(
                time_column=time_column,
                value_column=value_column,
                timezone=timezone,
                time_format=time_format,
                decimal=decimal,
                per=per,
                fill=fill,
                rate=rate,
            ),
        )
        if write is not None:
            recording.write(write)
    except DemandError as error:
        raise CommandError(str(error)) from error
    if json:
        print_json({"facts": dict(recording.facts()), "written": write})
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(recording))
    if write is not None:
        console.print(f"wrote {write}", markup=False)


def _table(recording: Recording) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for term, text in recording.facts():
        table.add_row(term, Text(text))
    return table
