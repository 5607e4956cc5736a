"""A group beside a warm pool that reuses what the group lets go, for tests."""

from __future__ import annotations

from collections import Counter

from peakfleet_local import World
from tests.local.deployed import Json
from tests.local.groups import Scene

REUSE = {"ReuseOnScaleIn": True}


def world() -> World:
    return World(boot_seconds=300, warm_start_seconds=30, terminate_seconds=60)


def put(it: Scene, **wanted: Json) -> None:
    policy = {"InstanceReusePolicy": REUSE, **wanted}
    it.autoscaling.put_warm_pool(AutoScalingGroupName=it.group, **policy)


def waiting(it: Scene) -> dict[str, str]:
    """The lifecycle state of each instance of the warm pool."""
    found = it.autoscaling.describe_warm_pool(AutoScalingGroupName=it.group)
    return {i["InstanceId"]: i["LifecycleState"] for i in found["Instances"]}


def pool(it: Scene) -> Counter[str]:
    return Counter(waiting(it).values())


def serving(it: Scene, instances: int, **wanted: Json) -> set[str]:
    """Let instances serve beside an empty warm pool with room for them; return their ids."""
    it.set_desired(instances)
    put(it, **{"MaxGroupPreparedCapacity": instances, **wanted})
    it.world.advance(it.world.boot_seconds)
    assert it.states() == {"InService": instances}
    assert waiting(it) == {}
    return {i["InstanceId"] for i in it.staying()}
