"""What a template grants and defines for a fleet in shadow, existing groups and spend limits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from peakfleet import (
    BurstFleet,
    CapacityPool,
    DemandSignal,
    Mode,
    Purchase,
    SafetyNet,
    SpecError,
    SpendLimit,
    TrafficSpec,
    WarmPool,
)
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, new_stack, properties

OURS = CapacityPool.existing(
    "web-asg", "c8g.4xlarge", units_per_instance=16, max_instances=50, name="Web"
)


def fleet(**options: Any) -> BurstFleet:  # noqa: ANN401  a fleet's own
    return burst_fleet(new_stack(), **options)


def statements(made: BurstFleet) -> list[dict[str, Any]]:
    policies = properties(Template.from_stack(Stack.of(made)), "AWS::IAM::Policy")
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def actions(made: BurstFleet) -> set[str]:
    found = (one["Action"] for one in statements(made))
    return {name for one in found for name in ([one] if isinstance(one, str) else one)}


def test_a_fleet_in_shadow_may_only_read_groups_that_exist_and_defines_none() -> None:
    made = fleet(pools=[OURS], mode=Mode.shadow())
    template = Template.from_stack(Stack.of(made))
    template.resource_count_is("AWS::AutoScaling::AutoScalingGroup", 0)
    template.resource_count_is("AWS::AutoScaling::ScalingPolicy", 0)
    template.resource_count_is("AWS::EC2::LaunchTemplate", 0)
    changing = [one for one in actions(made) if one.startswith("autoscaling:")]
    assert all(one.startswith("autoscaling:Describe") for one in changing)
    assert made.spec.mode == "shadow"
    assert made.spec.pools[0].group == "web-asg"


def test_a_fleet_in_shadow_reads_the_traffic_that_it_would_split_and_sets_none() -> None:
    traffic = TrafficSpec(
        listener_arn="listener", baseline_target_group_arn="own", cloud_target_group_arn="cloud"
    )
    allowed = actions(fleet(pools=[OURS], mode=Mode.shadow(), traffic=traffic))
    assert {one for one in allowed if one.startswith("elasticloadbalancing:")} == {
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeTargetHealth",
    }


def test_one_word_makes_it_act_on_its_own_groups_alone() -> None:
    made = fleet(pools=[OURS])
    sized = [one for one in statements(made) if "autoscaling:SetDesiredCapacity" in one["Action"]]
    assert len(sized) == 1
    arn = json.dumps(sized[0]["Resource"])
    assert ":autoScalingGroup:*:autoScalingGroupName/web-asg" in arn
    assert "autoscaling:LaunchInstances" not in actions(made)
    rules = json.dumps(properties(Template.from_stack(Stack.of(made)), "AWS::Events::Rule"))
    assert '"web-asg"' in rules
    assert made.spec.pools[0].launch == "desired"


def test_groups_of_a_fleet_in_shadow_start_nothing() -> None:
    pool = CapacityPool.graviton(
        "c8g.4xlarge",
        units_per_instance=16,
        max_instances=50,
        min_instances=2,
        warm=WarmPool.fixed(2),
    )
    made = fleet(pools=[pool], mode=Mode.shadow(), safety_net=SafetyNet.cpu())
    template = Template.from_stack(Stack.of(made))
    template.has_resource_properties("AWS::AutoScaling::AutoScalingGroup", {"MinSize": "0"})
    template.resource_count_is("AWS::AutoScaling::WarmPool", 0)
    template.resource_count_is("AWS::AutoScaling::ScalingPolicy", 0)
    assert made.spec.pools[0].min_capacity == 2


def test_a_shared_limit_has_a_partition_that_the_scaler_may_write() -> None:
    limit = SpendLimit.shared("media", usd_per_hour=40, priority="batch")
    made = fleet(spend_limits=[limit, SpendLimit.of(usd_per_month=900)])
    keys = [
        one["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
        for one in statements(made)
        if "dynamodb:BatchWriteItem" in one["Action"]
    ]
    assert keys == [["Media/Live", "spend-limit/media"]]
    assert [one.shared for one in made.spec.spend_limits] == ["media", None]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (SpendLimit.of, "usd_per_hour or usd_per_month is needed"),
        (lambda: SpendLimit.of(usd_per_hour=-1), "usd_per_hour must be at least 0"),
        (
            lambda: SpendLimit.shared("m", usd_per_hour=1, priority="now"),  # type: ignore[arg-type]  # refused
            "priority must be one of live, batch, training, got 'now'",
        ),
        (
            lambda: CapacityPool.existing("g", units_per_instance=1, max_instances=1),
            "at least one instance type is needed",
        ),
        (
            lambda: CapacityPool.existing(
                "g", "c8g.large", units_per_instance=1, max_instances=1, root_volume_gib=30
            ),
            "root_volume_gib is the group's own",
        ),
    ],
)
def test_what_cannot_be_is_refused_where_it_was_written(make: Any, message: str) -> None:  # noqa: ANN401  a factory
    with pytest.raises(SpecError, match=message):
        make()


def test_a_limit_needs_the_price_of_every_pool() -> None:
    unknown = CapacityPool.existing(
        "g", "x9x.large", units_per_instance=1, max_instances=1, boot=Duration.minutes(2)
    )
    with pytest.raises(SpecError, match="that of 'g' is unknown; give it usd_per_hour"):
        fleet(pools=[GRAVITON, unknown], spend_limits=[SpendLimit.of(usd_per_hour=5)])


def test_spot_is_limited_at_what_it_costs_and_at_most_at_the_on_demand_price() -> None:
    limits = [SpendLimit.of(usd_per_hour=5)]
    cheap = replace(SPOT, usd_per_hour=0.2)
    made = fleet(pools=[cheap, GRAVITON], spend_limits=limits)
    spot, demand = made.spec.pools
    assert (spot.usd_per_capacity_hour, spot.most_usd_per_capacity_hour) == (
        0.2,
        demand.usd_per_capacity_hour,
    )
    assert fleet(pools=[SPOT], spend_limits=limits).spec.pools[0].most_usd_per_capacity_hour
    assert demand.most_usd_per_capacity_hour is None
    assert "ec2:DescribeSpotPriceHistory" in actions(made)
    for other in (fleet(pools=[SPOT]), fleet(pools=[GRAVITON], spend_limits=limits)):
        assert all(pool.most_usd_per_capacity_hour is None for pool in other.spec.pools)
        assert "ec2:DescribeSpotPriceHistory" not in actions(other)


def test_a_declared_price_of_spot_bounds_it_where_the_list_price_is_not_known() -> None:
    unknown = CapacityPool.graviton(
        "x9xg.large",
        units_per_instance=1,
        max_instances=1,
        purchase=Purchase.spot(),
        usd_per_hour=0.7,
    )
    (pool,) = fleet(pools=[unknown], spend_limits=[SpendLimit.of(usd_per_hour=5)]).spec.pools
    assert pool.most_usd_per_capacity_hour == 0.7


def test_a_signal_may_have_a_witness_and_a_backlog_has_none() -> None:
    requests = metric("Requests")
    made = fleet(signals=[DemandSignal.metric(metric()).witnessed_by(requests, units_per_value=2)])
    (signal,) = made.spec.signals
    assert signal.reads["second"].metric_name == "Requests"
    backlog = DemandSignal.queue_backlog(
        sqs.Queue(new_stack(), "Q"), seconds_per_message=9, drain_within=Duration.minutes(9)
    )
    with pytest.raises(SpecError, match="only live demand can have a witness"):
        backlog.witnessed_by(requests)
