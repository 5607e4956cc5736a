"""Runs a trial, shows it and writes what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from peakfleet_cli.trial.files import write_figures, write_image, write_page, write_series
from peakfleet_cli.trial.request import Physics, Source
from peakfleet_cli.trial.table import pools_table, table
from peakfleet_cli.trial.trial import Trial, Tried, demand_title, make_trial

_POOLS = (
    "Peakfleet sizes each; what another policy wants runs on the first pool that has room, and "
    "a reclaimed instance is replaced in the minute of its loss"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the outcome is written besides the terminal; None is nowhere.

    Args:
        json: The figures.
        series: Every minute.
        html: The report.
        png: The picture.
    """

    json: Path | None = None
    series: Path | None = None
    html: Path | None = None
    png: Path | None = None


def run_trial(
    source: Source,
    physics: Physics,
    files: Files,
    *,
    policies: Sequence[str],
    own_delays: bool,
    console: Console,
) -> None:
    """Replay demand under several policies, print the table, write the files.

    Args:
        source: Where demand, fleet and scenario come from.
        physics: The physics, as far as the fleet does not say.
        files: What is written.
        policies: Names, each with a setting after a colon or without.
        own_delays: As in `Trial`.
        console: Where table and progress are shown.

    Raises:
        DemandError, SpecError, SpecFileError, TrialError, OSError: What was asked for cannot
            be done.
    """
    trial = make_trial(source, physics, policies=policies, own_delays=own_delays)
    tried = _tried(trial, console)
    title = demand_title(source.demand)
    console.print(table(tried, title=title))
    if trial.ladder:
        console.print(pools_table(tried, ladder=trial.ladder))
    if files.series:
        write_series(files.series, tried, ladder=trial.ladder)
    if files.json:
        write_figures(files.json, tried, ladder=trial.ladder)
    if files.html:
        write_page(
            files.html,
            title=title,
            tried=tried,
            about=_about(trial),
            baseline_units=trial.baseline_units,
            ladder=trial.ladder,
        )
    if files.png:
        write_image(files.png, title=title, tried=tried)
    for path in (files.series, files.json, files.html, files.png):
        if path:
            console.print(f"wrote {path}", soft_wrap=True, markup=False)


def _tried(trial: Trial, console: Console) -> list[Tried]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    tried = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("perfect foresight", total=len(trial.choices) + 1)
        _ = trial.optimum
        for choice in trial.choices:
            progress.update(task, description=choice.asked, advance=1)
            tried.append(trial.try_out(choice))
        progress.advance(task)
    return tried


def _about(trial: Trial) -> list[tuple[str, str]]:
    """Return what the run was, as terms and descriptions."""
    world, demand = trial.comparison.world, trial.comparison.demand
    warm = world.warm_pool
    facts = [
        ("Demand", f"{demand.name}, {demand.minutes:,} minutes from {demand.start:%Y-%m-%d %H:%M}"),
        ("Not scored", f"the first {demand.history_minutes:,} minutes"),
        ("Instance", f"{world.units_per_instance:g} units, boots {world.boot_seconds:g} s"),
        ("Size", f"{world.min_instances} to {world.max_instances} instances"),
        ("Metric delay", f"{world.metric_delay_seconds:g} s"),
        ("Unserved work", f"{world.unserved_cost:g} instance-minutes for each one"),
    ]
    if warm.auto or warm.instances:
        size = "planned by Peakfleet" if warm.auto else f"{warm.instances} instances"
        reuse = ", what is let go waits" if warm.reuse else ""
        facts.append(("Warm pool", f"{size}, {warm.cost_fraction:.0%} of their price{reuse}"))
    if trial.spec is not None:
        facts.append(("Fleet", trial.spec.fleet))
    if trial.scenario is not None:
        facts.append(("Scenario", "perfect foresight is computed without it, so it is a bound"))
    if trial.ladder:
        facts.append(("Pools", _POOLS))
    return facts
