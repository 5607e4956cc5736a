"""What each chip does for its money, as a table and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table

from peakfleet_planner.efficiency import (
    FEWEST_DAYS,
    LEAST_BUSY_SHARE,
    Bounds,
    ChipEfficiency,
    Verdict,
)

_LEFT = ("chip", "bought", "pools")
_RIGHT = ("unit-hours", "capacity-hours", "USD", "units/USD", "gain over x86")
_TOO_LITTLE = "not enough data"


def efficiency_table(fleet: str, rows: Sequence[ChipEfficiency]) -> Table:
    """Return the table of one fleet.

    Args:
        fleet: Its name.
        rows: Its chips.
    """
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=fleet, title_justify="left"
    )
    for name in _LEFT:
        table.add_column(name, no_wrap=True)
    for name in _RIGHT:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in rows:
        table.add_row(
            row.chip,
            row.purchase,
            ", ".join(row.pools),
            f"{row.unit_hours:,.1f}",
            f"{row.capacity_hours:,.1f}",
            "unknown" if row.usd is None else f"{row.usd:,.2f}",
            _units(row.units_per_usd),
            "" if row.is_baseline else _gain(row.gain),
            _verdict(row),
        )
    return table


def notes(rows: Sequence[ChipEfficiency]) -> Iterator[str]:
    """Yield what the table cannot say."""
    if not any(row.is_baseline for row in rows):
        yield "the x86 baseline pool has not served on any of these days: nothing is compared"
    for row in rows:
        if row.usd is None:
            yield f"{row.chip}: a price is unknown, so its dollars are"
        if row.is_baseline or not any(other.is_baseline for other in rows):
            continue
        if row.gain is None:
            yield (
                f"{row.chip}: busy beside x86 on {row.paired_days} days, {FEWEST_DAYS} are needed. "
                f"An hour counts when the machines of both are at least {LEAST_BUSY_SHARE:.0%} busy"
            )
        if not row.same_purchase:
            yield f"{row.chip}: bought as {row.purchase}, x86 is not; the gain holds that discount"
    yield "watts: unknown, no figure is published for these instances"


def _units(bounds: Bounds | None) -> str:
    if bounds is None:
        return _TOO_LITTLE
    return f"{bounds.mean:.4g} ({bounds.low:.4g} to {bounds.high:.4g})"


def _gain(bounds: Bounds | None) -> str:
    if bounds is None:
        return _TOO_LITTLE
    return f"{bounds.mean:+.0%} ({bounds.low:+.0%} to {bounds.high:+.0%})"


def _verdict(row: ChipEfficiency) -> str:
    if row.verdict is Verdict.BASELINE:
        return "baseline"
    return f"{row.target_gain:.0%}: {row.verdict}"
