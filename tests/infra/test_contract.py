"""The two halves fit: what the schedule sends is what the tick accepts."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template

from peakfleet import (
    Baseline,
    CapacityPool,
    DemandSignal,
    Pace,
    ServiceLevel,
    StreamFleet,
    WhenSilent,
)
from peakfleet.control_plane import readable
from peakfleet.testing import fleet_specs
from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.tick import run
from peakfleet_planner import (
    BacklogSignal,
    FixedBaseline,
    FleetSpec,
    Metric,
    PaceSpec,
    PoolSpec,
    RateSignal,
    ReportedBaseline,
    ServiceLevelSpec,
    SilenceRule,
)
from peakfleet_planner import WhenSilent as SilenceSpec
from tests.handlers.fake_aws import FakeAws, FakeGroup
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, network, new_stack, only


def sent(stack: Stack) -> dict[str, Any]:
    """Return what the only schedule of a stack sends, with logical ids in place of names."""
    schedule = only(Template.from_stack(stack), "AWS::Scheduler::Schedule")
    payload: dict[str, Any] = json.loads(readable(schedule["Target"]["Input"]))
    return payload


def spec(stack: Stack) -> FleetSpec:
    return FleetSpec.from_json(sent(stack)["spec"])


def logical_id(stack: Stack, token: str) -> str:
    text: str = readable(stack.resolve(token))
    return text


def test_the_schedule_sends_the_time_of_the_tick_and_the_specification() -> None:
    stack = new_stack()
    burst_fleet(stack)
    payload = sent(stack)
    assert set(payload) == {"scheduled_time", "spec"}
    assert payload["scheduled_time"] == "<aws.scheduler.scheduled-time>"


def test_the_tick_runs_on_what_the_schedule_sends() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    group = logical_id(stack, fleet.groups["Graviton"].auto_scaling_group_name)
    aws = FakeAws(groups={group: FakeGroup()})
    event = {**sent(stack), "scheduled_time": "2027-01-15T08:00:00Z"}
    said = run(event, clients=aws.clients, deadline=Deadline.of(None))
    assert said["reason"] == "blind"
    assert aws.desired == {group: 0}


def test_every_part_of_a_fleet_arrives() -> None:
    stack = new_stack()
    jobs = sqs.Queue(stack, "Jobs")
    fleet = burst_fleet(
        stack,
        pools=[
            CapacityPool.graviton(
                "c8g.4xlarge",
                units_per_instance=16,
                min_instances=1,
                max_instances=50,
                boot=Duration.minutes(5),
                usd_per_hour=0.64,
            ),
            SPOT,
        ],
        signals=[
            DemandSignal.queue_backlog(
                jobs, seconds_per_message=90, drain_within=Duration.minutes(10)
            ),
            DemandSignal.metric_math(
                "(hls + FILL(dash, 0)) / 2",
                name="viewers",
                metrics={"hls": metric("Hls"), "dash": metric("Dash", statistic="Sum")},
                units_per_value=0.5,
                when_silent=WhenSilent.keep_growing(at_most=2, after=Duration.minutes(4)),
                plausible_max=100_000,
            ),
        ],
        baseline=Baseline.reported(
            namespace="OnPrem",
            metric_name="HealthyUnits",
            declared_units=400,
            dimensions={"Site": "north"},
            usable_fraction=0.9,
            fresh_for=Duration.minutes(4),
        ),
        service_level=ServiceLevel.premium(),
        pace=Pace.of(out_units=200, in_units=32),
    )
    name = logical_id(stack, jobs.queue_name)
    assert spec(stack) == FleetSpec(
        fleet="Media/Live",
        pools=(
            PoolSpec(
                name="Graviton",
                group=logical_id(stack, fleet.groups["Graviton"].auto_scaling_group_name),
                units_per_capacity=16,
                min_capacity=1,
                max_capacity=50,
                boot_seconds=300,
                usd_per_capacity_hour=0.64,
                instance_types=("c8g.4xlarge",),
                launch="direct",
                chip="graviton4",
            ),
            PoolSpec(
                name="GravitonSpot",
                group=logical_id(stack, fleet.groups["GravitonSpot"].auto_scaling_group_name),
                units_per_capacity=16,
                max_capacity=50,
                instance_types=("c8g.4xlarge", "c7g.4xlarge"),
                purchase="spot",
                launch="direct",
                chip="graviton3+graviton4",
            ),
        ),
        signals=(
            BacklogSignal(
                name="Media/Jobs",
                metrics={
                    "waiting": _sqs("ApproximateNumberOfMessagesVisible", name),
                    "in_flight": _sqs("ApproximateNumberOfMessagesNotVisible", name),
                },
                seconds_per_item=90,
                drain_within_seconds=600,
                when_silent=SilenceSpec(rule=SilenceRule.ZERO),
            ),
            RateSignal(
                name="viewers",
                metrics={
                    "hls": Metric(namespace="Live", metric_name="Hls"),
                    "dash": Metric(namespace="Live", metric_name="Dash", statistic="Sum"),
                },
                expression="(hls + FILL(dash, 0)) / 2",
                units_per_value=0.5,
                when_silent=SilenceSpec(rule=SilenceRule.GROW, after_seconds=240, at_most=2),
                plausible_max=100_000,
            ),
        ),
        baseline=ReportedBaseline(
            metric=Metric(
                namespace="OnPrem",
                metric_name="HealthyUnits",
                dimensions={"Site": "north"},
                statistic="Minimum",
            ),
            declared_units=400,
            usable_fraction=0.9,
            fresh_seconds=240,
        ),
        service_level=ServiceLevelSpec(unserved_cost=50, hold_seconds=900),
        pace=PaceSpec(out_units=200, in_units=32),
        state_table=logical_id(stack, fleet.state.table.table_name),
    )


def _sqs(metric_name: str, queue: str) -> Metric:
    return Metric(
        namespace="AWS/SQS",
        metric_name=metric_name,
        dimensions={"QueueName": queue},
        statistic="Maximum",
    )


def test_without_a_pace_a_tick_moves_half_of_the_ladder_out_and_a_tenth_in() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[GRAVITON, SPOT])
    assert spec(stack).pace == PaceSpec(out_units=800, in_units=160)


def test_without_a_pace_the_largest_point_can_always_move() -> None:
    stack = new_stack()
    small = CapacityPool.x86("c7i.large", units_per_instance=2, max_instances=2)
    large = CapacityPool.graviton("c8g.48xlarge", units_per_instance=90, max_instances=1)
    burst_fleet(stack, pools=[small, large])
    assert spec(stack).pace == PaceSpec(out_units=90, in_units=90)


def test_without_a_baseline_the_fleet_carries_all_demand() -> None:
    stack = new_stack()
    burst_fleet(stack)
    assert spec(stack).baseline == FixedBaseline(units=0)


def test_a_signal_may_be_added_after_the_fleet() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, signals=[])
    fleet.add_signal(DemandSignal.metric(metric("Late")))
    assert [signal.name for signal in spec(stack).signals] == ["Late"]


def test_a_fleet_behind_a_load_balancer_sends_what_the_tick_splits() -> None:
    stack = new_stack()
    fleet = StreamFleet(
        stack,
        "Edge",
        vpc=network(stack),
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        on_premises_targets=["10.9.0.4"],
    )
    traffic = fleet_specs(Template.from_stack(stack))["Media/Edge"].traffic
    assert traffic is not None
    assert traffic.listener_arn == logical_id(stack, fleet.listener.listener_arn)
    assert traffic.baseline_target_group_arn != traffic.cloud_target_group_arn


def test_names_with_quotes_do_not_break_the_payload() -> None:
    stack = new_stack()
    odd = cloudwatch.Metric(
        namespace='Live "north"', metric_name="a\\b", period=Duration.minutes(1)
    )
    burst_fleet(stack, signals=[DemandSignal.metric(odd, name='the "odd" one')])
    (signal,) = spec(stack).signals
    assert signal.name == 'the "odd" one'
    assert signal.metrics["value"].metric_name == "a\\b"
