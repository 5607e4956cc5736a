"""What is legal but unwise is said, and does not stop the synth."""

from __future__ import annotations

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from peakfleet import DemandSignal
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
