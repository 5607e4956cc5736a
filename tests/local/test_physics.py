"""Groups of the local AWS behave as groups do, on a clock that tests move."""

from __future__ import annotations

from collections import Counter
from types import FunctionType

import moto
import pytest
from botocore.exceptions import ClientError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.core.responses import BaseResponse

from peakfleet_local import World, installed
from peakfleet_local.moto import MotoVersionError
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


def test_an_instance_of_a_weighted_group_shows_its_weight() -> None:
    with scene(weights={"c8g.xlarge": 2}) as it:
        it.set_desired(4)
        assert [i["WeightedCapacity"] for i in it.staying()] == ["2", "2"]


def test_an_instance_of_a_group_without_weights_shows_none() -> None:
    with scene() as it:
        it.set_desired(1)
        assert "WeightedCapacity" not in it.staying()[0]


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


def test_a_new_group_starts_at_its_minimum() -> None:
    with scene(minimum=2) as it:
        assert it.describe()["DesiredCapacity"] == 2
        assert it.states() == {"Pending": 2}


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
