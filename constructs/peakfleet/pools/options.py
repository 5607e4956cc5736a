"""Options that all factories of `CapacityPool` share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Required, TypedDict, cast

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool


class PoolOptions(TypedDict, total=False):
    """What all factories of `CapacityPool` accept besides their own arguments.

    Args:
        name: Unique within the fleet. Default: the chip, with `Spot` where it is bought so.
        min_instances: Instances that are always kept. Default: 0.
        purchase: How they are bought. Default: on demand.
        boot: From the launch to serving. Default: 3 minutes.
        usd_per_hour: Price of one instance, for all types or for each. Default: the list price
            on demand, or that of the app's price file; unknown where neither has one.
        user_data: What they run at boot. Default: the fleet's.
        root_volume_gib: Size of the encrypted gp3 root volume, at least the image's own.
            Default: 20.
        root_device: The root device's name in the image. Default: `/dev/xvda`.
        warm: Instances that have booted once and wait. Default: none.
    """

    name: str | None
    min_instances: int
    purchase: Purchase | None
    boot: Duration
    usd_per_hour: float | Mapping[str, float] | None
    user_data: ec2.UserData | None
    root_volume_gib: int
    root_device: str
    warm: WarmPool | None


class GivenOptions(TypedDict, total=False):
    """The options that were given, under the pool's name."""

    name: Required[str]
    min_instances: int
    purchase: Purchase
    boot: Duration
    usd_per_hour: float | Mapping[str, float]
    user_data: ec2.UserData
    root_volume_gib: int
    root_device: str
    warm: WarmPool


def named(chip: str, options: PoolOptions) -> GivenOptions:
    """Return the options that were given, with the default name where there is none."""
    purchase = options.get("purchase") or Purchase.on_demand()
    given = {key: value for key, value in options.items() if value is not None}
    return cast("GivenOptions", {"name": f"{chip}Spot" if purchase.is_spot else chip, **given})
