"""`peakfleet demand example`: generated demand, for whoever has no recording at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.errors import CommandError
from peakfleet_cli.output import Json, print_json, say

_MINUTES_A_DAY = 1440


def example(
    *,
    file: Annotated[
        Path, typer.Argument(help="Where it goes; gzipped as .csv.gz.", show_default=False)
    ],
    days: Annotated[
        int, typer.Option("--days", min=1, max=14, help="How many days, the premiere's the last.")
    ] = 3,
    baseline_units: Annotated[
        float, typer.Option("--baseline-units", min=0, help="What the company's own side carries.")
    ] = 400,
    peak_units: Annotated[
        float, typer.Option("--peak-units", min=0, help="Demand at the top of the premiere.")
    ] = 1500,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is random.")] = 0,
    json: Json = False,
) -> None:
    """Write generated demand: evenings below and above the baseline, and a premiere at the end.

    Its units fit the app that `peakfleet init` writes. Each minute has a row. Nothing that exists
    is overwritten.
    """
    if file.exists():
        raise CommandError(f"{file} exists already; name another file")
    if peak_units <= baseline_units:
        raise typer.BadParameter(
            f"must be above --baseline-units, {baseline_units:g}, got {peak_units:g}",
            param_hint="--peak-units",
        )
    # Loads numpy, which `--help` and the other commands need not wait for.
    from peakfleet_sim import Recording  # noqa: PLC0415  see above
    from peakfleet_sim.demand import premiere_with_past  # noqa: PLC0415  see above

    made = premiere_with_past(
        baseline_units=baseline_units, peak_burst_units=peak_units - baseline_units, seed=seed
    )
    units = made.units[-days * _MINUTES_A_DAY :].round(1)
    recording = Recording(
        name=file.name,
        start=made.timestamp(made.minutes - len(units)),
        step_minutes=1,
        units=units,
        origin=made.name,
        value_column="demand",
        rows=len(units),
        recorded_step="1 min",
    )
    recording.write(file)
    if json:
        print_json({"file": file, "rows": recording.rows, "facts": dict(recording.facts())})
        return
    say(f"{file}: wrote {recording.rows:,} minutes of {made.name}, peak {units.max():,.0f} units")
