"""The `peakfleet` command."""

from __future__ import annotations

import sys

import typer

from peakfleet_cli import operate
from peakfleet_cli.demand import demand
from peakfleet_cli.demo import demo
from peakfleet_cli.efficiency.command import efficiency
from peakfleet_cli.prices import prices
from peakfleet_cli.record import record
from peakfleet_cli.trial import compare, simulate
from peakfleet_reporter import NAME

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
app.command()(operate.status)
app.command()(operate.release)
app.command()(operate.report)
app.command()(efficiency)
app.add_typer(demand, name="demand")
app.add_typer(prices, name="prices")


@app.command(
    NAME,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def report_baseline(context: typer.Context) -> None:
    """Report the healthy units of the company's own side to CloudWatch."""
    from peakfleet_reporter.command import main  # noqa: PLC0415  only this command needs boto3's client

    sys.exit(main(context.args))
