"""The options that `simulate` and `compare` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_FLEET, _WORLD, _WARM = "Fleet", "Physics", "Warm pool"

Demand = Annotated[
    Path,
    typer.Option(
        "--demand",
        help="Recorded demand, CSV or CSV.gz with timestamp_utc,demand; constant step, in units.",
    ),
]
Spec = Annotated[
    Path | None,
    typer.Option("--spec", help="The fleet's specification, JSON.", rich_help_panel=_FLEET),
]
Template = Annotated[
    Path | None,
    typer.Option("--template", help="A template of cdk.out.", rich_help_panel=_FLEET),
]
Fleet = Annotated[
    str | None,
    typer.Option("--fleet", help="Fleet of the template: Media/Live.", rich_help_panel=_FLEET),
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
    typer.Option(help="Units that one instance serves. Default: 1.", rich_help_panel=_WORLD),
]
BaselineUnits = Annotated[
    float | None,
    typer.Option(help="Units served on premises. Default: 0.", rich_help_panel=_WORLD),
]
MinInstances = Annotated[
    int | None,
    typer.Option(
        help="Instances always kept; some policies keep one anyway. Default: 0.",
        rich_help_panel=_WORLD,
    ),
]
MaxInstances = Annotated[
    int | None, typer.Option(help="Most instances. Default: 200.", rich_help_panel=_WORLD)
]
BootSeconds = Annotated[
    float | None,
    typer.Option(help="From launch to serving. Default: 180.", rich_help_panel=_WORLD),
]
MetricDelaySeconds = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="How late demand is seen. Default: 60, or 0 for a fleet with signals in periods "
        "below a minute.",
        rich_help_panel=_WORLD,
    ),
]
UnservedCost = Annotated[
    float | None,
    typer.Option(
        help="What unserved work is worth, in instance-minutes for each one. Default: 10.",
        rich_help_panel=_WORLD,
    ),
]
HistoryMinutes = Annotated[
    int,
    typer.Option(min=0, help="Minutes at the start that are not scored.", rich_help_panel=_WORLD),
]
Seed = Annotated[int, typer.Option(help="Of everything random.", rich_help_panel=_WORLD)]
OwnDelays = Annotated[
    bool,
    typer.Option(
        "--own-delays",
        help="Policies that read their metric from the source (hpa, keda, target-tracking-10s) "
        "see it without the metric delay.",
        rich_help_panel=_WORLD,
    ),
]
WarmInstances = Annotated[
    str,
    typer.Option(
        metavar="N|auto",
        help="Stopped instances that wait, for all; auto: Peakfleet plans its own.",
        rich_help_panel=_WARM,
    ),
]
WarmReuse = Annotated[
    bool | None,
    typer.Option(
        "--warm-reuse/--no-warm-reuse",
        help="What is let go waits, so that N may serve or wait together; the default for auto. "
        "Otherwise it ends, and what was started is booted anew.",
        rich_help_panel=_WARM,
        show_default=False,
    ),
]
WarmStartSeconds = Annotated[
    float, typer.Option(min=0, help="From their start to serving.", rich_help_panel=_WARM)
]
WarmCostFraction = Annotated[
    float,
    typer.Option(min=0, help="What they cost while they wait, as a share.", rich_help_panel=_WARM),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME[:SETTING]",
        help="peakfleet, target-tracking, target-tracking-10s, step, hpa, hpa-ca, keda, "
        "predictive, lcp, optimum; several are given one after the other.",
    ),
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
