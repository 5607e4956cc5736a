"""Instances wait beside their group, and serve sooner than those that boot."""

from __future__ import annotations

from collections import Counter

import pytest
from botocore.exceptions import ClientError

from peakfleet_local import Behaviour, World
from tests.local.deployed import Json
from tests.local.groups import ZONES, Scene, scene

SPOT = {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0}


def world() -> World:
    return World(boot_seconds=300, warm_start_seconds=30, terminate_seconds=60)


def put(it: Scene, **wanted: Json) -> None:
    it.autoscaling.put_warm_pool(AutoScalingGroupName=it.group, **wanted)


def pool(it: Scene) -> Counter[str]:
    found = it.autoscaling.describe_warm_pool(AutoScalingGroupName=it.group)
    return Counter(i["LifecycleState"] for i in found["Instances"])


@pytest.mark.parametrize(("state", "billed"), [("Stopped", 0), ("Running", 2)])
def test_a_warm_pool_boots_its_instances_once_and_lets_them_wait(state: str, billed: int) -> None:
    with scene(world=world()) as it:
        put(it, MaxGroupPreparedCapacity=2, PoolState=state)
        assert pool(it) == {"Warmed:Pending": 2}
        it.world.advance(300)
        assert pool(it) == {f"Warmed:{state}": 2}
        assert it.describe()["WarmPoolSize"] == 2
        assert it.describe()["Instances"] == []
        assert it.world.in_service(it.group) == 0
        assert sum(m.billed for m in it.world.machines_of(it.group)) == billed


@pytest.mark.parametrize(
    ("wanted", "desired", "size"),
    [
        ({"MaxGroupPreparedCapacity": 5}, 2, 3),
        ({"MaxGroupPreparedCapacity": 5}, 6, 0),
        ({"MaxGroupPreparedCapacity": 5, "MinSize": 1}, 6, 1),
        ({"MaxGroupPreparedCapacity": -1}, 2, 18),
        ({}, 2, 18),
    ],
)
def test_its_size_is_what_is_prepared_less_what_is_desired(
    wanted: Json, desired: int, size: int
) -> None:
    with scene(world=world()) as it:
        it.set_desired(desired)
        put(it, **wanted)
        assert pool(it).total() == size


def test_scale_out_takes_from_it_first_and_it_is_refilled() -> None:
    with scene(world=world()) as it:
        put(it, MaxGroupPreparedCapacity=2, MinSize=2)
        it.world.advance(300)
        it.set_desired(3)
        assert pool(it) == {"Warmed:Pending": 2}
        it.world.advance(30)
        assert it.states() == {"InService": 2, "Pending": 1}
        it.world.advance(270)
        assert it.states() == {"InService": 3}
        assert pool(it) == {"Warmed:Stopped": 2}


def test_a_group_has_its_own_time_to_start_what_waits() -> None:
    with scene(world=world()) as it:
        it.world.set_warm_start_seconds(group=it.group, seconds=5)
        put(it, MaxGroupPreparedCapacity=1)
        it.world.advance(300)
        it.set_desired(1)
        it.world.advance(5)
        assert it.states() == {"InService": 1}


def test_what_still_boots_for_the_pool_does_not_serve_yet() -> None:
    with scene(world=world()) as it:
        put(it, MaxGroupPreparedCapacity=1)
        it.set_desired(1)
        it.world.advance(299)
        assert it.world.in_service(it.group) == 0


def test_a_launch_hook_is_waited_for_on_the_way_in_and_on_the_way_out() -> None:
    with scene(world=world()) as it:
        it.put_hook("LAUNCHING")
        put(it, MaxGroupPreparedCapacity=1)
        assert pool(it) == {"Warmed:Pending:Wait": 1}
        it.world.advance(300)
        assert pool(it) == {"Warmed:Stopped": 1}
        it.set_desired(1)
        assert it.states() == {"Pending:Wait": 1}
        it.world.advance(30)
        assert it.states() == {"InService": 1}
        routes = [
            (e["detail"]["Origin"], e["detail"]["Destination"])
            for e in it.events("EC2 Instance-launch Lifecycle Action")
        ]
        assert routes == [("EC2", "WarmPool"), ("WarmPool", "AutoScalingGroup")]


def test_a_stopped_instance_starts_only_where_there_is_capacity() -> None:
    with scene(world=world(), zones=ZONES[:1]) as it:
        put(it, MinSize=1, MaxGroupPreparedCapacity=1)
        it.world.advance(300)
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=0)
        it.set_desired(1)
        assert it.staying() == []
        assert pool(it) == {"Warmed:Stopped": 1}


def test_a_smaller_pool_ends_what_is_too_much_and_none_ends_all() -> None:
    with scene(world=world()) as it:
        put(it, MaxGroupPreparedCapacity=3)
        it.world.advance(300)
        put(it, MaxGroupPreparedCapacity=1)
        it.world.advance(60)
        assert pool(it) == {"Warmed:Stopped": 1}
        it.autoscaling.delete_warm_pool(AutoScalingGroupName=it.group)
        it.world.advance(60)
        assert it.world.machines == {}
        assert "WarmPoolConfiguration" not in it.describe()


def test_the_instances_of_a_pool_are_instances_of_auto_scaling() -> None:
    with scene(world=world()) as it:
        put(it, MaxGroupPreparedCapacity=1)
        it.world.advance(300)
        [found] = it.autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        assert (found["LifecycleState"], found["AutoScalingGroupName"]) == (
            "Warmed:Stopped",
            it.group,
        )
        it.ec2.terminate_instances(InstanceIds=[found["InstanceId"]])
        assert found["InstanceId"] not in it.world.machines
        assert pool(it) == {"Warmed:Pending": 1}


def test_nothing_waits_on_spot() -> None:
    with scene(distribution=SPOT) as it, pytest.raises(ClientError, match="requests Spot"):
        put(it, MinSize=1)


def test_an_image_that_never_boots_never_settles_in_the_pool() -> None:
    with scene(world=world()) as it:
        it.put_hook("LAUNCHING", HeartbeatTimeout=600)
        it.world.set_behaviour(it.group, Behaviour(becomes_ready=False))
        put(it, MaxGroupPreparedCapacity=1)
        it.world.advance(599)
        assert pool(it) == {"Warmed:Pending:Wait": 1}
        it.world.advance(1)
        assert pool(it) == {"Warmed:Terminating": 1, "Warmed:Pending:Wait": 1}
