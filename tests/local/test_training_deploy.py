"""A training fleet is deployed, waits for its block, trains in it and leaves in time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from peakfleet_local import LocalAws, deploy
from peakfleet_local.groups import Reservation, reservations_installed

ROOT = Path(__file__).resolve().parents[2]
BLOCK = "cr-0123456789abcdef0"
KIND = "trn1.32xlarge"
ZONE = "us-east-1a"
HOUR = 3600
APP = f"""
import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2, aws_s3 as s3
from peakfleet import CapacityBlock, CapacityPool, Checkpoints, TrainingFleet

stack = cdk.Stack(cdk.App(), "Lab")
isolated = ec2.SubnetConfiguration(name="Trn", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
vpc = ec2.Vpc(stack, "Network", availability_zones=["{ZONE}"], subnet_configuration=[isolated])
TrainingFleet(
    stack, "Search", vpc=vpc, machines=CapacityPool.trainium("{KIND}", max_instances=3),
    command="bash /opt/train/start.sh",
    checkpoints=Checkpoints.in_bucket(s3.Bucket(stack, "Runs"), prefix="search/1"),
    reservation=CapacityBlock.of("{BLOCK}"))
stack.node.root.synth()
"""


@pytest.fixture(name="tick")
def _tick(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return what lets a minute pass and the deployed function decide; it returns the reason."""
    monkeypatch.setenv("CDK_VALIDATION", "false")
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}))
    cdk = str(ROOT / "node_modules" / ".bin" / "cdk")
    deploy(aws, app_directory=tmp_path, cdk_command=[cdk], on_output=lambda _: None)

    def tick() -> str:
        aws.world.advance(60)
        (answer,) = aws.fire_schedules(int(aws.world.now_epoch_seconds)).values()
        return str(answer["reason"])

    return tick


def test_the_deployed_gang_waits_for_its_block_trains_and_leaves_it_in_time(
    aws: LocalAws, tick: Callable[[], str]
) -> None:
    aws.world.boot_seconds = 60
    with reservations_installed(aws.world) as reservations:
        starts_at = aws.world.now_epoch_seconds + 90
        reservations.reserve(
            Reservation(
                reservation_id=BLOCK,
                instance_type=KIND,
                zone=ZONE,
                instances=3,
                starts_at=starts_at,
                ends_at=starts_at + 3 * HOUR,
            )
        )
        assert tick() == "reservation-not-active"
        assert [tick() for _ in range(3)] == ["ready", "complete", "running"]
        assert len(aws.world.machines) == 3
        aws.world.advance_to(starts_at + 3 * HOUR - 41 * 60)
        assert tick() == "reservation-ends"
        (group,) = aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        assert group["DesiredCapacity"] == 0
        aws.world.advance(300)
        assert not [one for one in aws.world.machines.values() if one.billed]
