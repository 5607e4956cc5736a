"""Machines leave groups, and groups change, as in AWS."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from peakfleet_local import World
from tests.local.groups import ZONES, scene


def test_scale_in_ends_the_oldest_machines_of_the_fullest_zone_after_a_while() -> None:
    with scene(zones=ZONES[:1], world=World(boot_seconds=0, terminate_seconds=60)) as it:
        it.set_desired(1)
        oldest = it.staying()[0]["InstanceId"]
        it.world.advance(300)
        it.set_desired(3)
        it.set_desired(2)
        leaving = [i for i in it.describe()["Instances"] if i["LifecycleState"] == "Terminating"]
        assert [i["InstanceId"] for i in leaving] == [oldest]
        it.world.advance(60)
        assert it.states() == {"InService": 2}
        assert oldest not in str(it.ec2.describe_instances()["Reservations"])


def test_scale_in_may_end_the_newest_machine_instead() -> None:
    with scene(zones=ZONES[:1], TerminationPolicies=["NewestInstance"]) as it:
        it.set_desired(1)
        oldest = it.staying()[0]["InstanceId"]
        it.world.advance(300)
        it.set_desired(3)
        it.set_desired(1)
        assert [i["InstanceId"] for i in it.staying()] == [oldest]


def test_protected_instances_are_not_scaled_in() -> None:
    with scene(NewInstancesProtectedFromScaleIn=True) as it:
        it.set_desired(3)
        it.set_desired(0)
        assert it.describe()["DesiredCapacity"] == 0
        assert len(it.staying()) == 3


def test_a_machine_that_ends_outside_the_group_is_replaced() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        it.set_desired(2)
        it.world.advance(90)
        it.ec2.terminate_instances(InstanceIds=[it.staying()[0]["InstanceId"]])
        assert it.states() == {"InService": 1, "Pending": 1}


def test_ending_a_machine_with_decrement_lowers_desired_capacity() -> None:
    with scene() as it:
        it.set_desired(2)
        it.terminate_one()
        assert it.describe()["DesiredCapacity"] == 1
        assert it.states() == {"Pending": 1, "Terminating": 1}


def test_ending_a_machine_below_the_minimum_is_refused() -> None:
    with scene(minimum=1) as it, pytest.raises(ClientError, match="min size constraint"):
        it.terminate_one()


def test_a_raised_minimum_raises_capacity_and_a_lowered_maximum_lowers_it() -> None:
    with scene() as it:
        it.set_desired(5)
        it.update(MinSize=7)
        assert len(it.staying()) == it.describe()["DesiredCapacity"] == 7
        it.update(MinSize=0, MaxSize=3)
        assert len(it.staying()) == it.describe()["DesiredCapacity"] == 3


def test_an_update_of_something_else_leaves_capacity_and_types_alone() -> None:
    with scene(weights={"c8g.large": 2}) as it:
        it.set_desired(6)
        before = it.describe()
        it.update(MaxSize=50)
        after = it.describe()
        assert after["Instances"] == before["Instances"]
        assert after["MixedInstancesPolicy"] == before["MixedInstancesPolicy"]


def test_a_deleted_group_leaves_no_machine_and_no_claim_on_capacity() -> None:
    with scene(minimum=2) as it:
        it.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=it.group, ForceDelete=True)
        it.world.advance(600)
        assert it.world.machines == {}
        assert it.world.machines_of(it.group) == []


def test_a_deleted_group_ends_busy_machines_too_and_that_is_seen() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(3)
        it.world.set_busy(it.group, share=0.5)
        running = {i["InstanceId"] for i in it.staying()}
        it.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=it.group, ForceDelete=True)
        assert {ending.instance_id for ending in it.world.endings} == running
        assert sum(ending.busy for ending in it.world.endings) == 2
        assert it.ec2.describe_instances()["Reservations"] == []


def test_the_targets_of_a_load_balancer_are_the_machines_that_stay() -> None:
    with scene(zones=ZONES[:1], world=World(boot_seconds=0)) as it:
        balancing = boto3.client("elbv2", "us-east-1")
        vpc = it.ec2.describe_subnets(SubnetIds=[it.subnets])["Subnets"][0]["VpcId"]
        arn = balancing.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        it.create(TargetGroupARNs=[arn])

        def targets() -> set[str]:
            health = balancing.describe_target_health(TargetGroupArn=arn)
            return {t["Target"]["Id"] for t in health["TargetHealthDescriptions"]}

        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=1)
        it.set_desired(3)
        assert len(targets()) == 1
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=None)
        it.world.advance(60)
        assert targets() == {i["InstanceId"] for i in it.staying()}
        it.set_desired(2)
        assert targets() == {i["InstanceId"] for i in it.staying()}
        assert len(targets()) == 2


def test_the_addresses_of_ended_machines_are_free_again() -> None:
    with scene(zones=ZONES[:1], cidr_bits=28, world=World(boot_seconds=0)) as it:
        for _ in range(15):
            it.set_desired(1)
            it.world.advance(60)
            it.set_desired(0)
            it.world.advance(60)
        subnet = it.ec2.describe_subnets(SubnetIds=[it.subnets])["Subnets"][0]
        assert subnet["AvailableIpAddressCount"] == 11
        it.set_desired(1)
        it.ec2.terminate_instances(InstanceIds=[it.staying()[0]["InstanceId"]])
        assert len(it.staying()) == 1


def test_a_full_subnet_launches_no_more_and_says_why() -> None:
    with scene(zones=ZONES[:1], cidr_bits=28, world=World(boot_seconds=0)) as it:
        it.set_desired(15)
        assert len(it.staying()) == 11
        assert "InsufficientFreeAddressesInSubnet" in it.activities()[0]["StatusMessage"]
        it.set_desired(5)
        it.world.advance(120)
        it.set_desired(11)
        assert len(it.staying()) == 11
