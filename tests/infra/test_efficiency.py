"""The ledger of a fleet: what it defines, what it may, what it is compared with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Duration, Tags
from aws_cdk.assertions import Template

from peakfleet import (
    CapacityPool,
    EfficiencyLedger,
    Feedback,
    Purchase,
    QueueFleet,
    SpecError,
)
from peakfleet.control_plane import readable
from peakfleet.inference import NEURON_NAMESPACE
from peakfleet.testing import fleet_specs, plan_at
from peakfleet_handlers.aws import Deadline
from peakfleet_handlers.ledger import pool_hours, run
from tests.handlers.fake_aws import FakeAws
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, function, network, new_stack, properties
from tests.infra.test_scaler import permissions

X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=12, max_instances=20, canary_share=0.05)
DAILY = {"Properties": {"ScheduleExpression": "rate(1 day)"}}
GROUP = "AWS::AutoScaling::AutoScalingGroup"


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    stack = new_stack()
    burst_fleet(stack, pools=[GRAVITON, X86], efficiency=EfficiencyLedger())
    return Template.from_stack(stack)


def schedule(template: Template) -> dict[str, Any]:
    (found,) = template.find_resources("AWS::Scheduler::Schedule", DAILY).values()
    target: dict[str, Any] = found["Properties"]["Target"]
    return target


def test_a_fleet_keeps_no_books_unless_it_is_told_to() -> None:
    stack = new_stack()
    assert burst_fleet(stack).ledger is None
    template = Template.from_stack(stack)
    assert not template.find_resources("AWS::Scheduler::Schedule", DAILY)
    assert "peakfleet:pool" not in str(template.to_json())


def test_the_ledger_reads_what_its_schedule_sends_once_a_day(template: Template) -> None:
    sent = json.loads(readable(schedule(template)["Input"]))
    event = {**sent, "scheduled_time": "2027-01-15T08:00:00Z"}
    answer = run(event, clients=FakeAws().clients, deadline=Deadline.of(None))
    assert len(answer["recorded"]) == 6
    assert answer["failed_calls"] == 0


def test_lambda_accepts_how_long_the_event_of_a_day_is_kept(template: Template) -> None:
    ages = [
        found["MaximumEventAgeInSeconds"]
        for found in properties(template, "AWS::Lambda::EventInvokeConfig")
    ]
    assert max(ages) == 21_600
    assert schedule(template)["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400


def test_it_may_read_metrics_and_write_its_books_and_nothing_else(template: Template) -> None:
    _, found = function(template, "ledger")
    allowed = permissions(template, of=found["Description"])
    assert set(allowed) == {
        "cloudwatch:GetMetricData",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }


def test_chip_and_price_of_each_pool_are_sent_along(template: Template) -> None:
    graviton, x86 = fleet_specs(template)["Media/Live"].pools
    assert (graviton.chip, x86.chip) == ("graviton4", "intel")
    assert graviton.usd_per_capacity_hour is not None
    assert x86.canary_share == 0.05


def test_a_pool_of_several_chips_names_them_and_one_of_unknown_types_none() -> None:
    assert SPOT.to_planner(group="g").chip == "graviton3+graviton4"
    other = CapacityPool.x86("z99.large", units_per_instance=1, max_instances=1)
    assert other.to_planner(group="g").chip is None


def test_an_instance_finds_its_pool_in_its_metadata(template: Template) -> None:
    tags = [
        tag["Value"]
        for group in properties(template, GROUP)
        for tag in group["Tags"]
        if tag["Key"] == "peakfleet:pool" and tag["PropagateAtLaunch"]
    ]
    assert sorted(tags) == ["Graviton", "X86"]
    for launch in properties(template, "AWS::EC2::LaunchTemplate"):
        assert launch["LaunchTemplateData"]["MetadataOptions"]["InstanceMetadataTags"] == "enabled"


def test_instances_may_publish_what_they_serve_in_one_namespace(template: Template) -> None:
    (found,) = (
        statement
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "cloudwatch:PutMetricData"
    )
    assert found["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "PeakFleet/Workers/Media/Live"}
    }


def test_a_tag_that_no_metadata_can_hold_is_refused() -> None:
    stack = new_stack()
    Tags.of(stack).add("cost center", "media")
    burst_fleet(stack, pools=[GRAVITON, X86], efficiency=EfficiencyLedger())
    with pytest.raises(RuntimeError, match=r"'cost center'.*without an EfficiencyLedger"):
        Template.from_stack(stack)


def test_while_demand_bursts_a_share_stays_on_x86(template: Template) -> None:
    spec = fleet_specs(template)["Media/Live"]
    plan = plan_at(spec, demand_units=480)
    assert {pool.name: pool.desired_capacity for pool in plan.pools} == {"Graviton": 29, "X86": 2}


def test_the_others_are_compared_with_the_canary_or_the_first_on_demand_or_who_is_named() -> None:
    def baseline(*pools: CapacityPool, name: str | None = None) -> str:
        return (
            EfficiencyLedger(baseline_pool=name).to_planner(pools, fleet="Media/Live").baseline_pool
        )

    def x86(name: str, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
        return CapacityPool.x86(
            "c7i.large", units_per_instance=1, max_instances=1, name=name, **options
        )

    spot, first = x86("Spot", purchase=Purchase.spot()), x86("First")
    assert baseline(GRAVITON, spot) == "Spot"
    assert baseline(spot, first, x86("Second")) == "First"
    assert baseline(spot, first, x86("Canary", canary_share=0.1)) == "Canary"
    assert baseline(spot, first, x86("Second"), name="Second") == "Second"


@pytest.mark.parametrize(
    ("pools", "name"),
    [
        ([GRAVITON], None),
        ([GRAVITON, X86], "Graviton"),
        ([CapacityPool.inferentia("inf2.xlarge", max_instances=2)], None),
    ],
)
def test_without_x86_there_is_nothing_to_compare_with(
    pools: list[CapacityPool], name: str | None
) -> None:
    with pytest.raises(SpecError, match=r"Media/Live.*an x86 pool is needed"):
        burst_fleet(new_stack(), pools=pools, efficiency=EfficiencyLedger(baseline_pool=name))


def test_measured_units_are_only_shown_unless_the_owner_lets_them_feed_back() -> None:
    pools = [GRAVITON, X86]
    assert EfficiencyLedger().to_planner(pools, fleet="Media/Live").at_most_change is None
    feedback = EfficiencyLedger(feedback=Feedback.within(0.2))
    assert feedback.to_planner(pools, fleet="Media/Live").at_most_change == 0.2
    with pytest.raises(SpecError, match=r"at_most_change must be between 0 and 0\.5, got 2"):
        EfficiencyLedger(feedback=Feedback.within(2)).to_planner(pools, fleet="Media/Live")


def test_ledger_and_neuron_watch_speak_of_the_same_metrics() -> None:
    assert pool_hours.NEURON_NAMESPACE == NEURON_NAMESPACE


def test_an_intent_hands_the_ledger_to_its_fleet() -> None:
    stack = new_stack()
    fleet = QueueFleet(
        stack,
        "Jobs",
        vpc=network(stack),
        pools=[GRAVITON, X86],
        seconds_per_message=90,
        drain_within=Duration.minutes(10),
        efficiency=EfficiencyLedger(),
    )
    assert fleet.fleet.ledger is not None
