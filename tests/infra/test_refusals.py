"""Mistakes fail at synth and name the construct, the value and the way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aws_cdk import Duration, Environment, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from peakfleet import (
    BurstFleet,
    CapacityPool,
    DemandSignal,
    Pace,
    SpecError,
    TrafficSpec,
)
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, network, new_stack

TRAFFIC = TrafficSpec(
    listener_arn="arn:listener",
    baseline_target_group_arn="arn:baseline",
    cloud_target_group_arn="arn:cloud",
)


def test_a_fleet_without_pools_is_refused() -> None:
    with pytest.raises(SpecError, match="Media/Live: at least one pool is needed, got none"):
        burst_fleet(new_stack(), pools=[])


def test_a_fleet_without_signals_fails_to_synth() -> None:
    stack = new_stack()
    burst_fleet(stack, signals=[])
    with pytest.raises(RuntimeError, match=r"\[Media/Live\] at least one signal is needed, got"):
        Template.from_stack(stack)


def test_two_pools_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match=r"pool names must differ, got Graviton .*give name=\.\.\."):
        burst_fleet(new_stack(), pools=[GRAVITON, GRAVITON])


def test_two_signals_of_one_name_are_refused() -> None:
    fleet = burst_fleet(new_stack())
    with pytest.raises(SpecError, match=r"Media/Live: signal names must differ, got 'Streams'"):
        fleet.add_signal(DemandSignal.metric(metric("Streams", statistic="Sum")))


def test_a_pace_at_which_a_pool_could_never_move_is_refused() -> None:
    with pytest.raises(SpecError, match=r"pace.in_units must be at least 16.*got 8"):
        burst_fleet(new_stack(), pace=Pace.of(in_units=8))


def test_a_specification_that_the_schedule_cannot_send_is_refused() -> None:
    stack = new_stack()
    long_name = "x" * 1000
    signals = [
        DemandSignal.metric(metric(f"{i}{long_name}"), name=f"{i}{long_name}") for i in range(140)
    ]
    burst_fleet(stack, signals=signals)
    with pytest.raises(
        RuntimeError,
        match=r"\[Media/Live\] its specification of about \d{6} bytes is above the 262144 bytes",
    ):
        Template.from_stack(stack)


def test_a_metric_of_another_region_is_refused() -> None:
    stack = new_stack(env=Environment(account="111122223333", region="eu-west-1"))
    far = DemandSignal.metric(metric(region="us-east-1"))
    with pytest.raises(
        SpecError, match=r"'Live/Streams' is of region us-east-1, but the fleet reads in eu-west-1"
    ):
        burst_fleet(stack, signals=[far])


def test_a_metric_of_the_fleets_own_region_is_taken() -> None:
    stack = new_stack(env=Environment(account="111122223333", region="eu-west-1"))
    near = DemandSignal.metric(metric(region="eu-west-1", account="111122223333"))
    assert burst_fleet(stack, signals=[near]).spec.signals == (near.spec,)


def test_a_place_that_only_the_deployment_knows_is_left_to_it() -> None:
    near = DemandSignal.metric(metric(region="us-east-1"))
    assert burst_fleet(new_stack(), signals=[near]).spec.signals == (near.spec,)


def test_a_math_expression_is_pointed_to_metric_math() -> None:
    expression = cloudwatch.MathExpression(expression="m / 2", using_metrics={"m": metric()})
    with pytest.raises(SpecError, match=r"use DemandSignal\.metric_math"):
        DemandSignal.metric(expression)


def test_a_network_with_only_public_subnets_is_refused() -> None:
    stack = new_stack()
    vpc = ec2.Vpc(
        stack,
        "Open",
        max_azs=1,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Out", subnet_type=ec2.SubnetType.PUBLIC)
        ],
    )
    with pytest.raises(SpecError, match="Media/Live: the network Media/Open has only public"):
        burst_fleet(stack, vpc=vpc)


def test_two_fleets_setting_the_weights_of_one_listener_are_refused() -> None:
    stack = new_stack()
    burst_fleet(stack, "First", traffic=TRAFFIC)
    with pytest.raises(SpecError, match="Media/Second: the fleet Media/First already sets the"):
        burst_fleet(stack, "Second", traffic=TRAFFIC)


def test_another_app_may_use_the_same_listener_name() -> None:
    burst_fleet(new_stack(), traffic=TRAFFIC)
    assert burst_fleet(new_stack(), traffic=TRAFFIC).spec.traffic == TRAFFIC


def test_two_fleets_from_the_same_pools_have_groups_of_their_own() -> None:
    stack = new_stack()
    first = burst_fleet(stack, "First", pools=[GRAVITON])
    second = burst_fleet(stack, "Second", pools=[GRAVITON])
    assert first.spec.pools[0].group != second.spec.pools[0].group


def _track_requests(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    group.scale_on_cpu_utilization("Second", target_utilization_percent=50)


def _step(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    autoscaling.CfnScalingPolicy(
        stack,
        "Second",
        auto_scaling_group_name=group.auto_scaling_group_name,
        policy_type="StepScaling",
        adjustment_type="ChangeInCapacity",
        step_adjustments=[
            autoscaling.CfnScalingPolicy.StepAdjustmentProperty(
                metric_interval_upper_bound=0, scaling_adjustment=-1
            )
        ],
    )


def _schedule(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    group.scale_on_schedule(
        "Second", schedule=autoscaling.Schedule.cron(hour="8", minute="0"), desired_capacity=4
    )


def _desire(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    resource = group.node.default_child
    assert isinstance(resource, autoscaling.CfnAutoScalingGroup)
    resource.desired_capacity = "4"


@pytest.mark.parametrize("second_writer", [_track_requests, _step, _schedule, _desire])
def test_a_second_writer_of_a_group_is_refused(
    second_writer: Callable[[Stack, autoscaling.AutoScalingGroup], None],
) -> None:
    stack = new_stack()
    second_writer(stack, burst_fleet(stack).groups["Graviton"])
    with pytest.raises(
        RuntimeError, match=r"\[Media/Live\] .* also sets the size of the group of pool 'Graviton'"
    ):
        Template.from_stack(stack)


def test_another_policy_that_only_adds_capacity_is_welcome() -> None:
    stack = new_stack()
    group = burst_fleet(stack).groups["Graviton"]
    group.scale_on_incoming_bytes("More", target_bytes_per_second=1_000_000, disable_scale_in=True)
    Template.from_stack(stack).resource_count_is("AWS::AutoScaling::ScalingPolicy", 2)


def test_a_fleet_on_one_machine_image_for_two_chips_is_refused() -> None:
    image = ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.ARM_64)
    pools = [
        CapacityPool.graviton(
            "c8g.large", units_per_instance=1, max_instances=1, machine_image=image
        ),
        CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1, machine_image=image),
    ]
    stack = new_stack()
    with pytest.raises(SpecError, match="Media/Live: pool 'X86'"):
        BurstFleet(stack, "Live", vpc=network(stack), pools=pools)


def test_what_a_user_did_not_ask_for_is_not_refused() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[GRAVITON, SPOT], signals=[DemandSignal.metric(metric())])
    burst_fleet(stack, "Slow", signals=[DemandSignal.metric(metric(period=Duration.minutes(5)))])
    Template.from_stack(stack).resource_count_is("AWS::Scheduler::Schedule", 2)
