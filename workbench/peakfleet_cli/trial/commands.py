"""`peakfleet simulate` and `peakfleet compare`: one signature, other defaults."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.demand import options as recording
from peakfleet_cli.operate import compare_shadow
from peakfleet_cli.output import console, json_text
from peakfleet_cli.trial import options
from peakfleet_cli.trial.request import Files, Physics, Source, TrialError, warm_size

COMPARED: Final = (
    "peakfleet",
    "target-tracking",
    "target-tracking-10s",
    "step",
    "hpa",
    "keda",
    "predictive",
    "lcp",
    "optimum",
)


def _command(
    name: str, about: str, *, default: tuple[str, ...], files: Files, both: bool = False
) -> Callable[..., None]:
    """Return a command with its default policies and files."""

    def command(
        *,
        demand: options.Demand = None,
        shadow: options.Shadow = None,
        since: options.Since = "1d",
        region: Region = None,
        profile: Profile = None,
        policies: options.Policies = None,
        more: options.MorePolicies = None,
        both_ways: options.BothWays = both,
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
        miss_at_most: options.MissAtMost = None,
        history_minutes: options.HistoryMinutes = 0,
        seed: options.Seed = 0,
        own_delays: options.OwnDelays = False,
        time_column: recording.TimeColumn = None,
        value_column: recording.ValueColumn = None,
        timezone: recording.Timezone = None,
        time_format: recording.TimeFormat = None,
        decimal: recording.Decimal = None,
        per: recording.PerStep = None,
        fill: recording.FillGaps = None,
        rate: recording.Rate = False,
        warm_instances: options.WarmInstances = "0",
        warm_reuse: options.WarmReuse = None,
        warm_start_seconds: options.WarmStartSeconds = 60,
        warm_cost_fraction: options.WarmCostFraction = 0.03,
        json: options.Json = files.json,
        html: options.Html = files.html,
        png: options.Png = files.png,
        series: options.Series = files.series,
    ) -> None:
        if shadow is not None:
            if not both:
                raise TrialError("--shadow is for `peakfleet compare`")
            account = Account(region=region, profile=profile)
            _compare_shadow(account, shadow, since=since, files=Files(json=json, html=html))
            return
        if demand is None:
            raise TrialError("--demand is needed, a file with recorded demand")
        # Loads scipy, which `--help` and the other commands need not wait for.
        from peakfleet_cli.trial.run import run_trial  # noqa: PLC0415  see above

        run_trial(
            Source(
                demand=demand,
                spec=spec,
                template=template,
                fleet=fleet,
                scenario=scenario,
                reading=recording.read_options(
                    time_column=time_column,
                    value_column=value_column,
                    timezone=timezone,
                    time_format=time_format,
                    decimal=decimal,
                    per=per,
                    fill=fill,
                    rate=rate,
                ),
            ),
            Physics(
                units_per_instance=units_per_instance,
                baseline_units=baseline_units,
                min_instances=min_instances,
                max_instances=max_instances,
                boot_seconds=boot_seconds,
                unserved_cost=unserved_cost,
                miss_at_most=miss_at_most,
                metric_delay_seconds=metric_delay_seconds,
                history_minutes=history_minutes,
                seed=seed,
                warm_instances=warm_size(warm_instances),
                warm_reuse=warm_reuse,
                warm_start_seconds=warm_start_seconds,
                warm_cost_fraction=warm_cost_fraction,
            ),
            Files(json=json, series=series, html=html, png=png),
            policies=options.names(policies, more, list(default)),
            own_delays=own_delays,
            both_ways=both_ways,
            command=shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            console=console(),
        )

    command.__name__, command.__doc__ = name, about
    return command


def _compare_shadow(account: Account, fleet: str, *, since: str, files: Files) -> None:
    """Show what a fleet in shadow would have done beside what happened, and write it."""
    both, table = compare_shadow(account, fleet, since=since, html=files.html)
    console().print(table)
    if files.json:
        files.json.parent.mkdir(parents=True, exist_ok=True)
        files.json.write_text(json_text(both), encoding="utf-8")
    for path in (files.json, files.html):
        if path:
            console().print(f"wrote {path}", soft_wrap=True, markup=False)


simulate = _command(
    "simulate",
    """Replay recorded demand through the production decision, and through target tracking.

    Needs no AWS account. The fleet is one group made from the options under Physics, or the fleet
    of a specification, a template or a scenario.
    """,
    default=("peakfleet", "target-tracking"),
    files=Files(),
)
compare = _command(
    "compare",
    """Compare policies on the same demand, at equal service and at equal cost.

    Every other policy is run again at its own cheapest setting that misses no more than Peakfleet,
    and at the setting that misses least for no more than its cost. The policy with the least cost
    at equal service is marked. With --shadow it reads the decisions of a deployed fleet in shadow.
    """,
    default=COMPARED,
    files=Files(
        json=Path("out/compare.json"),
        html=Path("out/compare.html"),
        png=Path("out/compare.png"),
    ),
    both=True,
)
