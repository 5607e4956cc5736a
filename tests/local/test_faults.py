"""Launches that fail, machines that fail, Spot that is taken back, calls that are refused."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from peakfleet_local import Behaviour, World
from peakfleet_local.testing import in_process_aws
from tests.local.deployed import Client, Json
from tests.local.groups import REGION, ZONES, Scene, scene

SPOT = {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0}


@pytest.mark.parametrize("broken", ["image", "template"])
def test_a_broken_launch_is_told_and_tried_again_until_it_is_mended(broken: str) -> None:
    with scene(world=World(boot_seconds=0)) as it:

        def break_it(*, yes: bool) -> None:
            if broken == "image":
                it.world.break_image("ami-00000001", broken=yes)
            else:
                it.world.break_template(it.group, broken=yes)

        break_it(yes=True)
        it.set_desired(1)
        it.world.advance(60)
        told = it.events("EC2 Instance Launch Unsuccessful")
        assert len(told) == 2
        assert told[0]["detail"]["AutoScalingGroupName"] == it.group
        assert told[0]["detail"]["StatusMessage"] == it.activities()[0]["StatusMessage"]
        assert "does not exist" in told[0]["detail"]["StatusMessage"]
        assert json.loads(it.activities()[0]["Details"]) == told[0]["detail"]["Details"]
        break_it(yes=False)
        it.world.advance(60)
        assert it.states() == {"InService": 1}


def test_another_template_version_launches_while_an_image_is_broken() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.world.break_image("ami-00000001")
        it.ec2.create_launch_template_version(
            LaunchTemplateId=it.template,
            SourceVersion="1",
            LaunchTemplateData={"ImageId": "ami-03cf127a", "InstanceType": "c8g.large"},
        )
        policy = it.describe()["MixedInstancesPolicy"]
        policy["LaunchTemplate"]["LaunchTemplateSpecification"] = {
            "LaunchTemplateId": it.template,
            "Version": "2",
        }
        it.update(MixedInstancesPolicy=policy)
        it.set_desired(1)
        assert len(it.staying()) == 1


def failing(it: Scene, behaviour: Behaviour) -> None:
    it.world.set_behaviour(it.group, behaviour)
    it.set_desired(1)
    it.world.advance(it.world.boot_seconds)


def test_a_machine_that_never_gets_healthy_serves_nothing_and_is_replaced_after_grace() -> None:
    with scene(world=World(boot_seconds=90), HealthCheckGracePeriod=120) as it:
        failing(it, Behaviour(becomes_ready=False))
        assert it.states() == {"InService": 1}
        assert it.world.in_service(it.group) == 0
        it.world.advance(119)
        assert it.staying()[0]["HealthStatus"] == "Healthy"
        it.world.set_behaviour(it.group, Behaviour())
        it.world.advance(1)
        assert it.states() == {"Terminating": 1, "Pending": 1}
        it.world.advance(90)
        assert it.world.in_service(it.group) == 1


def test_a_machine_that_fails_later_serves_until_then() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        failing(it, Behaviour(fails_after_seconds=600))
        assert it.world.in_service(it.group) == 1
        it.world.advance(600)
        assert it.world.in_service(it.group) == 0
        assert it.states() == {"Terminating": 1, "Pending": 1}


def test_unhealthy_machines_stay_while_replacing_is_suspended() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        process = {"AutoScalingGroupName": it.group, "ScalingProcesses": ["ReplaceUnhealthy"]}
        it.autoscaling.suspend_processes(**process)
        [shown] = it.describe()["SuspendedProcesses"]
        assert shown["ProcessName"] == "ReplaceUnhealthy"
        failing(it, Behaviour(becomes_ready=False))
        it.world.advance(600)
        assert [i["HealthStatus"] for i in it.staying()] == ["Unhealthy"]
        it.autoscaling.resume_processes(**process)
        it.world.advance(60)
        assert it.describe()["SuspendedProcesses"] == []
        assert [i["HealthStatus"] for i in it.staying()] == ["Healthy"]


def test_a_group_may_take_a_while_to_replace_what_is_unhealthy() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(1)
        it.world.replacement_seconds = 90
        (key,) = (i["InstanceId"] for i in it.staying())
        it.autoscaling.set_instance_health(InstanceId=key, HealthStatus="Unhealthy")
        it.world.advance(89)
        assert [i["HealthStatus"] for i in it.staying()] == ["Unhealthy"]
        it.world.advance(1)
        assert [i["InstanceId"] for i in it.staying()] != [key]


def test_a_machine_that_is_called_unhealthy_is_replaced() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(1)
        key = it.staying()[0]["InstanceId"]
        it.autoscaling.set_instance_health(InstanceId=key, HealthStatus="Unhealthy")
        assert [i["InstanceId"] != key for i in it.staying()] == [True]


@pytest.mark.parametrize("process", ["Launch", "Terminate"])
def test_a_suspended_process_does_nothing_until_it_is_resumed(process: str) -> None:
    with scene(world=World(boot_seconds=0)) as it:
        before, after = (0, 2) if process == "Launch" else (2, 0)
        it.set_desired(before)
        name = {"AutoScalingGroupName": it.group, "ScalingProcesses": [process]}
        it.autoscaling.suspend_processes(**name)
        it.set_desired(after)
        it.world.advance(60)
        assert len(it.staying()) == before
        it.autoscaling.resume_processes(**name)
        it.world.advance(60)
        assert len(it.staying()) == after


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        (lambda w: w.set_quota(purchase="on-demand", instances=2), "VcpuLimitExceeded"),
        (
            lambda w: w.limit_addresses(zone=ZONES[0], addresses=2),
            "InsufficientFreeAddressesInSubnet",
        ),
    ],
)
def test_a_group_runs_into_quotas_and_addresses_too(limit: Json, code: str) -> None:
    with scene(zones=ZONES[:1]) as it:
        limit(it.world)
        it.set_desired(3)
        assert len(it.staying()) == 2
        assert code in it.activities()[0]["StatusMessage"]
        assert it.world.launch_attempts == {(it.group, "launched"): 2, (it.group, code): 1}


def test_spot_is_recommended_to_leave_warned_and_gone_two_minutes_later() -> None:
    with scene(distribution=SPOT, world=World(boot_seconds=0)) as it:
        it.set_desired(4)
        gone = it.world.reclaim(share=0.3, recommended_seconds_before=300)
        assert len(gone) == 2
        told = it.events("EC2 Instance Rebalance Recommendation")
        assert [e["detail"]["instance-id"] for e in told] == list(gone)
        it.world.advance(299)
        assert it.events("EC2 Spot Instance Interruption Warning") == []
        it.world.advance(1)
        warned = it.events("EC2 Spot Instance Interruption Warning")
        assert [e["detail"]["instance-id"] for e in warned] == list(gone)
        it.world.advance(119)
        assert set(gone) <= {i["InstanceId"] for i in it.staying()}
        it.world.set_busy(it.group, share=1)
        it.world.advance(1)
        assert set(gone).isdisjoint(i["InstanceId"] for i in it.describe()["Instances"])
        assert len(it.staying()) == 4
        assert [(e.instance_id, e.busy) for e in it.world.endings] == [(g, True) for g in gone]


def test_a_reclaim_waits_for_no_hook_and_takes_no_on_demand() -> None:
    with scene(distribution=SPOT, world=World(boot_seconds=0)) as it:
        it.put_hook("TERMINATING")
        it.world.set_behaviour(it.group, Behaviour(drain_seconds=3600))
        it.set_desired(1)
        it.world.advance(0)
        [key] = it.world.reclaim(share=1)
        it.terminate_one()
        assert it.states() == {"Terminating:Wait": 1}
        it.world.advance(120)
        assert it.states() == {}
        assert [(e.instance_id, e.busy) for e in it.world.endings] == [(key, True)]
        it.create()
        it.set_desired(1)
        assert it.world.reclaim(share=1) == ()


@pytest.mark.parametrize(
    ("service", "code", "status", "call"),
    [
        ("autoscaling", "Throttling", 400, lambda c: c.describe_auto_scaling_groups()),
        ("ec2", "RequestLimitExceeded", 503, lambda c: c.describe_instances()),
        ("cloudwatch", "Throttling", 400, lambda c: c.describe_alarms()),
        ("dynamodb", "ThrottlingException", 400, lambda c: c.list_tables()),
        ("lambda", "TooManyRequestsException", 429, lambda c: c.list_functions()),
        ("scheduler", "ThrottlingException", 429, lambda c: c.list_schedules()),
    ],
)
def test_a_throttled_service_answers_with_its_own_error_until_its_time(
    service: str, code: str, status: int, call: Json
) -> None:
    with in_process_aws(world=World(now_epoch_seconds=0)) as world:
        client: Client = boto3.client(
            service, REGION, config=Config(retries={"total_max_attempts": 1})
        )
        world.throttle(service, until_epoch_seconds=600)
        with pytest.raises(ClientError) as refused:
            call(client)
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        world.advance(600)
        call(client)
        assert sum(world.calls.values()) == 2


def test_one_action_can_be_throttled_alone() -> None:
    with scene() as it:
        until = it.world.now_epoch_seconds + 60
        it.world.throttle("autoscaling", "SetDesiredCapacity", until_epoch_seconds=until)
        with pytest.raises(ClientError, match="Throttling"):
            it.set_desired(1)
        assert it.describe()["DesiredCapacity"] == 0


def test_the_machines_of_a_failed_zone_serve_nothing_and_are_replaced() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(6)
        failed = set(it.world.fail_zone(ZONES[0]))
        assert len(failed) == 2
        assert it.world.in_service(it.group) == 4
        it.world.advance(59)
        assert failed <= {i["InstanceId"] for i in it.staying()}
        it.world.advance(1)
        assert not failed & {i["InstanceId"] for i in it.staying()}
        assert it.world.in_service(it.group) == 6
