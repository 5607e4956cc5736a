"""`peakfleet peaks`: peaks that come back, and what it would have saved to know them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.errors import CommandError
from peakfleet_cli.fleet_spec import read_spec, read_template
from peakfleet_cli.operate import FleetRecords, find_fleet
from peakfleet_cli.output import Json, console, print_json, say
from peakfleet_cli.times import in_words
from peakfleet_planner.forecast import DAY_MINUTES, MINUTE_SECONDS, ProposedPeak, ProposedPeaks
from peakfleet_table import DamagedRecordError

_SHOWN: Final = 3


def peaks(
    *,
    fleet: Annotated[
        str | None,
        typer.Argument(metavar="FLEET", help="A deployed fleet, or one of the template."),
    ] = None,
    demand: Annotated[
        Path | None,
        typer.Option("--demand", metavar="FILE", help="Recorded demand, instead of a fleet's own."),
    ] = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", help="With --demand: the fleet's specification, JSON.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="With --demand: its template in cdk.out.")
    ] = None,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """List peaks that come back, and what it would have saved to know them; nothing is applied.

    A fleet's learner looks for them every hour, in two weeks of demand. What each would have saved
    was replayed, with the decisions that the fleet followed, in instance-minutes with missed work
    at its price; only what saves a hundredth is listed. Times are UTC.
    """
    if demand is not None:
        name, found = _in_file(demand, spec, template, fleet)
    elif fleet is None:
        raise typer.BadParameter("name a fleet, or a file with --demand", param_hint="FLEET")
    else:
        name, found = fleet, _of_fleet(Account(region=region, profile=profile), fleet)
    if json:
        listed = [_document(peak, found) for peak in found.peaks]
        print_json({"fleet": name, "days": _days(found), "peaks": listed})
        return
    if not found.peaks:
        say(f"{name}: no peak came back in {_days(found):g} days that would be worth knowing")
        return
    console().print(_table(found))
    for peak in found.peaks:
        say(_code(peak))


def _of_fleet(account: Account, name: str) -> ProposedPeaks:
    fleet = find_fleet(account, name)
    records = FleetRecords(account=account, table_name=fleet.table, fleet=fleet.name)
    try:
        found = records.proposals()
    except DamagedRecordError as error:
        raise CommandError(f"fleet '{name}': what its learner found is damaged: {error}") from error
    if found is None:
        raise CommandError(
            f"the learner of fleet '{name}' has found nothing yet: it needs two days of live "
            f"demand, and with Foresight.off() there is no learner"
        )
    return found


def _in_file(
    file: Path, spec: Path | None, template: Path | None, fleet: str | None
) -> tuple[str, ProposedPeaks]:
    from peakfleet_sim import DemandError, load_demand  # noqa: PLC0415  loads scipy
    from peakfleet_sim.replay import peaks_of  # noqa: PLC0415  as above

    if (spec is None) == (template is None):
        raise typer.BadParameter("says whose peaks they are: give one", param_hint="--spec")
    read = read_spec(spec) if spec else read_template(template or Path(), fleet)
    try:
        found = peaks_of(load_demand(file), read)
    except DemandError as error:
        raise CommandError(str(error)) from error
    if found is None:
        raise CommandError(f"{file}: too short, or demand of fleet '{read.fleet}' is not learned")
    return read.fleet, found


def _days(found: ProposedPeaks) -> float:
    return round(found.minutes / DAY_MINUTES, 1)


def _time(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def _saved(peak: ProposedPeak, found: ProposedPeaks) -> float:
    return round(100 * peak.saved_minutes / found.cost_minutes, 1)


def _document(peak: ProposedPeak, found: ProposedPeaks) -> dict[str, Any]:
    return {
        "repeats": peak.repeats,
        "next": _time(peak.next_epoch_seconds),
        "lasts_minutes": peak.lasts_seconds // MINUTE_SECONDS,
        "units": peak.units,
        "seen": [_time(one) for one in peak.seen_epoch_seconds],
        "possible": peak.possible,
        "saved_instance_minutes": peak.saved_minutes,
        "saved_percent": _saved(peak, found),
        "served_unit_minutes": peak.served_units,
    }


def _when(peak: ProposedPeak) -> str:
    time = _time(peak.next_epoch_seconds)
    match peak.repeats:
        case "hourly":
            return f"every hour at :{time:%M}"
        case "daily":
            return f"every day at {time:%H:%M}"
        case _:
            return f"every {time:%A} at {time:%H:%M}"


def _table(found: ProposedPeaks) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("peak", "lasts", "units", "seen", "lately", f"saves in {_days(found):g} days"):
        table.add_column(name, no_wrap=name == "peak")
    for peak in found.peaks:
        table.add_row(
            _when(peak),
            f"{peak.lasts_seconds // MINUTE_SECONDS} min",
            f"{peak.units:,.4g}",
            f"{len(peak.seen_epoch_seconds)} of {peak.possible}",
            ", ".join(f"{_time(one):%d %b}" for one in peak.seen_epoch_seconds[-_SHOWN:]),
            f"{peak.saved_minutes:,.0f} instance-minutes ({_saved(peak, found):g} %), "
            f"{peak.served_units:,.0f} unit-minutes more served",
        )
    return table


def _code(peak: ProposedPeak) -> str:
    """Return it as a user would write it down; the date tells the day and the time of day."""
    time = _time(peak.next_epoch_seconds)
    return (
        f'KnownPeak("{_when(peak)}", start=datetime({time:%Y, %-m, %-d, %-H, %-M}, tzinfo=UTC), '
        f"duration=Duration.minutes({peak.lasts_seconds // MINUTE_SECONDS}), "
        f'units={peak.units:g}, repeats="{peak.repeats}")  # next: {in_words(time)}'
    )
