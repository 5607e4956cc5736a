"""Spot prices, from EC2's history of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean

from peakfleet_cli.prices.pages import Paging, clear_refusals

_LINUX = ["Linux/UNIX"]


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
    with clear_refusals("ec2:DescribeSpotPriceHistory"):
        pages = client.get_paginator("describe_spot_price_history").paginate(
            ProductDescriptions=_LINUX, StartTime=start, EndTime=now
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
