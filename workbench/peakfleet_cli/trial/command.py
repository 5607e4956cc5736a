"""What `simulate` and `compare` do once their options are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from peakfleet_cli.fleet_spec import SpecFileError
from peakfleet_cli.trial.request import Physics, Source, TrialError
from peakfleet_planner import SpecError

PLAIN_WIDTH = 100
"""Columns of a log; a pipe has no width of its own."""


def run(
    source: Source,
    physics: Physics,
    *,
    policies: Sequence[str],
    own_delays: bool,
    json: Path | None,
    series: Path | None,
    html: Path | None,
    png: Path | None,
) -> None:
    """Run the trial that was asked for.

    Raises:
        TrialError: A file or a number is not what it must be.
    """
    # Loads scipy, which `--help` and the other commands need not wait for.
    from peakfleet_cli.trial.run import Files, run_trial  # noqa: PLC0415  see above
    from peakfleet_sim import DemandError  # noqa: PLC0415  see above

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    try:
        run_trial(
            source,
            physics,
            Files(json=json, series=series, html=html, png=png),
            policies=policies,
            own_delays=own_delays,
            console=console,
        )
    except (DemandError, OSError, SpecError, SpecFileError) as error:
        raise TrialError(str(error)) from error


@contextmanager
def clear_errors() -> Iterator[None]:
    """End with 1 and one line where what was asked for cannot be done."""
    try:
        yield
    except TrialError as error:
        Console(stderr=True, soft_wrap=True).print(f"peakfleet: {error}", markup=False, style="red")
        raise typer.Exit(1) from error
