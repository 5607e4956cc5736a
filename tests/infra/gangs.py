"""Stacks with a training fleet."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from peakfleet import CapacityBlock, CapacityPool, Checkpoints, TrainingFleet
from tests.infra.fleets import network

TRN2 = CapacityPool.trainium("trn2.48xlarge", max_instances=4)
BLOCK = CapacityBlock.of("cr-0123456789abcdef0")


def training_fleet(stack: Stack, **options: Any) -> TrainingFleet:  # noqa: ANN401  a fleet's own
    existing = stack.node.try_find_child("Network")
    vpc = existing if isinstance(existing, ec2.Vpc) else network(stack)
    bucket = s3.Bucket.from_bucket_name(stack, "Runs", "the-runs")
    given = {
        "vpc": vpc,
        "vpc_subnets": ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
        "machines": TRN2,
        "command": "bash /opt/train/start.sh",
        "checkpoints": Checkpoints.in_bucket(bucket, prefix="search/7"),
        **options,
    }
    return TrainingFleet(stack, "Search", **given)
