"""List prices on demand, from the AWS Price List Query API."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from peakfleet_cli.prices.pages import Paging, RefreshError, clear_refusals

PRICE_LIST_REGION = "us-east-1"
"""Where the Price List Query API answers; it knows the prices of every region."""
_LINUX = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}


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
        for field, value in {**_LINUX, "regionCode": region}.items()
    ]
    with clear_refusals("pricing:GetProducts"):
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonEC2", Filters=filters
        )
        prices = dict(
            found for page in pages for text in page["PriceList"] for found in _price(text)
        )
    if not prices:
        raise RefreshError(f"the AWS Price List has no prices of Linux instances in {region}")
    return {kind: prices[kind] for kind in sorted(instance_types) if kind in prices}


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
