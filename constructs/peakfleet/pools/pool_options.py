"""Options that all pools share, documented once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2

from peakfleet.pools.purchase import Purchase
from peakfleet.pools.warm_pool import WarmPool


class PoolOptions(TypedDict, total=False):
    """What all factories of `CapacityPool` accept besides their own arguments.

    Args:
        name: Unique within the fleet, and the same for as long as the pool exists: another name
            makes another group. Default: the chip, however the pool is bought. Of two pools of a
            chip one needs a name, unless only one of them is on Spot: that one has `Spot` behind
            the chip as long as the other one is there.
        min_instances: Instances that are always kept. Default: 0.
        purchase: How they are bought. Default: on demand.
        boot: From the launch to serving. Default: 3 minutes.
        usd_per_hour: Price of one instance, for all types or for each; needed for
            `cheapest_first` and for reports. Default: the list price on demand; on Spot that of
            the price file which `peakfleet prices refresh` writes; else unknown.
        user_data: What they run at boot. Default: the fleet's.
        root_volume_gib: Size of the encrypted gp3 root volume, at least the image's own.
            Default: 20.
        root_device: The root device's name in the image. Default: `/dev/sda1` for the images of
            Ubuntu, Red Hat, SUSE and Windows that are known by their SSM parameter, else
            `/dev/xvda`.
        warm: Instances that have booted once and wait. Default: none.
    """

    name: str | None
    min_instances: int
    purchase: Purchase | None
    boot: Duration
    usd_per_hour: float | Mapping[str, float] | None
    user_data: ec2.UserData | None
    root_volume_gib: int
    root_device: str | None
    warm: WarmPool | None
