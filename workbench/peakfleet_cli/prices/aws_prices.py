"""Prices as AWS publishes them: the Price List on demand, EC2's history for Spot."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from peakfleet_cli.errors import CommandError

PRICE_LIST_REGION = "us-east-1"
"""Where the Price List Query API answers; it knows the prices of every region."""
_ON_DEMAND_FILTERS = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
_SPOT_PRODUCTS = ["Linux/UNIX"]


class RefreshError(CommandError):
    """Prices cannot be read; the message says why and the way out."""


class Pages(Protocol):
    """The answer to one question, page by page."""

    def paginate(self, **kwargs: Any) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401  the question's own
        """Yield the pages."""


class Paging(Protocol):
    """A boto3 client that answers in pages."""

    def get_paginator(self, operation_name: Any) -> Pages:  # noqa: ANN401  each client has its own names
        """Return what pages through an operation."""


def on_demand_usd_per_hour(
    client: Paging, *, region: str, instance_types: Collection[str]
) -> dict[str, float]:
    """Return the list price of each instance type that is sold in a region.

    One filtered question, about a dozen pages: asking for each type would be a call each.

    Args:
        client: Of the service `pricing`.
        region: Whose prices.
        instance_types: What is wanted; types that are not sold there are left out.

    Raises:
        RefreshError: AWS refuses, or knows no price of the region.
    """
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {**_ON_DEMAND_FILTERS, "regionCode": region}.items()
    ]
    with _clear_refusals("pricing:GetProducts"):
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonEC2", Filters=filters
        )
        prices = dict(
            found for page in pages for text in page["PriceList"] for found in _price(text)
        )
    if not prices:
        raise RefreshError(f"the AWS Price List has no prices of Linux instances in {region}")
    return {kind: prices[kind] for kind in sorted(instance_types) if kind in prices}


def spot_usd_per_hour(
    client: Paging, *, instance_types: Collection[str], now: datetime, days: int
) -> dict[str, float]:
    """Return the Spot price of each instance type over the past days.

    The mean over time in each availability zone, and then the mean of the zones, in which a
    group with `price-capacity-optimized` may launch. Types that Spot does not have are left out.

    Args:
        client: Of the service `ec2`, in the region whose prices are wanted.
        instance_types: What is wanted.
        now: The end of the time looked at.
        days: How long it is.

    Raises:
        RefreshError: AWS refuses.
    """
    start = now - timedelta(days=days)
    changes: dict[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
    with _clear_refusals("ec2:DescribeSpotPriceHistory"):
        pages = client.get_paginator("describe_spot_price_history").paginate(
            ProductDescriptions=_SPOT_PRODUCTS, StartTime=start, EndTime=now
        )
        for page in pages:
            for record in page["SpotPriceHistory"]:
                if (kind := record["InstanceType"]) in instance_types:
                    changes[kind, record["AvailabilityZone"]].append(
                        (record["Timestamp"], float(record["SpotPrice"]))
                    )
    zones: dict[str, list[float]] = defaultdict(list)
    for (kind, _), history in sorted(changes.items()):
        zones[kind].append(mean_price(history, start=start, end=now))
    return {kind: round(fmean(prices), 6) for kind, prices in zones.items()}


def mean_price(
    changes: Sequence[tuple[datetime, float]], *, start: datetime, end: datetime
) -> float:
    """Return the mean over time of a price that stands from each change to the next.

    A change before *start* stands from *start* on: EC2 gives the last one before it, too.

    >>> from datetime import UTC
    >>> midnight = datetime(2026, 1, 1, tzinfo=UTC)
    >>> hours = [midnight + timedelta(hours=hour) for hour in range(5)]
    >>> mean_price([(hours[3], 4.0), (midnight, 1.0)], start=midnight, end=hours[4])
    1.75
    """
    ordered = sorted(changes)
    moments = [min(max(moment, start), end) for moment, _ in ordered] + [end]
    seconds = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    if not sum(seconds):
        return ordered[-1][1]
    return fmean((price for _, price in ordered), weights=seconds)


@contextmanager
def _clear_refusals(permission: str) -> Iterator[None]:
    """Turn a refusal of AWS into a RefreshError that names the way out."""
    try:
        yield
    except NoCredentialsError as error:
        raise RefreshError(
            "AWS needs credentials: sign in, or name a profile in AWS_PROFILE"
        ) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "AccessDenied" in code or "Unauthorized" in code:
            raise RefreshError(f"your credentials may not: allow {permission}") from error
        raise RefreshError(f"{permission} failed: {error}") from error
    except BotoCoreError as error:
        raise RefreshError(f"{permission} failed: {error}") from error


def _price(text: str) -> Iterator[tuple[str, float]]:
    """Yield instance type and price of one product of the list."""
    product: Mapping[str, Any] = json.loads(text)
    kind = product["product"]["attributes"].get("instanceType")
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = float(dimension["pricePerUnit"].get("USD", 0))
            # Reserved capacity is listed at zero beside the price that is paid.
            if kind and usd > 0 and dimension["unit"] == "Hrs":
                yield kind, usd
