"""What instances cost: the shipped list prices, or those that `peakfleet prices refresh` wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from peakfleet_chips.catalogue import CATALOGUE, HEAD

PRICE_FILE = "peakfleet-prices.json"
"""The name under which a price file is found in the app's directory."""
_VERSION = 1


class PricesError(ValueError):
    """A price file cannot be used. The message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of Linux instances in one region on one day.

    Args:
        region: Whose prices they are.
        day: When they were read.
        source: Where they come from, in words.
        on_demand_usd_per_hour: List price by instance type.
        spot_usd_per_hour: Spot price by instance type. Default: unknown.
    """

    region: str
    day: date
    source: str
    on_demand_usd_per_hour: Mapping[str, float]
    spot_usd_per_hour: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def shipped(cls) -> Prices:
        """Return the list prices that come with the library. It ships no Spot prices."""
        return cls(
            region=HEAD["region"],
            day=date.fromisoformat(HEAD["date"]),
            source=HEAD["prices"],
            on_demand_usd_per_hour={
                kind.name: kind.usd_per_hour
                for kind in CATALOGUE.values()
                if kind.usd_per_hour is not None
            },
        )

    @classmethod
    def found(cls, folder: Path | None = None) -> Prices:
        """Return the prices of the file `peakfleet-prices.json`, or the shipped ones.

        A price file replaces the shipped prices as a whole, so that prices of two regions or two
        days never mix.

        Args:
            folder: Where the file may be. Default: the working directory, in which a CDK app
                runs.

        Raises:
            PricesError: The file is damaged.
        """
        path = (folder or Path.cwd()) / PRICE_FILE
        return cls.read(path) if path.is_file() else cls.shipped()

    @classmethod
    def read(cls, path: Path) -> Prices:
        """Return the prices of a file.

        Raises:
            PricesError: The file is missing or damaged.
        """
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise PricesError(f"price file {path}: {error.strerror}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PricesError(
                f"price file {path} is damaged ({error}); write it anew with "
                f"`peakfleet prices refresh`"
            ) from error

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Prices:
        """Return the prices of a document that `to_json` made.

        Raises:
            KeyError: A field is missing.
            ValueError: A field has no sensible value, or the version is another.
        """
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']}, expected {_VERSION}")
        return cls(
            region=str(document["region"]),
            day=date.fromisoformat(document["date"]),
            source=str(document["source"]),
            on_demand_usd_per_hour=_positive(document["on_demand_usd_per_hour"]),
            spot_usd_per_hour=_positive(document["spot_usd_per_hour"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a document for `from_json`, its types in order."""
        return {
            "version": _VERSION,
            "region": self.region,
            "date": self.day.isoformat(),
            "source": self.source,
            "on_demand_usd_per_hour": dict(sorted(self.on_demand_usd_per_hour.items())),
            "spot_usd_per_hour": dict(sorted(self.spot_usd_per_hour.items())),
        }

    def usd_per_hour(self, instance_type: str, *, spot: bool) -> float | None:
        """Return the price of an instance for an hour; None if it is unknown."""
        prices = self.spot_usd_per_hour if spot else self.on_demand_usd_per_hour
        return prices.get(instance_type)

    def age_days(self, today: date) -> int:
        """Return how old the prices are, in days."""
        return (today - self.day).days


def _positive(prices: Mapping[str, Any]) -> dict[str, float]:
    known = {str(kind): float(price) for kind, price in prices.items()}
    for kind, price in known.items():
        if not 0 < price < float("inf"):
            raise ValueError(f"{kind} costs {price:g}")
    return known
