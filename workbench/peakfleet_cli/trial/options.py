"""The options that `simulate` and `compare` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.demand.options import ABOUT

_FLEET, _WORLD, _WARM = "Fleet", "Physics", "Warm pool"
_SHADOW = "Fleet in shadow (peakfleet compare)"
_REUSE = "Warm pool: what is scaled in"  # apart, as two long names leave no room for others

Demand = Annotated[
    Path | None,
    typer.Option(
        "--demand",
        help=ABOUT,
    ),
]
Shadow = Annotated[
    str | None,
    typer.Option(
        "--shadow",
        metavar="FLEET",
        help="Instead of a recording: what this fleet in shadow would have done beside what "
        "happened, from its decisions.",
        rich_help_panel=_SHADOW,
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--since", metavar="TIME", help="From when on: 7d or a time.", rich_help_panel=_SHADOW
    ),
]
Spec = Annotated[
    Path | None,
    typer.Option("--spec", help="Specification of the fleet, JSON.", rich_help_panel=_FLEET),
]
Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        help="CloudFormation template in cdk.out that has the fleet.",
        rich_help_panel=_FLEET,
    ),
]
Fleet = Annotated[
    str | None,
    typer.Option(
        "--fleet", help="Which fleet of the template, as Media/Live.", rich_help_panel=_FLEET
    ),
]
Scenario = Annotated[
    Path | None,
    typer.Option(
        "--scenario",
        help="TOML file: pools, prices, recorded Spot availability, lost metrics, outages.",
        rich_help_panel=_FLEET,
    ),
]
UnitsPerInstance = Annotated[
    float | None,
    typer.Option(
        metavar="UNITS", help="Units that one instance serves. Default: 1.", rich_help_panel=_WORLD
    ),
]
BaselineUnits = Annotated[
    float | None,
    typer.Option(
        metavar="UNITS", help="Units served on premises. Default: 0.", rich_help_panel=_WORLD
    ),
]
MinInstances = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Fewest instances; some policies always keep one. Default: 0.",
        rich_help_panel=_WORLD,
    ),
]
MaxInstances = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Most instances. Default: twice what the peak needs, so that it never binds.",
        rich_help_panel=_WORLD,
    ),
]
BootSeconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Seconds from launch to serving. Default: 180.",
        rich_help_panel=_WORLD,
    ),
]
MetricDelaySeconds = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Seconds until a metric is visible. Default: 60; 0 for a fleet whose signals have "
        "periods below a minute.",
        rich_help_panel=_WORLD,
    ),
]
UnservedCost = Annotated[
    float | None,
    typer.Option(
        metavar="MINUTES",
        help="Price of unserved work: instance-minutes for each unserved instance-minute. "
        "Default: 10.",
        rich_help_panel=_WORLD,
    ),
]
MissAtMost = Annotated[
    float | None,
    typer.Option(
        min=0.00001,
        max=0.5,
        help="Share of the burst that Peakfleet may miss over two weeks, as 0.01; it learns what "
        "missed work must be worth for that.",
        rich_help_panel=_WORLD,
    ),
]
HistoryMinutes = Annotated[
    int,
    typer.Option(
        metavar="MINUTES",
        min=0,
        help="Minutes at the start that policies see but that are not scored.",
        rich_help_panel=_WORLD,
    ),
]
Seed = Annotated[
    int, typer.Option(metavar="N", help="Seed of random numbers.", rich_help_panel=_WORLD)
]
OwnDelays = Annotated[
    bool,
    typer.Option(
        "--own-delays",
        help="Policies that read their metric from its source (hpa, hpa-ca, keda, "
        "target-tracking-10s) have no metric delay.",
        rich_help_panel=_WORLD,
    ),
]
WarmInstances = Annotated[
    str,
    typer.Option(
        metavar="N|auto",
        help="Stopped instances in the warm pool, for every policy; auto: Peakfleet plans the size "
        "of its own, the other policies have none.",
        rich_help_panel=_WARM,
    ),
]
WarmReuse = Annotated[
    bool | None,
    typer.Option(
        "--warm-reuse/--no-warm-reuse",
        help="Scaled-in instances return to the warm pool, so that at most N run or wait together; "
        "the default for auto. Otherwise they terminate, and the pool is refilled by new boots.",
        rich_help_panel=_REUSE,
        show_default=False,
    ),
]
WarmStartSeconds = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Seconds from the start of a warm instance to serving.",
        rich_help_panel=_WARM,
    ),
]
WarmCostFraction = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        min=0,
        help="Cost of a stopped instance, as a share of the price of a running one.",
        rich_help_panel=_WARM,
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME[:SETTING]",
        help="peakfleet, target-tracking, target-tracking-10s, step, hpa, hpa-ca, keda, "
        "predictive, lcp, optimum. Takes several names, separated by spaces or commas.",
    ),
]
BothWays = Annotated[
    bool,
    typer.Option(
        "--both-ways/--one-way",
        help="Run Peakfleet at the service of the first other policy as well; takes several "
        "replays of Peakfleet.",
    ),
]
Json = Annotated[
    Path | None, typer.Option("--json", help="Write the figures, JSON.", rich_help_panel="Files")
]
Series = Annotated[
    Path | None,
    typer.Option("--series", help="Write every minute, CSV.", rich_help_panel="Files"),
]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write the report, HTML.", rich_help_panel="Files")
]
Png = Annotated[
    Path | None, typer.Option("--png", help="Write the picture, PNG.", rich_help_panel="Files")
]
MorePolicies = Annotated[list[str] | None, typer.Argument(hidden=True)]
"""What follows the first name after --policy."""


def names(policies: list[str] | None, more: list[str] | None, default: list[str]) -> list[str]:
    """Return the policies that were named.

    >>> names(["peakfleet,keda:0.9"], ["hpa"], ["optimum"])
    ['peakfleet', 'keda:0.9', 'hpa']

    Raises:
        typer.BadParameter: Names were given without --policy.
    """
    if more and not policies:
        raise typer.BadParameter(f"{more[0]!r} is not expected; name policies after --policy")
    given = [*(policies or ()), *(more or ())]
    return [name for text in given for name in text.split(",") if name.strip()] or default
