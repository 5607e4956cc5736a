"""New weights of a group's types count for the instances that run."""

from __future__ import annotations

from typing import Any

import pytest

from peakfleet_local import World
from tests.local.groups import Scene, scene


def set_weights(it: Scene, weights: dict[str, int]) -> None:
    policy: dict[str, Any] = {
        "LaunchTemplate": {
            "LaunchTemplateSpecification": {"LaunchTemplateId": it.template, "Version": "1"},
            "Overrides": [
                {"InstanceType": name, "WeightedCapacity": str(weight)}
                for name, weight in weights.items()
            ],
        }
    }
    it.update(MixedInstancesPolicy=policy)


def test_heavier_weights_end_what_is_too_much() -> None:
    with scene(weights={"c8g.xlarge": 1}, world=World(boot_seconds=0)) as it:
        it.set_desired(10)
        set_weights(it, {"c8g.xlarge": 2, "c8g.large": 1})
        assert it.describe()["DesiredCapacity"] == 10
        assert [i["WeightedCapacity"] for i in it.staying()] == ["2"] * 5


def test_lighter_weights_launch_what_is_missing() -> None:
    with scene(weights={"c8g.xlarge": 2}, world=World(boot_seconds=0)) as it:
        it.set_desired(10)
        set_weights(it, {"c8g.xlarge": 1})
        assert [i["WeightedCapacity"] for i in it.staying()] == ["1"] * 10


def test_first_weights_count_for_instances_that_had_none() -> None:
    with scene(world=World(boot_seconds=0)) as it:
        it.set_desired(4)
        set_weights(it, {"c8g.large": 4})
        assert [i["WeightedCapacity"] for i in it.staying()] == ["4"]


def test_an_instance_whose_type_is_removed_keeps_its_last_weight() -> None:
    with scene(weights={"c8g.xlarge": 4}, world=World(boot_seconds=0)) as it:
        it.set_desired(8)
        set_weights(it, {"c8g.large": 1})
        kinds = {(i["InstanceType"], i["WeightedCapacity"]) for i in it.staying()}
        assert kinds == {("c8g.xlarge", "4")}
        it.set_desired(9)
        assert {i["InstanceType"] for i in it.staying()} == {"c8g.xlarge", "c8g.large"}


@pytest.mark.parametrize(
    ("desired", "before", "after"), [(0, 1, 2), (7, 3, 2), (20, 5, 3), (20, 3, 5)]
)
def test_a_group_reaches_its_desired_capacity_by_the_weights_it_has_now(
    desired: int, before: int, after: int
) -> None:
    with scene(weights={"c8g.large": before}, world=World(boot_seconds=0)) as it:
        it.set_desired(desired)
        set_weights(it, {"c8g.large": after})
        points = after * len(it.staying())
        assert desired <= points < desired + after
