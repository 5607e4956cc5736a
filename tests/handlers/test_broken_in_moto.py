"""Broken templates and lost events against moto, with groups that refuse and try again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from peakfleet_planner import FleetSpec, PoolSpec
from tests.handlers.account import Account, of
from tests.handlers.scenes import FLEET

GOOD, BROKEN = "ami-12c6146b", "ami-04681a1dbd79675a5"
ROLLING = replace(FLEET, broken_image="roll-back")


def deploy(image: str) -> None:
    """Give the first group a new version of its launch template, as a deployment does."""
    template = of("ec2").create_launch_template_version(
        LaunchTemplateId=policy()["LaunchTemplateSpecification"]["LaunchTemplateId"],
        LaunchTemplateData={"ImageId": image, "InstanceType": "c7g.large"},
    )["LaunchTemplateVersion"]
    named = {
        "LaunchTemplateId": template["LaunchTemplateId"],
        "Version": str(template["VersionNumber"]),
    }
    of("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName="g",
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": named,
                "Overrides": [{"InstanceType": "c7g.large"}],
            }
        },
    )


def policy() -> dict[str, Any]:
    (group,) = of("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["g"])[
        "AutoScalingGroups"
    ]
    return dict(group["MixedInstancesPolicy"]["LaunchTemplate"])


def version() -> str:
    return str(policy()["LaunchTemplateSpecification"]["Version"])


def tick_of_next_minute(account: Account, spec: FleetSpec = ROLLING) -> dict[str, Any]:
    account.world.advance(60)
    account.put(155)
    return account.tick(spec)


def test_a_broken_image_goes_back_to_the_version_before_and_serves(account: Account) -> None:
    deploy(BROKEN)
    account.world.break_image(BROKEN)
    account.put(155)
    account.tick(ROLLING)
    said = tick_of_next_minute(account)
    assert said["applied"]["rolled_back"] == {"Graviton": 1}
    assert version() == "1"
    assert policy()["Overrides"] == [{"InstanceType": "c7g.large"}]
    assert account.desired() == {"g": 0, "x": 6}
    account.put(255)
    account.world.advance(60)
    account.put(255)
    account.tick(ROLLING)
    assert account.desired()["g"] > 0
    account.world.advance(180)
    account.put(255)
    assert account.tick(ROLLING)["serving_units"] > 60


def test_a_version_that_is_deployed_later_is_launched_again(account: Account) -> None:
    deploy(BROKEN)
    account.world.break_image(BROKEN)
    account.put(155)
    account.tick(ROLLING)
    tick_of_next_minute(account)
    deploy(GOOD)
    assert tick_of_next_minute(account)["applied"]["rolled_back"] == {}
    assert version() == "3"


@pytest.mark.parametrize("cause", ["quota", "no-addresses", "no-capacity"])
def test_without_any_event_the_next_tick_lowers_what_cannot_be_met(
    account: Account, cause: str
) -> None:
    typed: tuple[PoolSpec, ...] = tuple(
        replace(pool, instance_types=(name,))
        for pool, name in zip(FLEET.pools, ("c7g.large", "c7i.large"), strict=True)
    )
    spec = replace(FLEET, pools=typed)
    if cause == "quota":
        account.world.set_quota(purchase="on-demand", instances=2)
    for zone in ("us-east-1a", "us-east-1b"):
        if cause == "no-addresses":
            account.world.limit_addresses(zone=zone, addresses=1)
        if cause == "no-capacity":
            account.world.limit_capacity(instance_type="c7g.large", zone=zone, instances=1)
    account.put(155)
    account.tick(spec)
    assert account.desired() == {"g": 6, "x": 0}
    said = tick_of_next_minute(account, spec)
    assert account.calls["DescribeScalingActivities"] == 1
    assert account.desired() == {"g": 2, "x": 4}
    assert said["pools"][0]["outage"] == cause
