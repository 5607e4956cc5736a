"""What instances cost: the app's price file, else the prices that come with the library."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from weakref import WeakSet

from aws_cdk import Annotations
from constructs import Construct, IConstruct

from peakfleet._tree import context_of, root_of, stack_of
from peakfleet._values import is_late
from peakfleet_chips import Prices, PricesError
from peakfleet_planner import SpecError

CONTEXT_KEY = "peakfleet:prices"
"""The context value that names the app's price file."""
_TOLD: WeakSet[IConstruct] = WeakSet()
"""Apps that were told how old their prices are."""


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
    path = context_of(scope, CONTEXT_KEY)
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


def tell_age(scope: Construct, prices: Prices) -> None:
    """Say once an app how old the prices are."""
    app = root_of(scope)
    if app in _TOLD:
        return
    _TOLD.add(app)
    age = prices.age_days(_today())
    region = stack_of(scope).region
    elsewhere = not is_late(region) and region != prices.region
    text = (
        f"instance prices are those of {prices.day.isoformat()}, {age} days old, in "
        f"{prices.region}"
        + f", but the stack is in {region}" * elsewhere
        + "; `peakfleet prices refresh` writes newer ones"
    )
    # Information, however old: the same code is to pass `cdk synth --strict` next year too.
    Annotations.of(scope).add_info_v2("peakfleet:BurstFleet.prices", text)


def _today() -> date:
    """Return today, or the day that a reproducible build names."""
    named = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(named), UTC) if named else datetime.now(UTC)).date()
