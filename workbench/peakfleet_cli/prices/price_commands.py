"""`peakfleet prices refresh` and `peakfleet prices show`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from peakfleet_chips import CATALOGUE, PRICE_FILE, InstanceType, Prices
from peakfleet_cli.account import Account, Profile, Region
from peakfleet_cli.help import Command, Group
from peakfleet_cli.output import Json, console, print_json, say
from peakfleet_cli.prices.aws_prices import (
    PRICE_LIST_REGION,
    on_demand_usd_per_hour,
    spot_usd_per_hour,
)

prices = typer.Typer(
    cls=Group, no_args_is_help=True, help="What instances cost: read anew from AWS, or shown."
)

_LEFT = ("type", "chip")
_RIGHT = ("vCPU", "USD/h", "/vCPU", "Spot", "units", "/unit")
_HOURS_A_DAY = 24
_MOST_DAYS = 90  # as far as EC2's history goes back


@prices.command(cls=Command)
def refresh(
    *,
    more_types: Annotated[
        list[str] | None,
        typer.Argument(metavar="TYPE", help="Types beside those of the catalogue."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where the prices go.")] = Path(PRICE_FILE),
    spot_days: Annotated[
        int, typer.Option("--spot-days", min=1, max=_MOST_DAYS, help="Spot history to average.")
    ] = 1,
    json: Json = False,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Read list and Spot prices of a region from AWS into a file that the next synth uses.

    It is found in the app's directory under its default name, or by the CDK context value
    `peakfleet:prices`. Needs pricing:GetProducts and ec2:DescribeSpotPriceHistory.
    """
    account = Account(region=region, profile=profile)
    wanted = {*CATALOGUE, *(more_types or ())}
    now = datetime.now(UTC)
    read = Prices(
        region=account.place,
        day=now.date(),
        source=(
            f"AWS Price List; Spot: EC2 price history, mean of {spot_days * _HOURS_A_DAY} "
            f"hours and of the zones"
        ),
        on_demand_usd_per_hour=on_demand_usd_per_hour(
            account.client("pricing", region=PRICE_LIST_REGION),
            region=account.place,
            instance_types=wanted,
        ),
        spot_usd_per_hour=spot_usd_per_hour(
            account.client("ec2"), instance_types=wanted, now=now, days=spot_days
        ),
    )
    out.write_text(dumps(read.to_json(), indent=2) + "\n", encoding="utf-8")
    if json:
        print_json(read.to_json())
    else:
        say(
            f"{out}: {len(read.on_demand_usd_per_hour)} list prices and "
            f"{len(read.spot_usd_per_hour)} Spot prices of {read.region}"
        )


@prices.command(cls=Command)
def show(
    *,
    types: Annotated[
        list[str] | None,
        typer.Argument(metavar="TYPE", help="Instance types or families. Default: all."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help=f"Price file. Default: {PRICE_FILE} here, else the shipped prices."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what instance types cost, per vCPU and per unit of work, and how old that is."""
    kinds = chosen(types or ())
    known = Prices.read(file) if file else Prices.found()
    if json:
        names = {kind.name for kind in kinds}
        document = known.to_json()
        for field, found in document.items():
            if isinstance(found, dict):
                document[field] = {name: usd for name, usd in found.items() if name in names}
        print_json(document)
    else:
        console().print(price_table(kinds, known, today=datetime.now(UTC).date()))


def chosen(words: Collection[str]) -> tuple[InstanceType, ...]:
    """Return the instance types that are named, by type or by family; all without a name.

    Raises:
        typer.BadParameter: A name is neither.
    """
    names = {name for kind in CATALOGUE.values() for name in (kind.name, kind.family)}
    if unknown := sorted(set(words) - names):
        raise typer.BadParameter(
            f"the catalogue does not have {', '.join(unknown)}; name types such as c8g.4xlarge or "
            f"families such as inf2"
        )
    return tuple(
        kind
        for kind in CATALOGUE.values()
        if not words or kind.name in words or kind.family in words
    )


def price_table(kinds: Collection[InstanceType], prices: Prices, *, today: date) -> Table:
    """Return the table, and under it how old the prices are.

    A unit is what does the work: a NeuronCore as programs see it, or a GPU.
    """
    age = prices.age_days(today)
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        caption_justify="left",
        caption=(
            f"Linux in {prices.region}, {prices.day.isoformat()}, {age} days old: {prices.source}"
        ),
    )
    for name in _LEFT:
        table.add_column(name, no_wrap=True)
    for name in _RIGHT:
        table.add_column(name, justify="right", no_wrap=True)
    for kind in kinds:
        table.add_row(kind.name, kind.chip, *_figures(kind, prices))
    return table


def _figures(kind: InstanceType, prices: Prices) -> Iterator[str]:
    usd = prices.usd_per_hour(kind.name, spot=False)
    yield str(kind.vcpus)
    yield _dollars(usd)
    yield _dollars(usd, kind.vcpus)
    yield _dollars(prices.usd_per_hour(kind.name, spot=True))
    if units := kind.neuron_cores or kind.devices:
        yield f"{units} {'cores' if kind.neuron_cores else 'GPU'}"
        yield _dollars(usd, units)


def _dollars(usd: float | None, shares: int = 1) -> str:
    return "-" if usd is None else f"{usd / shares:.4f}"
