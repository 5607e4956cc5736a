"""The `peakfleet` command."""

from __future__ import annotations

import typer

from peakfleet_cli import operate
from peakfleet_cli.compare import compare
from peakfleet_cli.demo import demo
from peakfleet_cli.record import record
from peakfleet_cli.simulate import simulate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Compute fleets in AWS for the demand above your own baseline.",
)
app.command()(demo)
app.command()(simulate)
app.command()(compare)
app.command()(record)
app.command()(operate.hold)
app.command()(operate.resume)
app.command()(operate.explain)
