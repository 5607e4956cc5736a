"""Runs a trial, shows its tables and writes its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from peakfleet_cli.fleet_spec import SpecFileError
from peakfleet_cli.trial.files import (
    best,
    named,
    rivals,
    write_figures,
    write_image,
    write_page,
    write_series,
)
from peakfleet_cli.trial.parallel import try_out
from peakfleet_cli.trial.request import Files, Physics, Source, TrialError
from peakfleet_cli.trial.trial import PEAKFLEET, Trial, Tried, make_trial
from peakfleet_planner import SpecError
from peakfleet_sim import DemandError
from peakfleet_sim.replay import service_sentence
from peakfleet_sim.report import against, headline

_MINUTES_PER_HOUR: Final = 60
_UNKNOWN: Final = "-"

_POOLS = (
    "Peakfleet sizes each pool; the instances of another policy run on the first pool that has "
    "room, and a reclaimed instance is replaced in the minute of its loss"
)


def run_trial(
    source: Source,
    physics: Physics,
    files: Files,
    *,
    policies: Sequence[str],
    own_delays: bool,
    both_ways: bool,
    command: str,
    console: Console,
) -> None:
    """Replay demand under several policies, print the table, write the files.

    Args:
        source: Where demand, fleet and scenario come from.
        physics: The physics, as far as the fleet does not say.
        files: What is written.
        policies: Names, each with a setting after a colon or without.
        own_delays: As in `Trial`.
        both_ways: Whether ours is run at the service of the first other policy as well.
        command: What was typed, for the report.
        console: Where table and progress are shown.

    Raises:
        TrialError: What was asked for cannot be done; the message names the file or the option.
    """
    try:
        trial = replace(
            make_trial(source, physics, policies=policies, own_delays=own_delays),
            words=files.html is not None,
        )
        console.print(trial.recording.summary(), soft_wrap=True, markup=False)
        if physics.max_instances is None and trial.spec is None:
            most = trial.comparison.world.max_instances
            console.print(f"maximum: {most:,} instances, twice what the peak needs")
        for warning in trial.warnings():
            Console(stderr=True, soft_wrap=True).print(
                f"peakfleet: warning: {warning}", markup=False, style="bold yellow"
            )
        tried = try_out(trial, console, both_ways=both_ways)
        _show(trial, tried, files, command, console)
    except (DemandError, OSError, SpecError, SpecFileError) as error:
        raise TrialError(str(error)) from error


def _show(
    trial: Trial, tried: Sequence[Tried], files: Files, command: str, console: Console
) -> None:
    title = trial.comparison.demand.name
    console.print(said(tried), style="bold", markup=False)
    console.print(table(tried, title=title))
    for line in (*both_ways_lines(tried), *service_lines(trial, tried)):
        console.print(line, soft_wrap=True, markup=False)
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
            about=[("Command", command), *_about(trial)],
            baseline_units=trial.baseline_units,
            ladder=trial.ladder,
        )
    if files.png:
        write_image(files.png, title=title, tried=tried)
    for path in (files.series, files.json, files.html, files.png):
        if path:
            console.print(f"wrote {path}", soft_wrap=True, markup=False)


def said(tried: Sequence[Tried]) -> str:
    """Return the headline, which the report has as well."""
    return headline(
        [([one.outcome for one in named(tried)], rivals(tried))],
        peak=bool(tried) and tried[0].run.demand.has_peak,
    )


def both_ways_lines(tried: Sequence[Tried]) -> list[str]:
    """Return what Peakfleet costs at the service of another policy, a line for each known."""
    return [
        f"At the service of {one.choice.asked} ({one.outcome.unserved_percent:.2f} % missed) "
        f"Peakfleet costs {against(one.rival.ours.cost / one.outcome.cost)} it "
        f"({one.rival.ours.policy}, {one.rival.ours.unserved_percent:.2f} % missed)."
        for one in tried
        if one.rival and one.rival.ours and one.outcome.cost
    ]


def _about(trial: Trial) -> list[tuple[str, str]]:
    """Return what the run was, as terms and descriptions."""
    world, demand = trial.comparison.world, trial.comparison.demand
    warm = world.warm_pool
    facts = [
        ("Recording", trial.recording.summary()),
        (
            "Demand",
            f"{demand.name}, {demand.minutes:,} minutes from {demand.start:%Y-%m-%d %H:%M} UTC",
        ),
        ("Not scored", f"the first {demand.history_minutes:,} minutes"),
        ("Instance", f"{world.units_per_instance:g} units, boots {world.boot_seconds:g} s"),
        ("Size", f"{world.min_instances} to {world.max_instances} instances"),
        ("Metric delay", f"{world.metric_delay_seconds:g} s"),
        ("Baseline", f"{world.baseline_units:g} units on-premises"),
        ("Unserved work", f"{world.unserved_cost:g} instance-minutes for each one"),
    ]
    if warm.auto or warm.instances:
        size = "planned by Peakfleet" if warm.auto else f"{warm.instances} instances"
        reuse = ", scaled-in instances return to it" if warm.reuse else ""
        facts.append(("Warm pool", f"{size}, {warm.cost_fraction:.0%} of their price{reuse}"))
    if trial.spec is not None:
        facts.append(("Fleet", trial.spec.fleet))
    if trial.scenario is not None:
        facts.append(("Scenario", "perfect foresight is computed without it, so it is a bound"))
    if trial.ladder:
        facts.append(("Pools", _POOLS))
    return facts


def service_lines(trial: Trial, tried: Sequence[Tried]) -> list[str]:
    """Return what was asked to be missed at most and what was, and what limits it."""
    level = trial.spec.service_level.miss_at_most if trial.spec else None
    asked = trial.miss_at_most or level
    ours = next((one for one in tried if one.choice.asked == PEAKFLEET), None)
    if asked is None or ours is None:
        return []
    return [service_sentence(ours.run, asked=asked)]


def table(tried: Sequence[Tried], *, title: str) -> Table:
    """Return a row for each policy; the cheapest at equal service is marked."""
    priced = any(one.outcome.usd is not None for one in tried)
    compared = any(one.rival for one in tried)
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    result.add_column("policy", no_wrap=True)
    heads = ["instance-h", "cost against\nforesight", "burst\nmissed %", "minutes\nshort"]
    heads += ["USD"] if priced else []
    heads += ["at equal service,\ncost over ours"] if compared else []
    for column in heads:
        result.add_column(column, justify="right", no_wrap=True)
    chosen = best(tried)
    ours = next((one for one in tried if one.choice.kind.name == PEAKFLEET), None)
    for one in tried:
        outcome, marked = one.outcome, one is chosen
        row = [
            f"{'★' if marked else ' '} {one.choice.asked}",
            f"{outcome.instance_minutes / _MINUTES_PER_HOUR:,.1f}",
            _ratio(outcome.cost_ratio),
            f"{outcome.unserved_percent:.2f}",
            f"{outcome.violation_minutes:,}",
        ]
        if priced:
            row.append(_UNKNOWN if outcome.usd is None else f"{outcome.usd:,.2f}")
        if compared and ours:
            row.append(_equal_service(ours, one))
        result.add_row(*row, style="bold green" if marked else "")
    return result


def _equal_service(ours: Tried, one: Tried) -> str:
    if one.rival is None:
        return "1" if one is ours else ""
    same = one.rival.same_service
    if same is None:
        return "none serves as well"
    setting = same.policy.partition(":")[2]
    ratio = f"{same.cost / ours.outcome.cost:.2f}" if ours.outcome.cost else _UNKNOWN
    return f"{ratio} at {float(setting):.2g}" if setting else ratio


def pools_table(tried: Sequence[Tried], *, ladder: Sequence[str]) -> Table:
    """Return the paid hours of each pool, a row for each policy that has pools.

    Args:
        tried: The policies.
        ladder: The pools.
    """
    result = Table(
        title="paid instance-hours by pool", title_justify="left", box=box.SIMPLE_HEAD,
        pad_edge=False,
    )  # fmt: skip
    result.add_column("policy", no_wrap=True)
    for column in (*ladder, "reclaimed"):
        result.add_column(column, justify="right")
    for one in tried:
        if not one.run.pools:
            continue
        hours = {p.spec.name: p.instance_minutes / _MINUTES_PER_HOUR for p in one.run.pools}
        result.add_row(
            f"  {one.choice.asked}",
            *(f"{hours[name]:,.1f}" for name in ladder),
            f"{sum(pool.reclaimed for pool in one.run.pools):,}",
        )
    return result


def _ratio(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3f}"
