"""`peakfleet demo`: deploy the app to a local AWS and replay a peak through its fleets."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from peakfleet_cli.demand import options as recording
from peakfleet_cli.errors import STOPPED, need
from peakfleet_cli.output import PLAIN_WIDTH
from peakfleet_cli.times import parse_time
from peakfleet_demo.options import (
    DEFAULT_HOURS,
    DEFAULT_PEAK_SHARE,
    QUICK_STACKS,
    App,
    DemoOptions,
    Outputs,
    app_folder,
)


def demo(
    *,
    demand: Annotated[
        Path | None,
        typer.Option(
            "--demand",
            envvar="DEMAND",
            help=f"{recording.ABOUT} Default: a generated premiere night.",
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            envvar="START",
            help="First minute to score (UTC). Default: the busiest hours of the recording.",
        ),
    ] = None,
    hours: Annotated[
        float, typer.Option("--hours", envvar="HOURS", min=0.1, help="How many hours to score.")
    ] = DEFAULT_HOURS,
    peak_share: Annotated[
        float,
        typer.Option("--peak-share", min=0.01, max=1, help="Peak, as share of a fleet's maximum."),
    ] = DEFAULT_PEAK_SHARE,
    environment: Annotated[
        str, typer.Option("--environment", help="Block of cdk.json's environments to deploy.")
    ] = "prod",
    app_directory: Annotated[
        Path | None,
        typer.Option(
            "--app",
            help="Folder of the app, with its cdk.json. Default: the current one if it has one, "
            "else the reference app of this package.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="One fleet, the first act, no two weeks before it.")
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Leave the local AWS up and say how to use status and explain on it."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port of the local AWS. 0: any.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is random.")] = 0,
    scenario: Annotated[
        str | None,
        typer.Option("--scenario", help="A fault to run instead of a peak; `list` or `all`."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            help="Where the report goes. Default: out/demo.html, of scenarios out/scenarios.html.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where the figures go as JSON.")
    ] = None,
    time_column: recording.TimeColumn = None,
    value_column: recording.ValueColumn = None,
    timezone: recording.Timezone = None,
    time_format: recording.TimeFormat = None,
    decimal: recording.Decimal = None,
    per: recording.PerStep = None,
    fill: recording.FillGaps = None,
    rate: recording.Rate = False,
) -> None:
    """Deploy the app to a local AWS and replay a peak through its deployed fleets.

    Nothing leaves this machine and no account is needed. With a scenario, small fleets meet that
    fault instead of the app. Ends with 1 if anything failed or a promise was broken.
    """
    need("sim", "local")
    options = DemoOptions(
        file=demand,
        start=None if start is None else parse_time(start, option="--from"),
        hours=hours,
        seed=seed,
        peak_share=peak_share,
        quick=quick,
    )
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(highlight=False, markup=False, width=width)
    html = html or Path("out") / ("demo.html" if scenario is None else "scenarios.html")
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    outputs = Outputs(html=html, json_file=json_file, command=command)
    # Loads moto, scipy and polars, which the other commands need not wait for. It comes before
    # `stoppable`: polars takes SIGINT when it is loaded, and lets no blocking read end for it.
    from peakfleet_demo.demo import run_demo  # noqa: PLC0415  see above
    from peakfleet_demo.scenarios import run_scenarios  # noqa: PLC0415  see above

    try:
        with stoppable(), app_folder(app_directory) as folder:
            if scenario is None:
                reading = recording.read_options(
                    time_column=time_column,
                    value_column=value_column,
                    timezone=timezone,
                    time_format=time_format,
                    decimal=decimal,
                    per=per,
                    fill=fill,
                    rate=rate,
                )
                options = replace(options, reading=reading)
                app = App(
                    directory=folder,
                    environment=environment,
                    port=port,
                    stacks=QUICK_STACKS if quick else (),
                    keep=keep,
                )
                problems = run_demo(app, options, outputs, console=console)
            else:
                problems = run_scenarios(
                    scenario,
                    app_directory=folder,
                    port=port,
                    outputs=outputs,
                    console=console,
                )
    except KeyboardInterrupt:
        console.print("Stopped. The local AWS and everything that it started have ended.")
        raise typer.Exit(STOPPED) from None
    if problems:
        raise typer.Exit(1)


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise KeyboardInterrupt once for any request to end, also a closed terminal.

    Further requests are ignored until the block has been left, so that an impatient second
    Ctrl-C cannot leave processes behind.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        for one in signals:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, stop) for one in signals}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
