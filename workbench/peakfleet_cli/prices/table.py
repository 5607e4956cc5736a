"""Instance types with their prices, as a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

import typer
from rich import box
from rich.table import Table

from peakfleet_chips import CATALOGUE, InstanceType, Prices

_LEFT = ("type", "chip")
_RIGHT = ("vCPU", "USD/h", "/vCPU", "Spot", "units", "/unit")


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
