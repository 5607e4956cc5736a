"""What a tick sees of an Auto Scaling group and of its warm pool."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from peakfleet_handlers.aws import Calls, Deadline, read_pools
from peakfleet_planner import PoolReading, PoolSpec, WarmSpec
from tests.handlers.fake_aws import Paged
from tests.handlers.faults import refusal

POOL = PoolSpec(name="Graviton", group="g", units_per_capacity=10, max_capacity=10)
WARM = replace(POOL, warm=WarmSpec(max_capacity=5))


def machine(name: str, state: str = "InService", **told: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
    return {
        "InstanceId": name,
        "LifecycleState": state,
        "HealthStatus": "Healthy",
        "AvailabilityZone": "a",
        "ProtectedFromScaleIn": False,
        **told,
    }


@dataclass(kw_only=True)
class FakeAutoScaling(Paged):
    """One group and its warm pool, which is read two instances at a time."""

    group: dict[str, Any]
    waiting: list[dict[str, Any]] = field(default_factory=list)
    failing: bool = False
    warm_calls: int = 0

    def describe_auto_scaling_groups(self, **_: object) -> dict[str, Any]:
        sizes = {"AutoScalingGroupName": "g", "DesiredCapacity": 4, "MinSize": 0, "MaxSize": 10}
        return {"AutoScalingGroups": [{**sizes, **self.group}]}

    def describe_warm_pool(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401  AWS's own shape
        self.warm_calls += 1
        if self.failing:
            raise refusal("Throttling")
        assert asked["AutoScalingGroupName"] == "g"
        first = int(asked.get("NextToken", 0))
        more = {"NextToken": str(first + 2)} if first + 2 < len(self.waiting) else {}
        return {"Instances": self.waiting[first : first + 2], **more}


def read(fake: FakeAutoScaling, pool: PoolSpec = POOL) -> PoolReading:
    calls = Calls(deadline=Deadline.of(None))
    (reading,) = read_pools((pool,), autoscaling=cast("Any", fake), calls=calls)
    assert bool(calls.failed) == fake.failing
    return reading


def of_instances(*instances: dict[str, Any], **group: Any) -> PoolReading:  # noqa: ANN401  AWS's own shape
    return read(FakeAutoScaling(group={"Instances": list(instances), **group}))


def test_types_are_counted_where_they_serve_different_units() -> None:
    instances = [
        machine("i-1", InstanceType="c8g.4xlarge"),
        machine("i-2", "Pending", InstanceType="c8g.2xlarge"),
        machine("i-3", "Pending:Wait", InstanceType="c8g.2xlarge"),
        machine("i-4", "Terminating:Wait", InstanceType="c8g.4xlarge"),
        machine("i-5", HealthStatus="Unhealthy", InstanceType="c8g.4xlarge"),
    ]
    group = FakeAutoScaling(group={"Instances": instances})
    mixed = replace(POOL, units_by_type={"c8g.4xlarge": 16, "c8g.2xlarge": 8})
    assert read(group, mixed).types == {"c8g.4xlarge": 1, "c8g.2xlarge": 2}
    assert read(group).types == {}


def test_every_instance_counts_by_its_state_and_weight() -> None:
    reading = of_instances(
        machine("i-1", WeightedCapacity="4"),
        machine("i-2", ProtectedFromScaleIn=True, WeightedCapacity="2"),
        machine("i-3", HealthStatus="Unhealthy", ProtectedFromScaleIn=True),
        machine("i-4", "Pending"),
        machine("i-5", "Pending:Wait", WeightedCapacity="3"),
        machine("i-6", "Terminating:Wait"),
        machine("i-7", "Terminating:Proceed"),
        machine("i-8", "Terminating:Retained"),
        machine("i-9", "Standby"),
    )
    assert reading.in_service_capacity == 6
    assert reading.busy_capacity == 2
    assert reading.unhealthy_capacity == 1
    assert reading.booting_capacity == 4
    assert reading.leaving_capacity == 2
    assert reading.serving == {"i-1", "i-2"}
    assert reading.retained == ("i-8",)


def test_a_zone_without_instances_is_a_zone_all_the_same() -> None:
    reading = of_instances(
        machine("i-1", WeightedCapacity="4"),
        machine("i-2", "Pending", AvailabilityZone="b"),
        machine("i-3", "Terminating", AvailabilityZone="c"),
        AvailabilityZones=["a", "b", "c"],
    )
    assert reading.zones == {"a": 4, "b": 1, "c": 0}


@pytest.mark.parametrize(
    ("suspended", "replaces"), [([], True), (["AZRebalance"], True), (["ReplaceUnhealthy"], False)]
)
def test_a_group_that_does_not_replace_the_unhealthy_says_so(
    suspended: list[str], *, replaces: bool
) -> None:
    processes = [{"ProcessName": name} for name in suspended]
    assert of_instances(SuspendedProcesses=processes).replaces_unhealthy is replaces


def test_what_waits_is_read_to_the_last_page() -> None:
    waiting = [
        machine("i-1", "Warmed:Stopped"),
        machine("i-2", "Warmed:Running", WeightedCapacity="2"),
        machine("i-3", "Warmed:Pending:Wait"),
        machine("i-4", "Warmed:Hibernated"),
        machine("i-5", "Warmed:Terminating:Retained"),
        machine("i-6", "Warmed:Pending:Retained"),
    ]
    reading = read(FakeAutoScaling(group={}, waiting=waiting), WARM)
    assert reading.warm_capacity == 4
    assert reading.retained == ("i-5", "i-6")


@pytest.mark.parametrize(
    ("version", "launched", "outdated"),
    [
        ("3", ["3", "3"], False),
        ("3", ["3", "2"], True),
        ("2", ["3"], True),
        ("$Latest", ["2"], False),
        ("3", [None], False),
    ],
)
def test_it_is_seen_when_what_waits_is_of_another_version_than_what_is_launched(
    version: str, launched: list[str | None], *, outdated: bool
) -> None:
    waiting = [
        machine("i", "Warmed:Stopped", **({"LaunchTemplate": {"Version": one}} if one else {}))
        for one in launched
    ]
    group = {"LaunchTemplate": {"LaunchTemplateId": "lt", "Version": version}}
    reading = read(FakeAutoScaling(group=group, waiting=waiting), WARM)
    assert reading.waits_outdated is outdated


def test_what_only_drains_on_its_way_to_wait_is_not_outdated_yet() -> None:
    drains = machine("i", "Warmed:Pending:Wait", LaunchTemplate={"Version": "2"})
    group = {"LaunchTemplate": {"LaunchTemplateId": "lt", "Version": "3"}}
    assert not read(FakeAutoScaling(group=group, waiting=[drains]), WARM).waits_outdated


def test_only_a_pool_with_a_warm_pool_is_asked_for_it() -> None:
    fake = FakeAutoScaling(group={}, waiting=[machine("i-1", "Warmed:Stopped")])
    assert read(fake).warm_capacity == 0
    assert fake.warm_calls == 0


def test_a_warm_pool_that_cannot_be_read_counts_as_empty() -> None:
    fake = FakeAutoScaling(group={"Instances": [machine("i-1")]}, failing=True)
    reading = read(fake, WARM)
    assert (reading.warm_capacity, reading.in_service_capacity) == (0, 1)


@pytest.mark.parametrize(
    ("settings", "target", "prepared"),
    [
        ({"MinSize": 3, "MaxGroupPreparedCapacity": 0}, 3, 0),
        ({"MinSize": 0, "MaxGroupPreparedCapacity": 6}, 2, 6),
        ({"MinSize": 1}, 6, 10),
        ({"MinSize": 1, "MaxGroupPreparedCapacity": -1}, 6, 10),
        ({"MinSize": 1, "Status": "PendingDelete"}, None, None),
        (None, None, None),
    ],
)
def test_a_warm_pool_is_as_large_as_its_settings_make_it(
    settings: dict[str, Any] | None, target: int | None, prepared: int | None
) -> None:
    group = {} if settings is None else {"WarmPoolConfiguration": settings}
    reading = read(FakeAutoScaling(group=group), WARM)
    assert (reading.warm_target, reading.prepared_capacity) == (target, prepared)
    assert read(FakeAutoScaling(group=group)).prepared_capacity is None


@pytest.mark.parametrize("name", ["g", None, "other"])
def test_a_group_that_does_not_exist_has_nothing_and_can_have_nothing(name: str | None) -> None:
    deleted, calls = replace(POOL, name="Gone", group="h"), Calls(deadline=Deadline.of(None))
    fake = FakeAutoScaling(group={"AutoScalingGroupName": name, "Instances": []})
    found = read_pools((POOL, deleted), autoscaling=cast("Any", fake), calls=calls)
    assert [one.subject for one in calls.failed if one.cause == "not-found"][-1] == "h"
    if name != "g":  # whose group that is, nobody knows
        assert found == ()
        return
    assert [(one.name, one.desired_capacity, one.max_capacity) for one in found] == [
        ("Graviton", 4, 10),
        ("Gone", 0, 0),
    ]
