"""What Spot costs, for fleets whose spend is limited: asked for once an hour, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.clients import Clients
from peakfleet_planner import FleetSpec, PoolReading, SpotPrices

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SpotPriceTypeDef

OPERATION = "DescribeSpotPriceHistory"
READ_AGAIN_SECONDS = 3600


def read_spot_prices(
    spec: FleetSpec,
    readings: Sequence[PoolReading],
    known: SpotPrices | None,
    *,
    now_epoch_seconds: int,
    clients: Clients,
    calls: Calls,
) -> SpotPrices | None:
    """Return what Spot costs: what is known, or what AWS says now if that is an hour old.

    Args:
        spec: The fleet. Without a pool of Spot whose spend is limited nothing is read.
        readings: Its groups, in whose zones the price counts; the dearest one does.
        known: What was read last.
        now_epoch_seconds: The tick's time.
        clients: AWS; the client of EC2, whose making takes a while, is made only if it is asked.
        calls: Where failures are noted. What is known stays then, as long as it says something.
    """
    bought = [one for one in spec.pools if one.most_usd_per_capacity_hour is not None]
    types: list[Any] = sorted({kind for pool in bought for kind in pool.instance_types})
    if not spec.spend_limits or not types:
        return None
    age = now_epoch_seconds - known.at_epoch_seconds if known else -1
    if known and 0 <= age < READ_AGAIN_SECONDS and known.usd_by_type.keys() >= set(types):
        return known
    names = {pool.name for pool in bought}
    zones = {zone for one in readings if one.name in names for zone in one.zones}
    now = datetime.fromtimestamp(now_epoch_seconds, UTC)
    listed = calls.listed(
        OPERATION,
        spec.fleet,
        clients.ec2.get_paginator("describe_spot_price_history").paginate(
            InstanceTypes=types,
            ProductDescriptions=["Linux/UNIX"],
            StartTime=now,
            EndTime=now,
        ),
        "SpotPriceHistory",
    )
    read = calls.reading(OPERATION, spec.fleet, lambda: _dearest(listed.found, zones))
    if not listed.complete or not read:
        return known
    return SpotPrices(at_epoch_seconds=now_epoch_seconds, usd_by_type=read)


def _dearest(prices: Sequence[SpotPriceTypeDef], zones: set[str]) -> dict[str, float]:
    """Return the highest price of each type.

    Raises:
        ValueError: A price is none.
    """
    dearest: dict[str, float] = {}
    for one in prices:
        if zones and one["AvailabilityZone"] not in zones:
            continue
        kind, usd = str(one["InstanceType"]), float(one["SpotPrice"])
        if not 0 < usd < inf:
            raise ValueError(f"the price of {kind} must be above zero, got {usd}")
        dearest[kind] = max(usd, dearest.get(kind, 0.0))
    return dearest
