"""The outcome of a trial as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from peakfleet_cli.trial.files import best
from peakfleet_cli.trial.trial import Tried

_MINUTES_PER_HOUR = 60
_UNKNOWN = "-"


def table(tried: Sequence[Tried], *, title: str) -> Table:
    """Return a row for each policy; the best, perfect foresight aside, is marked."""
    priced = any(one.outcome.usd is not None for one in tried)
    result = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    result.add_column("policy", no_wrap=True)
    for column in ("instance-h", "cost", "unserved %", "violated min", "score"):
        result.add_column(column, justify="right", no_wrap=True)
    if priced:
        result.add_column("USD", justify="right", no_wrap=True)
    chosen = best(tried)
    for one in tried:
        outcome, marked = one.outcome, one is chosen
        row = [
            f"{'★' if marked else ' '} {one.choice.asked}",
            f"{outcome.instance_minutes / _MINUTES_PER_HOUR:,.1f}",
            _ratio(outcome.cost_ratio),
            f"{outcome.unserved_percent:.2f}",
            f"{outcome.violation_minutes:,}",
            _ratio(outcome.score),
        ]
        if priced:
            row.append(_UNKNOWN if outcome.usd is None else f"{outcome.usd:,.2f}")
        result.add_row(*row, style="bold green" if marked else "")
    return result


def pools_table(tried: Sequence[Tried], *, ladder: Sequence[str]) -> Table:
    """Return the paid hours of each pool, a row for each policy that has pools.

    Args:
        tried: The policies.
        ladder: The pools.
    """
    result = Table(
        title="paid instance-hours by pool", title_justify="left", box=box.SIMPLE_HEAD,
        pad_edge=False,
    )  # fmt: skip
    result.add_column("policy", no_wrap=True)
    for column in (*ladder, "reclaimed"):
        result.add_column(column, justify="right")
    for one in tried:
        if not one.run.pools:
            continue
        hours = {p.spec.name: p.instance_minutes / _MINUTES_PER_HOUR for p in one.run.pools}
        result.add_row(
            f"  {one.choice.asked}",
            *(f"{hours[name]:,.1f}" for name in ladder),
            f"{sum(pool.reclaimed for pool in one.run.pools):,}",
        )
    return result


def _ratio(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3f}"
