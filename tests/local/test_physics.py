"""Groups of the local AWS behave as groups do, on a clock that tests move."""

from __future__ import annotations

from collections import Counter
from types import FunctionType

import moto
import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.core.responses import BaseResponse

from peakfleet_local import World, installed
from peakfleet_local._moto import MotoVersionError

from tests.local.groups import ZONES, scene


def test_an_instance_serves_only_after_its_boot_time() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        it.set_desired(3)
        assert it.states() == {"Pending": 3}
        it.world.advance(89)
        assert it.states() == {"Pending": 3}
        it.world.advance(1)
        assert it.states() == {"InService": 3}
        assert it.world.in_service(it.group) == 3


def test_a_group_may_have_its_own_boot_time() -> None:
    with scene(world=World(boot_seconds=10)) as it:
        it.world.set_boot_seconds(group=it.group, seconds=300)
        it.set_desired(1)
        it.world.advance(299)
        assert it.states() == {"Pending": 1}
        it.world.advance(1)
        assert it.states() == {"InService": 1}


def test_moving_the_clock_back_changes_nothing_that_boots() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        it.set_desired(1)
        it.world.advance(40)
        it.world.start_at(0)
        it.world.advance(49)
        assert it.states() == {"Pending": 1}
        it.world.advance(1)
        assert it.states() == {"InService": 1}


def test_time_never_runs_backwards_by_accident() -> None:
    with pytest.raises(ValueError, match="time only runs forwards"):
        World(now_epoch_seconds=100).advance_to(99)


@pytest.mark.parametrize(
    ("capacity", "text"),
    [(21, "value 21 is above max value 20"), (1, "value 1 is below min value 2")],
)
def test_a_capacity_out_of_bounds_is_refused_in_the_words_of_aws(capacity: int, text: str) -> None:
    with scene(minimum=2) as it:
        with pytest.raises(ClientError, match=f"New SetDesiredCapacity {text}") as refused:
            it.set_desired(capacity)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert it.describe()["DesiredCapacity"] == 2


def test_a_group_that_does_not_exist_is_refused() -> None:
    with scene() as it, pytest.raises(ClientError, match="AutoScalingGroup name not found"):
        it.autoscaling.set_desired_capacity(AutoScalingGroupName="other", DesiredCapacity=1)


def test_a_group_is_never_above_its_maximum() -> None:
    with scene() as it:

        @settings(max_examples=20)
        @given(
            steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 120)), max_size=5),
            maximum=st.integers(1, 6),
        )
        def law(steps: list[tuple[int, int]], maximum: int) -> None:
            it.create(maximum=maximum)
            for capacity, seconds in steps:
                if capacity > maximum:
                    with pytest.raises(ClientError, match="above max value"):
                        it.set_desired(capacity)
                else:
                    it.set_desired(capacity)
                it.world.advance(seconds)
                assert len(it.staying()) == it.describe()["DesiredCapacity"] <= maximum

        law()


def test_scarce_capacity_is_never_exceeded() -> None:
    with scene() as it:

        @settings(max_examples=20)
        @given(steps=st.lists(st.integers(0, 9), max_size=5), scarce=st.integers(0, 3))
        def law(steps: list[int], scarce: int) -> None:
            it.create()
            name = f"rare{it.group}"
            it.create(weights={name: None})
            for zone in ZONES:
                it.world.limit_capacity(instance_type=name, zone=zone, instances=scarce)
            for capacity in steps:
                it.set_desired(capacity)
                by_zone = Counter(i["AvailabilityZone"] for i in it.describe()["Instances"])
                assert max(by_zone.values(), default=0) <= scarce
                it.world.advance(30)

        law()


def test_weights_reach_desired_capacity_with_less_than_one_instance_too_much() -> None:
    with scene() as it:

        @settings(max_examples=20)
        @given(
            steps=st.lists(st.integers(0, 20), min_size=1, max_size=4),
            weights=st.lists(st.integers(1, 5), min_size=1, max_size=2),
        )
        def law(steps: list[int], weights: list[int]) -> None:
            it.create(weights=dict(zip(("c8g.large", "c7g.large"), weights, strict=False)))
            for capacity in steps:
                it.set_desired(capacity)
                present = sum(int(i["WeightedCapacity"]) for i in it.staying())
                assert capacity <= present < capacity + max(weights)

        law()


def test_an_instance_of_a_weighted_group_shows_its_weight() -> None:
    with scene(weights={"c8g.xlarge": 2}) as it:
        it.set_desired(4)
        assert [i["WeightedCapacity"] for i in it.staying()] == ["2", "2"]


def test_an_instance_of_a_group_without_weights_shows_none() -> None:
    with scene() as it:
        it.set_desired(1)
        assert "WeightedCapacity" not in it.staying()[0]


def test_zones_stay_balanced() -> None:
    with scene() as it:

        @settings(max_examples=15)
        @given(steps=st.lists(st.integers(0, 12), min_size=1, max_size=4))
        def law(steps: list[int]) -> None:
            it.create()
            for capacity in steps:
                it.set_desired(capacity)
                by_zone = Counter(dict.fromkeys(ZONES, 0))
                by_zone.update(i["AvailabilityZone"] for i in it.staying())
                assert max(by_zone.values()) - min(by_zone.values()) <= 1

        law()


def test_a_dry_zone_leaves_a_failed_activity_and_a_smaller_group() -> None:
    with scene(zones=ZONES[:1]) as it:
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=2)
        it.set_desired(5)
        assert it.describe()["DesiredCapacity"] == 5
        assert len(it.staying()) == 2
        failed = it.activities()[0]
        assert failed["StatusCode"] == "Failed"
        assert "do not have sufficient c8g.large capacity" in failed["StatusMessage"]
        assert ZONES[0] in failed["StatusMessage"]


def test_a_launch_that_failed_is_tried_again_as_time_passes() -> None:
    with scene(zones=ZONES[:1], world=World(boot_seconds=0, retry_seconds=60)) as it:
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=2)
        it.set_desired(5)
        it.world.limit_capacity(instance_type="c8g.large", zone=ZONES[0], instances=None)
        it.world.advance(59)
        assert len(it.staying()) == 2
        it.world.advance(1)
        assert it.states() == {"InService": 5}


def test_a_dry_type_gives_way_to_the_next_one_in_the_same_zone() -> None:
    with scene(weights={"c8g.large": None, "c7g.large": None}) as it:
        for zone in ZONES:
            it.world.limit_capacity(instance_type="c8g.large", zone=zone, instances=0)
        it.set_desired(3)
        assert {i["InstanceType"] for i in it.staying()} == {"c7g.large"}
        assert {i["AvailabilityZone"] for i in it.staying()} == set(ZONES)


def test_spot_runs_dry_while_on_demand_does_not() -> None:
    spot = {"OnDemandBaseCapacity": 0, "OnDemandPercentageAboveBaseCapacity": 0}
    with scene(distribution=spot) as it:
        for zone in ZONES:
            it.world.limit_capacity(
                instance_type="c8g.large", zone=zone, instances=0, purchase="spot"
            )
        it.set_desired(1)
        assert it.staying() == []
        assert "Could not launch Spot Instances" in it.activities()[0]["StatusMessage"]
        it.create()
        it.world.limit_capacity(
            instance_type="c8g.large", zone=ZONES[0], instances=0, purchase="spot"
        )
        it.set_desired(3)
        assert len(it.staying()) == 3


def test_a_spot_instance_is_one_in_ec2_too() -> None:
    spot = {"OnDemandBaseCapacity": 1, "OnDemandPercentageAboveBaseCapacity": 0}
    with scene(distribution=spot) as it:
        it.set_desired(3)
        found = it.ec2.describe_instances()["Reservations"]
        kinds = Counter(i.get("InstanceLifecycle") for r in found for i in r["Instances"])
        assert kinds == {None: 1, "spot": 2}


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


def test_a_new_group_starts_at_its_minimum() -> None:
    with scene(minimum=2) as it:
        assert it.describe()["DesiredCapacity"] == 2
        assert it.states() == {"Pending": 2}


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


def test_a_launch_is_an_activity_that_ends_when_the_instance_serves() -> None:
    with scene(world=World(boot_seconds=90)) as it:
        it.set_desired(1)
        assert it.activities()[0]["StatusCode"] == "PreInService"
        it.world.advance(90)
        assert it.activities()[0]["StatusCode"] == "Successful"
        assert "from 0 to 1" in it.activities()[0]["Cause"]


def test_every_call_is_counted_by_its_name() -> None:
    with scene() as it:
        it.world.calls.clear()
        it.describe()
        it.set_desired(1)
        assert it.world.calls == {
            "autoscaling:DescribeAutoScalingGroups": 1,
            "autoscaling:SetDesiredCapacity": 1,
        }


def test_moto_is_itself_again_afterwards() -> None:
    owners = (AutoScalingBackend, FakeAutoScalingGroup, InstanceState, BaseResponse)
    before = [_functions_of(owner) for owner in owners]
    with scene():
        assert [_functions_of(owner) for owner in owners] != before
    assert [_functions_of(owner) for owner in owners] == before


def _functions_of(owner: type) -> dict[str, object]:
    kinds = (FunctionType, property, staticmethod, classmethod)
    return {name: value for name, value in vars(owner).items() if isinstance(value, kinds)}


def test_another_moto_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto, "__version__", "9.9.9")
    with pytest.raises(MotoVersionError, match=r"extends moto 5\.2\.5, found 9\.9\.9"):
        installed(World()).__enter__()
