"""LaunchInstances answers at once with what came and what did not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from peakfleet_local import World
from tests.local.deployed import Json
from tests.local.groups import REGION, ZONES, scene

NO_RETRIES: Json = {"total_max_attempts": 1}

SPOT = {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0}


def test_what_is_launched_is_named_boots_in_its_zone_and_raises_desired_capacity() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        answer = it.launch(3, AvailabilityZones=[ZONES[1]])
        [found] = answer["Instances"]
        assert answer["Errors"] == []
        assert (found["InstanceType"], found["MarketType"]) == ("c8g.large", "OnDemand")
        assert found["SubnetId"] in it.subnets
        assert {i["InstanceId"] for i in it.staying()} == set(found["InstanceIds"])
        assert {i["AvailabilityZone"] for i in it.staying()} == {ZONES[1]}
        assert it.describe()["DesiredCapacity"] == 3
        assert it.states() == {"Pending": 3}
        it.world.advance(90)
        assert it.states() == {"InService": 3}


def test_desired_capacity_grows_only_by_what_came() -> None:
    with scene() as it:
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=2)
        answer = it.launch(5)
        assert len(answer["Instances"][0]["InstanceIds"]) == 2
        [error] = answer["Errors"]
        assert error["ErrorCode"] == "InsufficientInstanceCapacity"
        assert (error["InstanceType"], error["AvailabilityZone"]) == ("c8g.large", ZONES[0])
        assert it.describe()["DesiredCapacity"] == 2
        it.world.advance(600)
        assert len(it.staying()) == 2


def test_what_one_type_cannot_give_the_next_one_gives_in_the_same_call() -> None:
    with scene(weights={"c8g.large": None, "c7g.large": None}) as it:
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=1)
        answer = it.launch(3)
        launched = {i["InstanceType"]: len(i["InstanceIds"]) for i in answer["Instances"]}
        assert launched == {"c8g.large": 1, "c7g.large": 2}
        assert [e["InstanceType"] for e in answer["Errors"]] == ["c8g.large"]


def test_a_group_may_go_on_trying_what_failed() -> None:
    with scene() as it:
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=0)
        answer = it.launch(2, RetryStrategy="retry-with-group-configuration")
        assert answer["Errors"][0]["ErrorCode"] == "InsufficientInstanceCapacity"
        assert it.describe()["DesiredCapacity"] == 2
        assert len(it.staying()) == 2
        assert ZONES[0] not in {i["AvailabilityZone"] for i in it.staying()}


def test_a_request_that_is_repeated_launches_once() -> None:
    with scene() as it:
        again = {"client_token": "once"}
        first = it.launch(2, **again)
        assert it.launch(2, **again)["Instances"] == first["Instances"]
        assert len(it.staying()) == it.describe()["DesiredCapacity"] == 2
        with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
            it.launch(3, **again)


def test_weights_are_points_of_capacity() -> None:
    with scene(weights={"c8g.xlarge": 4}) as it:
        answer = it.launch(6)
        assert len(answer["Instances"][0]["InstanceIds"]) == 2
        assert it.describe()["DesiredCapacity"] == 8


@pytest.mark.parametrize(
    ("distribution", "market"), [(SPOT, "Spot"), ({**SPOT, "OnDemandBaseCapacity": 9}, None)]
)
def test_a_group_must_buy_in_one_way_only(distribution: Json, market: str | None) -> None:
    with scene(distribution=distribution) as it:
        if market is None:
            with pytest.raises(ClientError, match="mixes On-Demand and Spot"):
                it.launch(1)
        else:
            assert it.launch(1)["Instances"][0]["MarketType"] == market


@pytest.mark.parametrize(
    ("capacity", "more", "text"),
    [
        (21, {}, "above max value 20"),
        (1, {"AvailabilityZones": ["us-east-1f"]}, "does not belong to the group"),
        (1, {"SubnetIds": []}, "must be specified for a group with multiple"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    capacity: int, more: dict[str, Json], text: str
) -> None:
    with scene() as it:
        with pytest.raises(ClientError, match=text) as refused:
            it.launch(capacity, **more)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert it.describe()["DesiredCapacity"] == len(it.staying()) == 0


def test_at_most_a_hundred_instances_are_launched_by_one_request() -> None:
    with scene(maximum=200) as it, pytest.raises(ClientError, match="At most 100 instances"):
        it.launch(101)


def test_a_group_of_one_zone_needs_no_zone() -> None:
    with scene(zones=ZONES[:1]) as it:
        assert len(it.launch(1, SubnetIds=[])["Instances"]) == 1


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda w, _: w.break_image("ami-00000001"), "InvalidAMIID.NotFound"),
        (lambda w, g: w.break_template(g), "InvalidLaunchTemplateId.NotFound"),
        (lambda w, g: w.deny_launches(g), "UnauthorizedOperation"),
        (lambda w, _: w.set_quota(purchase="on-demand", instances=0), "VcpuLimitExceeded"),
        (
            lambda w, _: w.limit_addresses(zone=ZONES[0], addresses=0),
            "InsufficientFreeAddressesInSubnet",
        ),
    ],
)
def test_every_way_to_fail_has_its_code(break_it: Json, code: str) -> None:
    with scene() as it:
        break_it(it.world, it.group)
        answer = it.launch(2)
        assert [e["ErrorCode"] for e in answer["Errors"]] == [code]
        assert it.world.launch_attempts == {(it.group, code): 1}
        assert it.describe()["DesiredCapacity"] == 0


def test_spot_has_a_quota_of_its_own() -> None:
    with scene(distribution=SPOT) as it:
        it.world.set_quota(purchase="spot", instances=2)
        answer = it.launch(3)
        assert len(answer["Instances"][0]["InstanceIds"]) == 2
        assert answer["Errors"][0]["ErrorCode"] == "MaxSpotInstanceCountExceeded"


def test_while_a_call_waits_for_ec2_its_token_is_in_progress_and_nothing_else_waits() -> None:
    with scene() as it:
        waiting, released, once = Event(), Event(), {"client_token": "once"}

        def wait() -> None:
            waiting.set()
            released.wait(60)

        it.world.wait_for_ec2 = wait
        with ThreadPoolExecutor(1) as elsewhere:
            first = elsewhere.submit(lambda: it.launch(2, **once))
            assert waiting.wait(60)
            plain = boto3.client("autoscaling", REGION, config=Config(retries=NO_RETRIES))
            with pytest.raises(ClientError) as refused:
                plain.launch_instances(
                    AutoScalingGroupName=it.group,
                    RequestedCapacity=2,
                    ClientToken="once",
                    AvailabilityZones=[ZONES[0]],
                )
            with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
                it.launch(3, **once)
            assert it.describe()["DesiredCapacity"] == 0
            released.set()
        answer = refused.value.response
        assert answer["Error"]["Code"] == "IdempotentCallInProgress"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 500
        again = it.launch(2, **once)
        assert again["Instances"] == first.result()["Instances"]
        assert len(it.staying()) == it.describe()["DesiredCapacity"] == 2
