"""What is legal but unwise is said, and does not stop the synth."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from peakfleet import DemandSignal, WarmPool
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, metric, new_stack


def advice(stack: Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(entry.entry.data) for entry in found]


def test_a_sound_fleet_gets_no_advice() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[SPOT, GRAVITON])
    assert advice(stack) == []


def test_a_ladder_of_spot_alone_is_warned_of() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[SPOT])
    (text,) = advice(stack)
    assert "add an on-demand pool behind them" in text
    assert "peakfleet:BurstFleet.onlySpot" in text


@pytest.mark.parametrize(("minutes", "is_late"), [(3, True), (4, False)])
def test_a_deadline_before_any_capacity_serves_is_warned_of(minutes: int, is_late: bool) -> None:  # noqa: FBT001  a case of the table
    stack = new_stack()
    jobs = sqs.Queue(stack, "Jobs")
    signal = DemandSignal.queue_backlog(
        jobs, seconds_per_message=9, drain_within=Duration.minutes(minutes)
    )
    burst_fleet(stack, signals=[signal])
    assert [("serves after 240 seconds" in text) for text in advice(stack)] == [True] * is_late


def test_a_metric_with_the_default_period_of_five_minutes_is_warned_of() -> None:
    stack = new_stack()
    burst_fleet(stack, signals=[DemandSignal.metric(metric(period=Duration.minutes(5)))])
    (text,) = advice(stack)
    assert "period=Duration.minutes(1)" in text


def lead_of(stack: Stack) -> list[str]:
    found = Annotations.from_stack(stack).find_info(
        "*", Match.string_like_regexp("new capacity serves")
    )
    return [str(entry.entry.data) for entry in found]


def test_a_fleet_is_told_by_how_much_sooner_it_could_serve() -> None:
    stack = new_stack()
    burst_fleet(stack, pools=[SPOT, GRAVITON], foresight=None)
    (text,) = lead_of(stack)
    assert "new capacity serves 4.0 minutes after demand has changed" in text
    assert "1.7 minutes less if its metrics are published every 10 seconds" in text
    assert (
        "2.0 minutes less, after the first peak, if 'Graviton' had warm=WarmPool.reused()" in text
    )


def test_what_a_fleet_uses_or_cannot_use_is_not_told() -> None:
    stack = new_stack()
    warm = replace(GRAVITON, warm=WarmPool.reused())
    fast = DemandSignal.metric(metric(period=Duration.seconds(10)))
    burst_fleet(stack, "All", pools=[warm], signals=[fast])
    jobs = DemandSignal.queue_backlog(
        sqs.Queue(stack, "Jobs"), seconds_per_message=9, drain_within=Duration.minutes(10)
    )
    burst_fleet(stack, "Waits", signals=[jobs])
    assert lead_of(stack) == []


def test_metrics_of_aws_cannot_be_published_sooner() -> None:
    stack = new_stack()
    requests = cloudwatch.Metric(
        namespace="AWS/ApplicationELB",
        metric_name="RequestCount",
        period=Duration.minutes(1),
        statistic="Sum",
    )
    burst_fleet(stack, signals=[DemandSignal.metric(requests)])
    (text,) = lead_of(stack)
    assert "10 seconds" not in text
    assert "WarmPool.reused()" in text
