"""What chips and reservations forbid a training fleet, refused where it was written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from peakfleet import (
    CapacityBlock,
    CapacityPool,
    Checkpoints,
    OffPeak,
    Purchase,
    SpecError,
    WarmPool,
)
from tests.infra.fleets import burst_fleet, new_stack
from tests.infra.gangs import BLOCK, training_fleet


def pool(*kinds: str, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.trainium(*kinds, max_instances=2, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {
                "machines": CapacityPool.inferentia("inf2.48xlarge", max_instances=2),
                "reservation": BLOCK,
            },
            "Media/Search: pool 'Inferentia': purchase is capacity-block, but inf2.48xlarge is",
        ),
        (
            {"machines": CapacityPool.inferentia("inf2.48xlarge", max_instances=2)},
            "instance types with trainium1 or trainium2 only, got inf2.48xlarge",
        ),
        (
            {"machines": pool("trn1n.32xlarge"), "reservation": BLOCK},
            "purchase is capacity-block, but trn1n.32xlarge is only sold on-demand or spot",
        ),
        (
            {"machines": pool("trn1.2xlarge")},
            "trn2.48xlarge, trn2u.48xlarge, or train on one machine",
        ),
        (
            {"machines": pool("trn1.2xlarge")},
            "trn1.2xlarge takes no Elastic Fabric Adapter and cannot train with others",
        ),
        (
            {"machines": pool("trn1.32xlarge", "trn1n.32xlarge")},
            "all machines of a gang are of one instance type, got trn1.32xlarge, trn1n.32xlarge",
        ),
        (
            {"machines": pool("trn1.32xlarge", warm=WarmPool.fixed(instances=1))},
            "none of its machines hibernates, waits in a warm pool or is always kept",
        ),
        (
            {"machines": pool("trn1.32xlarge", min_instances=1)},
            "leave warm and min_instances out",
        ),
        (
            {"machines": pool("trn1.32xlarge", purchase=Purchase.spot()), "reservation": BLOCK},
            "purchase is spot, but a reservation is never bought so",
        ),
        (
            {"machines": pool("trn1.32xlarge", user_data=ec2.UserData.for_linux())},
            "give user_data to the fleet, which puts the training after it",
        ),
        (
            {
                "machines": pool(
                    "trn1.32xlarge",
                    machine_image=ec2.MachineImage.latest_amazon_linux2023(
                        cpu_type=ec2.AmazonLinuxCpuType.ARM_64
                    ),
                )
            },
            "x86_64, as every host of Inferentia or Trainium is, but its machine image",
        ),
        (
            {"vpc_subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)},
            "a gang runs in one availability zone, got 2",
        ),
        ({"command": ""}, "command must be one line for a shell"),
        ({"command": "a\nb"}, "command must be one line for a shell"),
        ({"user_data": ec2.MultipartUserData()}, "user data in parts cannot be put before"),
        (
            {"reservation": BLOCK, "checkpoint_within": Duration.minutes(9)},
            "checkpoint_within must be at most 480 seconds, got 540",
        ),
        (
            {"complete_within": Duration.seconds(10)},
            "forming_seconds must be at least 60, got 10",
        ),
    ],
)
def test_what_the_chips_forbid_is_refused_where_it_was_written(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        training_fleet(new_stack(), **options)


def test_a_block_and_a_placement_group_exclude_each_other() -> None:
    stack = new_stack()
    near = ec2.PlacementGroup(stack, "Near", strategy=ec2.PlacementGroupStrategy.CLUSTER)
    with pytest.raises(SpecError, match="instances of a capacity block cannot be in one"):
        training_fleet(stack, reservation=BLOCK, placement_group=near)


def test_a_shared_reservation_brings_its_own_placement_group() -> None:
    stack = new_stack()
    near = ec2.PlacementGroup(stack, "Near", strategy=ec2.PlacementGroupStrategy.CLUSTER)
    guest = OffPeak.of("cr-0123456789abcdef0", priority=burst_fleet(stack), units_per_machine=64)
    with pytest.raises(SpecError, match=re.escape("give it to OffPeak.of")):
        training_fleet(stack, reservation=guest, placement_group=near)


@pytest.mark.parametrize("name", ["", "cr-", "block", "cr-0123456789ABCDEF0"])
def test_a_reservation_is_named_by_its_id(name: str) -> None:
    with pytest.raises(SpecError, match="the id of a capacity reservation is like cr-"):
        CapacityBlock.of(name)


def test_a_block_cannot_be_left_when_it_is_too_late() -> None:
    with pytest.raises(SpecError, match="leave_before_end must be at least 1920 seconds"):
        CapacityBlock.of("cr-0123456789abcdef0", leave_before_end=Duration.minutes(30))


@pytest.mark.parametrize("prefix", ["", "/", "search/", "it's"])
def test_a_prefix_that_makes_no_key_is_refused(prefix: str) -> None:
    bucket = s3.Bucket.from_bucket_name(new_stack(), "Runs", "the-runs")
    with pytest.raises(SpecError, match="checkpoints: prefix must be a key without a slash"):
        Checkpoints.in_bucket(bucket, prefix=prefix)
