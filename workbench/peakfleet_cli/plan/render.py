"""A plan as text for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from peakfleet_cli.plan.changes import Change, Weight
from peakfleet_cli.plan.planned import Planned, PlannedFleet
from peakfleet_cli.plan.standing import StandingCost, total

Cells = tuple[str, ...]

_NOT_COUNTED: Final = (
    "Not counted: data transfer and processing, logs, storage, requests of your own workload, "
    "discounts and free tiers. Fixed prices are those of us-east-1, instances as the fleet's price "
    "list has them."
)


def as_text(planned: Planned) -> RenderableType:
    """Return a plan for a terminal."""
    parts: list[RenderableType] = []
    for title, columns, rows in _tables(planned):
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            title=title,
            title_justify="left",
        )
        for name in columns:
            numeric = name[0].isupper() or name in _NUMBERS
            table.add_column(name, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        parts.append(table)
    return Group(*parts, Text("\n".join(_closing(planned))))


def as_markdown(planned: Planned) -> str:
    """Return a plan for a pull request."""
    lines = ["## peakfleet plan"]
    for title, columns, rows in _tables(planned):
        lines += ["", f"### {title}", "", _row(columns), _row(tuple("---" for _ in columns))]
        lines += [_row(row) for row in rows]
    return "\n".join([*lines, "", *_closing(planned)])


_AT_MOST: Final = "<= "
_NUMBERS: Final = ("most", "units", "count", "unserved")


def _tables(planned: Planned) -> Iterator[tuple[str, Cells, list[Cells]]]:
    yield (
        "What a deployment does to running capacity",
        ("fleet", "weight", "what happens", "instead"),
        [_change(change) for change in planned.changes or ()] or [("", "", _nothing(planned), "")],
    )
    yield (
        "Cost by the month",
        ("fleet", "USD without demand", "USD on recorded demand", "USD at every maximum"),
        [_fleet(fleet) for fleet in planned.fleets],
    )
    yield (
        "Pools at their maximum",
        ("fleet", "pool", "types", "bought", "most", "units", "USD/h each", "USD/h"),
        [row for fleet in planned.fleets for row in _pools(fleet)],
    )
    yield (
        "Without demand, by the month",
        ("where", "what", "count", "USD", "how"),
        [
            *_standing([(name, costs) for name, costs in planned.stacks.items()]),
            *_standing([(fleet.name, fleet.standing) for fleet in planned.fleets]),
        ],
    )


def _change(change: Change) -> Cells:
    return change.fleet, change.weight, change.says, change.instead


def _nothing(planned: Planned) -> str:
    if planned.changes is None:
        return f"unknown: {planned.compared_with}"
    return "nothing: no pool, unit, maximum or launch template differs"


def _fleet(fleet: PlannedFleet) -> Cells:
    typical = fleet.typical
    unserved = f" ({typical.unserved_percent:.2f} % unserved)" if typical else ""
    at_most = _AT_MOST * any(pool.at_ceiling and not pool.retired for pool in fleet.pools)
    return (
        fleet.name,
        _usd(total(fleet.standing)),
        _AT_MOST * bool(typical and typical.at_ceiling)
        + _usd(typical.usd_per_month if typical else None)
        + unserved,
        at_most + _usd(fleet.usd_per_month_at_most),
    )


def _pools(fleet: PlannedFleet) -> Iterator[Cells]:
    for pool in fleet.pools:
        yield (
            fleet.name,
            pool.name + (" (retired)" if pool.retired else ""),
            ", ".join(pool.instance_types),
            pool.purchase,
            f"{pool.most:,}",
            f"{pool.units:,.6g}",
            _AT_MOST * pool.at_ceiling + _usd(pool.usd_per_hour, digits=4),
            _AT_MOST * pool.at_ceiling + _usd(pool.usd_per_hour_at_most),
        )


def _standing(of: Sequence[tuple[str, Sequence[StandingCost]]]) -> Iterator[Cells]:
    for where, costs in of:
        for cost in costs:
            yield where, cost.what, f"{cost.count:,.0f}", _usd(cost.usd_per_month), cost.how


def _closing(planned: Planned) -> Iterator[str]:
    ends = sum(change.weight is Weight.ENDS for change in planned.changes or ())
    if ends:
        yield f"{ends} of these changes end running instances."
    yield (
        f"Compared with {planned.compared_with}."
        if planned.changes is not None
        else (f"Nothing was compared: {planned.compared_with}.")
    )
    yield f"Everything without demand: {_usd(planned.standing_usd_per_month)} USD by the month."
    pools = [(fleet.name, pool) for fleet in planned.fleets for pool in fleet.pools]
    if any(pool.at_ceiling for _, pool in pools):
        yield (
            f"{_AT_MOST}the price of Spot is not known, and counts as the price on demand, which "
            f"it does not exceed; `peakfleet prices refresh` and a new synth bring it."
        )
    if unpriced := [f"{fleet}, {pool.name}" for fleet, pool in pools if pool.usd_per_hour is None]:
        yield (
            f"- no price is known of {'; '.join(unpriced)}: give usd_per_hour, or run `peakfleet "
            f"prices refresh`."
        )
    yield _NOT_COUNTED


def _usd(usd: float | None, *, digits: int = 2) -> str:
    return "-" if usd is None else f"{usd:,.{digits}f}"


def _row(cells: Cells) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
