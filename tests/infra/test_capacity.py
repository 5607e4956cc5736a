"""Warm pools, other writers, and what the scaler may do about single instances."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Annotations, Match, Template

from peakfleet import CapacityPool, Drain, OtherWriter, Purchase, WarmPool
from peakfleet_planner import FleetSpec, SpecError
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, function, new_stack, only, properties

WARM = "AWS::AutoScaling::WarmPool"


def warm_pool(warm: WarmPool, *types: str, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.graviton(
        *(types or ("c8g.4xlarge",)),
        units_per_instance=16,
        max_instances=50,
        warm=warm,
        **options,
    )


def actions(template: Template, *, of: str) -> dict[str, dict[str, Any]]:
    """Return the statement of each action that a function's role may do."""
    role = function(template, of)[1]["Role"]["Fn::GetAtt"][0]
    found: dict[str, dict[str, Any]] = {}
    for policy in properties(template, "AWS::IAM::Policy"):
        if {"Ref": role} in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                named = statement["Action"]
                found |= dict.fromkeys([named] if isinstance(named, str) else named, statement)
    return found


def test_a_warm_pool_is_as_large_as_the_scaler_says_and_not_as_the_groups_maximum() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, pools=[warm_pool(WarmPool.forecast(max_instances=9))])
    found = only(Template.from_stack(stack), WARM)
    assert (found["MinSize"], found["MaxGroupPreparedCapacity"]) == (0, 0)
    assert found["PoolState"] == "Stopped"
    assert "InstanceReusePolicy" not in found
    (pool,) = fleet.spec.pools
    assert pool.warm is not None
    assert (pool.warm.min_capacity, pool.warm.max_capacity) == (0, 9)
    assert pool.launch == "desired"


def test_what_is_let_go_waits_and_nothing_else_until_the_scaler_says_so() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, pools=[warm_pool(WarmPool.reused(min_instances=2))])
    found = only(Template.from_stack(stack), WARM)
    assert found["InstanceReusePolicy"] == {"ReuseOnScaleIn": True}
    assert (found["MinSize"], found["MaxGroupPreparedCapacity"]) == (2, 0)
    assert found["PoolState"] == "Stopped"
    (pool,) = FleetSpec.from_json(fleet.spec.to_json()).pools
    assert pool.warm is not None
    assert pool.warm.reuse
    assert (pool.warm.min_capacity, pool.warm.max_capacity) == (2, 50)
    assert pool.launch == "desired"


def test_only_a_reused_warm_pool_takes_back_what_is_let_go() -> None:
    for warm, reuse, most in (
        (WarmPool.forecast(), False, 20),
        (WarmPool.fixed(3), False, 3),
        (WarmPool.reused(max_instances=7), True, 7),
    ):
        planned = warm_pool(warm).to_planner(group="g").warm
        assert planned is not None
        assert (planned.reuse, planned.max_capacity) == (reuse, most)


def test_a_reused_warm_pool_may_wait_running() -> None:
    stack = new_stack()
    reused = WarmPool.reused(running=True, start=Duration.seconds(10))
    burst_fleet(stack, pools=[warm_pool(reused)])
    assert only(Template.from_stack(stack), WARM)["PoolState"] == "Running"
    planned = warm_pool(reused).to_planner(group="g").warm
    assert planned is not None
    assert (planned.start_seconds, planned.cost_fraction) == (10, 1)


def test_a_waiting_instance_costs_its_volume_or_all_of_itself() -> None:
    stopped = warm_pool(WarmPool.fixed(3), usd_per_hour=0.64).to_planner(group="g").warm
    runs = warm_pool(WarmPool.fixed(3, running=True)).to_planner(group="g").warm
    assert stopped is not None
    assert runs is not None
    assert stopped.cost_fraction == pytest.approx(20 * 0.08 / 730 / 0.64)
    assert runs.cost_fraction == 1


def test_pools_without_a_warm_pool_are_launched_directly() -> None:
    assert GRAVITON.to_planner(group="g").launch == "direct"
    assert SPOT.to_planner(group="g").purchase == "spot"
    assert SPOT.to_planner(group="g").instance_types == ("c8g.4xlarge", "c7g.4xlarge")


@pytest.mark.parametrize("warm", [WarmPool.fixed(1), WarmPool.reused()])
@pytest.mark.parametrize(
    ("types", "options", "words"),
    [
        (("c8g.large",), {"purchase": Purchase.spot()}, "warm is given, but purchase is spot"),
        (("c8g.large", "c7g.large"), {}, "there are several instance types"),
    ],
)
def test_a_warm_pool_that_aws_refuses_is_refused_at_once(
    warm: WarmPool, types: tuple[str, ...], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        warm_pool(warm, *types, **options)


@pytest.mark.parametrize(("least", "most"), [(3, 2), (-1, 2), (0, 0)])
def test_bounds_of_a_warm_pool_that_contradict_each_other_are_refused(
    least: int, most: int
) -> None:
    for make in (WarmPool.forecast, WarmPool.reused):
        with pytest.raises(SpecError, match=f"got {most} and {least}"):
            make(max_instances=most, min_instances=least)


def test_fewer_than_none_cannot_wait_however_many_may() -> None:
    with pytest.raises(SpecError, match="min_instances between 0 and max_instances"):
        WarmPool.reused(min_instances=-1)


def test_only_a_fleet_with_a_warm_pool_may_size_one() -> None:
    for pool, may in ((GRAVITON, False), (warm_pool(WarmPool.fixed(2)), True)):
        stack = new_stack()
        burst_fleet(stack, pools=[pool])
        named = actions(Template.from_stack(stack), of="scaler")
        assert ("autoscaling:PutWarmPool" in named) is may
        assert ("autoscaling:DescribeWarmPool" in named) is may


def test_instances_end_through_their_own_group_and_nothing_else_may_end_any() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, drain=Drain.when_idle())
    named = actions(Template.from_stack(stack), of="scaler")
    (group,) = fleet.groups.values()
    ends = named["autoscaling:TerminateInstanceInAutoScalingGroup"]
    assert ends["Resource"] == stack.resolve(group.auto_scaling_group_arn)
    assert "ec2:TerminateInstances" not in named


def test_the_groups_own_bounds_are_never_the_scalers_to_change() -> None:
    stack = new_stack()
    burst_fleet(stack, drain=Drain.when_idle())
    named = actions(Template.from_stack(stack), of="scaler")
    assert "autoscaling:UpdateAutoScalingGroup" not in named


def test_a_size_that_somebody_else_sets_is_taken_back_or_yielded_to() -> None:
    usual = burst_fleet(new_stack()).spec.other_writer
    assert (usual.mode, usual.grace_seconds) == ("take-back", 600)
    soon = burst_fleet(new_stack(), other_writer=OtherWriter.taken_back(after=Duration.minutes(1)))
    assert soon.spec.other_writer.grace_seconds == 60
    gives_way = burst_fleet(new_stack(), other_writer=OtherWriter.yielded_to())
    assert gives_way.spec.other_writer.mode == "yield"


@pytest.mark.parametrize(
    ("warm", "kind", "warned"),
    [
        (WarmPool.fixed(2), "i8g.xlarge", True),
        (WarmPool.reused(), "i8g.xlarge", True),
        (WarmPool.fixed(2, running=True), "i8g.xlarge", False),
        (WarmPool.fixed(2), "c8g.xlarge", False),
    ],
)
def test_whoever_waits_stopped_with_local_disks_is_told_that_they_are_lost(
    warm: WarmPool, kind: str, *, warned: bool
) -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[warm_pool(warm, kind)])
    found = Annotations.from_stack(stack).find_warning(
        "*", Match.string_like_regexp("local NVMe disks of i8g.xlarge are empty")
    )
    assert bool(found) is warned


@pytest.mark.parametrize(("start_seconds", "warned"), [(179, False), (180, True)])
def test_whoever_waits_for_nothing_is_told_so(start_seconds: int, *, warned: bool) -> None:
    stack = new_stack()
    reused = WarmPool.reused(start=Duration.seconds(start_seconds))
    burst_fleet(stack, pools=[warm_pool(reused, boot=Duration.minutes(3))])
    found = Annotations.from_stack(stack).find_warning(
        "*", Match.string_like_regexp("no sooner than a new instance after 180")
    )
    assert bool(found) is warned
