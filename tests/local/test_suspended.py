"""A suspended process of a group does nothing, and is resumed where it stopped."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from peakfleet_local import Behaviour, World
from tests.local.groups import ZONES, Scene, scene

FAILS = Behaviour(fails_after_seconds=100)


def suspend(it: Scene, *processes: str) -> None:
    it.autoscaling.suspend_processes(
        AutoScalingGroupName=it.group, ScalingProcesses=list(processes)
    )


def resume(it: Scene, *processes: str) -> None:
    it.autoscaling.resume_processes(AutoScalingGroupName=it.group, ScalingProcesses=list(processes))


def test_suspended_processes_are_reported() -> None:
    with scene() as it:
        assert it.describe()["SuspendedProcesses"] == []
        suspend(it, "Launch", "HealthCheck")
        names = {each["ProcessName"] for each in it.describe()["SuspendedProcesses"]}
        assert names == {"Launch", "HealthCheck"}
        resume(it, "Launch")
        assert [p["ProcessName"] for p in it.describe()["SuspendedProcesses"]] == ["HealthCheck"]


def test_without_launch_desired_capacity_grows_and_nothing_else_until_it_is_resumed() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        suspend(it, "Launch")
        it.set_desired(3)
        it.world.advance(600)
        assert (it.describe()["DesiredCapacity"], it.staying()) == (3, [])
        assert it.activities() == []
        with pytest.raises(ClientError, match="Launch process of the group is suspended"):
            it.launch(1)
        resume(it, "Launch")
        assert len(it.staying()) == 3


def test_without_launch_no_warm_pool_is_filled() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        suspend(it, "Launch")
        it.autoscaling.put_warm_pool(AutoScalingGroupName=it.group, MinSize=2)
        it.world.advance(600)
        assert it.describe()["WarmPoolSize"] == 0
        resume(it, "Launch")
        assert it.describe()["WarmPoolSize"] >= 2


def test_without_launch_unhealthy_instances_end_and_are_replaced_later() -> None:
    with scene(world=World(boot_seconds=0, terminate_seconds=0)) as it:
        it.set_desired(2)
        suspend(it, "Launch")
        victim = it.staying()[0]["InstanceId"]
        it.autoscaling.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
        it.world.advance(60)
        assert len(it.staying()) == 1
        resume(it, "Launch")
        assert len(it.staying()) == 2


def test_without_terminate_nothing_ends_until_it_is_resumed() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(3)
        suspend(it, "Terminate")
        it.set_desired(1)
        victim = it.staying()[0]["InstanceId"]
        it.autoscaling.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
        it.world.advance(600)
        assert len(it.staying()) == 3
        resume(it, "Terminate")
        assert len(it.staying()) == 1
        assert victim not in {i["InstanceId"] for i in it.staying()}


def test_without_health_checks_a_failed_instance_is_found_after_they_are_resumed() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.world.set_behaviour(it.group, FAILS)
        suspend(it, "HealthCheck")
        it.set_desired(1)
        failed = it.staying()[0]["InstanceId"]
        it.world.advance(900)
        assert [i["InstanceId"] for i in it.staying()] == [failed]
        resume(it, "HealthCheck")
        it.world.advance(120)
        assert failed not in {i["InstanceId"] for i in it.staying()}


def test_without_health_checks_a_person_may_still_call_an_instance_unhealthy() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        suspend(it, "HealthCheck")
        it.set_desired(1)
        victim = it.staying()[0]["InstanceId"]
        it.autoscaling.set_instance_health(InstanceId=victim, HealthStatus="Unhealthy")
        it.world.advance(60)
        assert victim not in {i["InstanceId"] for i in it.staying()}


def test_without_replacement_an_unhealthy_instance_stays_and_is_named() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.world.set_behaviour(it.group, FAILS)
        suspend(it, "ReplaceUnhealthy")
        it.set_desired(1)
        it.world.advance(900)
        [instance] = it.staying()
        assert instance["HealthStatus"] == "Unhealthy"
        resume(it, "ReplaceUnhealthy")
        assert instance["InstanceId"] not in {i["InstanceId"] for i in it.staying()}


def test_instances_launched_while_no_target_is_added_never_become_targets() -> None:
    with scene(zones=ZONES[:1], world=World(boot_seconds=0)) as it:
        balancing = boto3.client("elbv2", "us-east-1")
        vpc = it.ec2.describe_subnets(SubnetIds=[it.subnets])["Subnets"][0]["VpcId"]
        made = balancing.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        it.create(TargetGroupARNs=[arn])
        suspend(it, "AddToLoadBalancer")
        it.set_desired(2)
        early = {i["InstanceId"] for i in it.staying()}
        resume(it, "AddToLoadBalancer")
        it.set_desired(3)
        health = balancing.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        targets = {each["Target"]["Id"] for each in health}
        assert len(targets) == 1
        assert not targets & early
