from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from constructs import Construct

from peakfleet_chips import Prices, PricesError
from peakfleet_planner import SpecError

CONTEXT_KEY = "peakfleet:prices"
"""The context value that names the app's price file."""


def found_prices(path: str | None = None) -> Prices:
    """Return the prices of a file, by default of the app's price file, else the shipped ones.

    Raises:
        SpecError: The file is missing or damaged.
    """
    try:
        return Prices.read(Path(path)) if path else Prices.found()
    except PricesError as error:
        raise SpecError(str(error)) from error


def prices_of(scope: Construct) -> Prices:
    """Return what instances cost in the app of *scope*.

    The file that the context value `peakfleet:prices` names, else `peakfleet-prices.json` in the
    working directory, else the prices that come with the library.

    Raises:
        SpecError: The file is missing or damaged.
    """
    path = scope.node.try_get_context(CONTEXT_KEY)
    if path is not None and not isinstance(path, str):
        raise SpecError(f"context {CONTEXT_KEY} must name a price file, got {path!r}")
    return found_prices(path)


def prices_of_types(
    prices: Prices | None, instance_types: Sequence[str], *, spot: bool
) -> dict[str, float]:
    """Return what each type costs; nothing unless all are known."""
    usd = {
        kind: price
        for kind in instance_types
        if prices and (price := prices.usd_per_hour(kind, spot=spot)) is not None
    }
    return usd if len(usd) == len(instance_types) else {}
