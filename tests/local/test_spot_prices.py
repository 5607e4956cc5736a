"""What Spot costs on the local AWS."""

from __future__ import annotations

import boto3
from moto import mock_aws

from peakfleet_local.groups import installed
from peakfleet_local.world import World


def test_spot_costs_what_the_world_says_in_every_zone() -> None:
    with mock_aws(), installed(World()) as world:
        world.spot_usd["c8g.large"] = 0.031
        ec2 = boto3.client("ec2", region_name="us-east-1")
        found = ec2.describe_spot_price_history(
            InstanceTypes=["c8g.large", "c7g.large"], ProductDescriptions=["Linux/UNIX"]
        )["SpotPriceHistory"]
        zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {one["AvailabilityZone"] for one in found} == {one["ZoneName"] for one in zones}
    assert {(one["InstanceType"], float(one["SpotPrice"])) for one in found} == {
        ("c8g.large", 0.031)
    }
