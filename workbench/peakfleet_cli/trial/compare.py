"""`peakfleet compare`: all policies on the same demand, as table, picture and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.trial import options
from peakfleet_cli.trial.command import clear_errors, run
from peakfleet_cli.trial.request import Physics, Source
from peakfleet_cli.trial.request import warm_instances as parse_warm_instances

DEFAULT = [
    "peakfleet",
    "target-tracking",
    "target-tracking-10s",
    "step",
    "hpa",
    "keda",
    "predictive",
    "lcp",
    "optimum",
]


def compare(
    *,
    demand: options.Demand,
    policies: options.Policies = None,
    more: options.MorePolicies = None,
    spec: options.Spec = None,
    template: options.Template = None,
    fleet: options.Fleet = None,
    scenario: options.Scenario = None,
    units_per_instance: options.UnitsPerInstance = None,
    baseline_units: options.BaselineUnits = None,
    min_instances: options.MinInstances = None,
    max_instances: options.MaxInstances = None,
    boot_seconds: options.BootSeconds = None,
    metric_delay_seconds: options.MetricDelaySeconds = None,
    unserved_cost: options.UnservedCost = None,
    history_minutes: options.HistoryMinutes = 0,
    seed: options.Seed = 0,
    own_delays: options.OwnDelays = False,
    warm_instances: options.WarmInstances = "0",
    warm_reuse: options.WarmReuse = None,
    warm_start_seconds: options.WarmStartSeconds = 60,
    warm_cost_fraction: options.WarmCostFraction = 0.03,
    json: Annotated[
        Path, typer.Option("--json", help="Where the figures go.", rich_help_panel="Files")
    ] = Path("out/compare.json"),
    html: Annotated[
        Path, typer.Option("--html", help="Where the report goes.", rich_help_panel="Files")
    ] = Path("out/compare.html"),
    png: Annotated[
        Path, typer.Option("--png", help="Where the picture goes.", rich_help_panel="Files")
    ] = Path("out/compare.png"),
    series: Annotated[
        Path | None,
        typer.Option("--series", help="Where every minute goes, CSV.", rich_help_panel="Files"),
    ] = None,
) -> None:
    """Compare policies on the same demand: cost, what was not served, and the score.

    The score is what was paid plus the price of what was missed, over the same of perfect
    foresight; the least is marked.
    """
    with clear_errors():
        run(
            Source(demand=demand, spec=spec, template=template, fleet=fleet, scenario=scenario),
            Physics(
                units_per_instance=units_per_instance,
                baseline_units=baseline_units,
                min_instances=min_instances,
                max_instances=max_instances,
                boot_seconds=boot_seconds,
                unserved_cost=unserved_cost,
                metric_delay_seconds=metric_delay_seconds,
                history_minutes=history_minutes,
                seed=seed,
                warm_instances=parse_warm_instances(warm_instances),
                warm_reuse=warm_reuse,
                warm_start_seconds=warm_start_seconds,
                warm_cost_fraction=warm_cost_fraction,
            ),
            policies=options.names(policies, more, DEFAULT),
            own_delays=own_delays,
            json=json,
            series=series,
            html=html,
            png=png,
        )
