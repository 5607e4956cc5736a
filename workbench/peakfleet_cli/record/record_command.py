"""`peakfleet record`: demand from CloudWatch into a file that `simulate` replays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.fleet_spec import read_spec
from peakfleet_cli.operate import find_fleet
from peakfleet_cli.output import Json, print_json, say
from peakfleet_cli.record.demand_file import DemandFile, RecordError
from peakfleet_cli.record.recording import (
    RETENTION_DAYS,
    DemandSeries,
    Recorded,
    Recording,
    finest_period_seconds,
    series_of_fleet,
    series_of_metric,
)
from peakfleet_cli.times import in_words, parse_since
from peakfleet_planner import FleetSpec, Metric

DEFAULT_PERIOD_SECONDS = 60


def record(
    *,
    out: Annotated[
        Path, typer.Argument(help="Demand file, .csv or .csv.gz; one that exists is continued.")
    ],
    fleet: Annotated[
        str | None,
        typer.Option("--fleet", help="A deployed fleet, by its construct path: Media/Live."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", help="Its specification, JSON. Default: what its schedule sends."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", help="Instead of a fleet: any metric.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Name of that metric.")] = None,
    dimension: Annotated[
        list[str] | None, typer.Option("--dimension", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    statistic: Annotated[
        str, typer.Option("--statistic", help="Sum and SampleCount are recorded by the second.")
    ] = "Average",
    units_per_value: Annotated[
        float, typer.Option("--units-per-value", min=0, help="Units for each 1 of the metric.")
    ] = 1,
    silent_is_zero: Annotated[
        bool, typer.Option("--silent-is-zero", help="No datapoint means no demand, not a gap.")
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="First time (UTC), or 7d ago. Default: 15 days ago."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Last time, or 2h ago. Default: now."),
    ] = None,
    period: Annotated[
        int | None,
        typer.Option(
            "--period",
            help="Step in seconds: 60, 300 or 3600. Default: the shortest that CloudWatch "
            "still has, or that of the file.",
        ),
    ] = None,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Record the demand of a deployed fleet, or any metric, into a demand file.

    CloudWatch keeps one minute for 15 days, five minutes for 63 and an hour for 455. Run it
    again, from time to time, and the file goes on where it ended.
    """
    if period not in (None, *RETENTION_DAYS):
        raise typer.BadParameter(f"must be 60, 300 or 3600, got {period}", param_hint="--period")
    now = datetime.now(UTC)
    ends = None if until is None else parse_since(until, now=now, option="--until")
    first = now - timedelta(days=RETENTION_DAYS[60])
    if start is not None:
        first = parse_since(start, now=now, option="--from")
    account = Account(region=region, profile=profile)
    if fleet is None and spec is None:
        read = _metric(namespace, metric, dimension or (), statistic)
        series: tuple[DemandSeries, ...] = (
            series_of_metric(read, units_per_value=units_per_value, silent_is_zero=silent_is_zero),
        )
    else:
        named = namespace is not None or metric is not None
        series = series_of_fleet(_spec(fleet, spec, account, metric_named=named))
    file = _file(out, period, finest_period_seconds(first, now))
    recorded = Recording(
        series=series, file=file, period_seconds=file.step_seconds, now=now, account=account
    ).run(start=first, end=ends)
    if json:
        print_json({"file": out, **asdict(recorded)})
    else:
        say(in_one_line(out, recorded))


def in_one_line(path: Path, recorded: Recorded) -> str:
    """Return what was recorded in one line."""
    if recorded.begins is None or recorded.ends is None:
        return f"{path}: there was nothing new"
    filled = f", {recorded.filled} of them had no datapoint" if recorded.filled else ""
    clipped = "; CloudWatch has nothing older at this step" if recorded.clipped else ""
    return (
        f"{path}: {recorded.rows} rows from {in_words(recorded.begins)} to "
        f"{in_words(recorded.ends)}{filled}{clipped}"
    )


def _file(path: Path, period: int | None, finest: int) -> DemandFile:
    file = DemandFile(path=path, step_seconds=period or finest)
    if period not in (None, file.step_seconds):
        raise RecordError(f"{path}: has a step of {file.step_seconds} s, not of {period} s")
    return file


def _spec(
    fleet: str | None, path: Path | None, account: Account, *, metric_named: bool
) -> FleetSpec:
    if metric_named:
        raise RecordError("a fleet says which metrics to read: leave --namespace and --metric out")
    if path is None:
        return find_fleet(account, fleet or "").spec
    read = read_spec(path)
    if fleet not in (None, read.fleet):
        raise RecordError(f"{path} is of fleet '{read.fleet}', not '{fleet}'")
    return read


def _metric(
    namespace: str | None, name: str | None, dimensions: Sequence[str], statistic: str
) -> Metric:
    if namespace is None or name is None:
        raise RecordError("name a deployed fleet with --fleet, or --namespace and --metric")
    pairs = [text.partition("=") for text in dimensions]
    if wrong := ["".join(pair) for pair in pairs if not all(pair)]:
        raise RecordError(f"--dimension must be NAME=VALUE, got {wrong[0]!r}")
    return Metric(
        namespace=namespace,
        metric_name=name,
        dimensions={name: value for name, _, value in pairs},
        statistic=statistic,
        period_seconds=DEFAULT_PERIOD_SECONDS,
    )
