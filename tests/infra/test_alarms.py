"""Alarms say what is wrong, what it means and what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from peakfleet import Drain, Metrics, SpecError
from peakfleet_planner.spec import TROUBLES, Detail, published
from tests.infra.fleets import burst_fleet, new_stack, only, properties

ALARM = "AWS::CloudWatch::Alarm"


@pytest.fixture(name="alarms", scope="module")
def _alarms() -> dict[str, dict[str, Any]]:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    fleet = burst_fleet(stack, alarm_topic=topic)
    template = Template.from_stack(stack)
    found = template.find_resources(ALARM)
    return {
        name: found[stack.resolve(alarm.alarm_arn)["Fn::GetAtt"][0]]["Properties"]
        for name, alarm in {**fleet.alarms, **fleet.control_plane.alarms}.items()
    }


def test_every_alarm_names_the_fleet_says_what_to_do_and_tells_somebody(
    alarms: dict[str, dict[str, Any]],
) -> None:
    for alarm in alarms.values():
        assert "Media/" in alarm["AlarmDescription"]
        assert len(alarm["AlarmDescription"]) <= 1024
        assert len(alarm["AlarmActions"]) == 1


def test_a_dead_scaler_is_noticed_within_three_minutes(alarms: dict[str, dict[str, Any]]) -> None:
    alarm = alarms["NoTicks"]
    filled, ticks = alarm["Metrics"]
    assert filled["Expression"] == f"FILL({ticks['Id']}, 0)"
    assert ticks["ReturnData"] is False
    metric = ticks["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == ("PeakFleet", "DemandUnits")
    assert metric["Dimensions"] == [{"Name": "Fleet", "Value": "Media/Live"}]
    assert (ticks["MetricStat"]["Stat"], ticks["MetricStat"]["Period"]) == ("SampleCount", 60)
    assert alarm["EvaluationPeriods"] == 3
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize(
    ("name", "metric", "minutes"),
    [
        ("UnservedDemand", "UnservedUnits", 10),
        ("PoolTrouble", "PoolTrouble", 1),
        ("CapacityTrouble", "CapacityTrouble", 5),
        ("LastingTrouble", "LastingTrouble", 10),
        ("ScalerErrors", "Errors", 3),
        ("DeadLetters", "ApproximateNumberOfMessagesVisible", 1),
        ("EventErrors", "Errors", 5),
    ],
)
def test_what_lasts_rings(
    alarms: dict[str, dict[str, Any]], name: str, metric: str, minutes: int
) -> None:
    alarm = alarms[name]
    assert (alarm["MetricName"], alarm["EvaluationPeriods"]) == (metric, minutes)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_one_alarm_rings_when_any_rings_and_pages_nobody_by_itself() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, alarm_topic=sns.Topic(stack, "Topic"))
    health = only(Template.from_stack(stack), "AWS::CloudWatch::CompositeAlarm")
    for alarm in fleet.alarms.values():
        logical_id = stack.resolve(alarm.alarm_arn)["Fn::GetAtt"][0]
        assert logical_id in str(health["AlarmRule"])
    assert "Media/Live" in health["AlarmDescription"]
    assert not {"AlarmActions", "AlarmName"} & set(health)


@pytest.mark.parametrize("detail", ["least", "essential", "every"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_trouble_rings_an_alarm_that_says_what_it_is(
    alarms: dict[str, dict[str, Any]], trouble: str, detail: Detail
) -> None:
    sent = published({"DemandUnits": 0, trouble: 3}, detail)
    (alarm,) = (one for name, one in alarms.items() if name in sent)
    assert sent[alarm["MetricName"]] == 1
    assert trouble in alarm["AlarmDescription"]


def test_five_alarms_and_one_that_sums_them_up_are_what_a_fleet_costs() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    assert len(fleet.alarms) == 5
    assert len(fleet.control_plane.alarms) == 3
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::CompositeAlarm", 1)


def test_with_the_least_detail_no_alarm_sums_up_the_others() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, metrics=Metrics.least())
    assert len(fleet.alarms) == 5
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::CompositeAlarm", 0)
    with pytest.raises(SpecError, match=r"Metrics\.essential"):
        _ = fleet.health_alarm


def test_a_metric_that_the_fleet_does_not_publish_is_refused_with_the_way_out() -> None:
    fleet = burst_fleet(new_stack())
    with pytest.raises(SpecError, match=r"does not publish the metric AheadUnits .*every\(\)"):
        fleet.metric("AheadUnits")
    least = burst_fleet(new_stack(), metrics=Metrics.least())
    with pytest.raises(SpecError, match=r"essential\(\)"):
        least.metric("WantedUnits")
    burst_fleet(new_stack(), metrics=Metrics.every()).metric("AheadUnits")


def test_a_topic_is_told_once_by_each_alarm_of_the_control_plane_however_many_fleets() -> None:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    for name in ("First", "Second"):
        burst_fleet(stack, name, alarm_topic=topic)
    found = properties(Template.from_stack(stack), ALARM)
    assert len(found) == 13
    assert {len(alarm["AlarmActions"]) for alarm in found} == {1}


def test_without_a_topic_alarms_only_show() -> None:
    stack = new_stack()
    burst_fleet(stack)
    alarms = properties(Template.from_stack(stack), ALARM)
    assert alarms
    assert not any("AlarmActions" in alarm for alarm in alarms)


def test_a_metric_of_the_fleet_makes_an_alarm_of_your_own() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    fleet.metric_unserved_units().create_alarm(stack, "Missed", threshold=0, evaluation_periods=5)
    fleet.metric_desired_capacity("Graviton").create_alarm(
        stack, "Many", threshold=40, evaluation_periods=1
    )
    template = Template.from_stack(stack)
    template.has_resource_properties(
        ALARM,
        {
            "Namespace": "PeakFleet",
            "MetricName": "UnservedUnits",
            "Dimensions": [{"Name": "Fleet", "Value": "Media/Live"}],
            "Period": 60,
        },
    )
    template.has_resource_properties(
        ALARM,
        {
            "Namespace": "AWS/AutoScaling",
            "MetricName": "GroupDesiredCapacity",
            "Dimensions": [
                {
                    "Name": "AutoScalingGroupName",
                    "Value": stack.resolve(fleet.groups["Graviton"].auto_scaling_group_name),
                }
            ],
        },
    )


@pytest.mark.parametrize(
    ("drain", "minutes"),
    [
        (Drain.when_idle(at_most=Duration.minutes(15)), 15),
        (Drain.when_idle(at_most=Duration.minutes(90)), 90),
        (Drain.when_idle(at_most=Duration.hours(48)), 24 * 60),
    ],
)
def test_machines_that_are_protected_for_no_work_ring_after_the_time_that_work_may_take(
    drain: Drain, minutes: int
) -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, drain=drain)
    alarm = Template.from_stack(stack).find_resources(ALARM)[
        stack.resolve(fleet.alarms["IdleProtected"].alarm_arn)["Fn::GetAtt"][0]
    ]["Properties"]
    assert (alarm["MetricName"], alarm["EvaluationPeriods"]) == ("IdleProtected", minutes)
    assert "IdleProtected" in json.dumps(
        only(Template.from_stack(stack), "AWS::CloudWatch::CompositeAlarm")["AlarmRule"]
    )


def test_a_fleet_that_protects_nothing_has_no_alarm_on_it() -> None:
    assert "IdleProtected" not in burst_fleet(new_stack()).alarms
