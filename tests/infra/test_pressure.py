"""A signal that is read by the second makes its fleet decide within seconds."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk.assertions import Template

from peakfleet import BurstFleet, DemandSignal, PressureAlarm, SpecError
from peakfleet.testing import fleet_specs, plan_at
from tests.infra.fleets import burst_fleet, metric, new_stack, properties

TEN = Duration.seconds(10)


def by_the_second(**options: Any) -> DemandSignal:  # noqa: ANN401  the options of a signal
    return DemandSignal.metric(metric(period=TEN, statistic="Average"), **options)


def pressure(stack: Stack) -> list[dict[str, Any]]:
    """Return the alarms that compare a signal with what is covered."""
    alarms = properties(Template.from_stack(stack), "AWS::CloudWatch::Alarm")
    return [alarm for alarm in alarms if "CoveredUnits" in str(alarm)]


def watched(alarm: dict[str, Any]) -> str:
    (expression,) = [one["Expression"] for one in alarm["Metrics"] if "Expression" in one]
    return str(expression)


def test_an_alarm_compares_demand_with_what_is_covered_every_ten_seconds() -> None:
    stack = new_stack()
    burst_fleet(stack, signals=[by_the_second(units_per_value=0.25)])
    (alarm,) = pressure(stack)
    assert watched(alarm) == "(m0) * 0.25 - covered"
    stats = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert {stat["Period"] for stat in stats.values()} == {10}
    assert stats["m0"]["Metric"]["MetricName"] == "Streams"
    assert stats["covered"]["Metric"] == {
        "Namespace": "PeakFleet",
        "MetricName": "CoveredUnits",
        "Dimensions": [{"Name": "Fleet", "Value": "Media/Live"}],
    }
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_the_fleet_decides_when_it_goes_off_and_nobody_is_told() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, signals=[by_the_second(name="viewers")])
    alarm = fleet.pressure_alarms["viewers"]
    (rule,) = [
        rule
        for rule in properties(Template.from_stack(stack), "AWS::Events::Rule")
        if rule["EventPattern"]["source"] == ["aws.cloudwatch"]
    ]
    assert rule["EventPattern"]["resources"] == [stack.resolve(alarm.alarm_arn)]
    assert rule["EventPattern"]["detail"] == {"state": {"value": ["ALARM"]}}
    assert "viewers" not in fleet.alarms
    assert "AlarmActions" not in pressure(stack)[0]


def test_a_signal_that_is_added_later_is_watched_too() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    assert not pressure(stack)
    assert not fleet.pressure_alarms
    later = new_stack()
    burst_fleet(later).add_signal(by_the_second(name="late"))
    assert len(pressure(later)) == 1


def test_arithmetic_is_watched_with_the_meaning_that_the_fleet_gives_it() -> None:
    stack = new_stack()
    both = DemandSignal.metric_math(
        "(Hls + FILL(Dash, 0)) / 2",
        name="viewers",
        metrics={"Hls": metric("Hls", period=TEN), "Dash": metric("Dash", period=TEN)},
    )
    burst_fleet(stack, signals=[both])
    assert watched(pressure(stack)[0]) == "((m0 + FILL(m1, 0)) / 2) * 1 - covered"


@pytest.mark.parametrize("seconds", [1, 5, 60, 300])
def test_what_no_alarm_can_watch_by_the_second_waits_for_the_tick(seconds: int) -> None:
    stack = new_stack()
    signal = DemandSignal.metric(metric(period=Duration.seconds(seconds)))
    burst_fleet(stack, signals=[signal])
    assert not pressure(stack)
    with pytest.raises(SpecError, match=f"signal 'Streams'.* got periods of {seconds}"):
        _alarm_of(stack, signal)


def test_what_cloudwatch_reads_differently_is_not_watched() -> None:
    most = DemandSignal.metric_math(
        "MAX(a, b)",
        name="most",
        metrics={"a": metric("A", period=TEN), "b": metric("B", period=TEN)},
    )
    stack = new_stack()
    burst_fleet(stack, signals=[most])
    assert not pressure(stack)


def test_a_metric_by_the_second_is_silent_after_a_minute_and_plans_like_any_other() -> None:
    stack = new_stack()
    burst_fleet(stack, signals=[by_the_second()])
    spec = fleet_specs(Template.from_stack(stack))["Media/Live"]
    assert spec.signals[0].when_silent.after_seconds == 60
    assert spec.signals[0].delay_seconds == 10
    assert plan_at(spec, demand_units=160).demand_units == 160


def _alarm_of(stack: Stack, signal: DemandSignal) -> None:
    fleet = stack.node.find_child("Live")
    assert isinstance(fleet, BurstFleet)
    PressureAlarm(
        stack, "Pressure", signal=signal, covered=fleet.metric_covered_units(), fleet="Live"
    )
