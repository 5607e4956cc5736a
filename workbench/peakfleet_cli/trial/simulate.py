"""`peakfleet simulate`: replay demand through the production decision, and through peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.trial import options
from peakfleet_cli.trial.command import clear_errors, run
from peakfleet_cli.trial.request import Physics, Source
from peakfleet_cli.trial.request import warm_instances as parse_warm_instances

DEFAULT = ["peakfleet"]


def simulate(
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
        Path | None, typer.Option("--json", help="Where the figures go.", rich_help_panel="Files")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Where the report goes.", rich_help_panel="Files")
    ] = None,
    png: Annotated[
        Path | None, typer.Option("--png", help="Where the picture goes.", rich_help_panel="Files")
    ] = None,
    series: Annotated[
        Path | None,
        typer.Option("--series", help="Where every minute goes, CSV.", rich_help_panel="Files"),
    ] = None,
) -> None:
    """Replay recorded demand through the production decision, and through other policies.

    Needs no account. The fleet is one group made from the options under Physics, or the one of
    a specification or a template.
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
