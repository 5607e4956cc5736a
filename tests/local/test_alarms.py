"""Alarms of the local AWS look at their metrics as CloudWatch does."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends

from peakfleet_local.metrics import MetricStore, Sample, Watch

ACCOUNT, REGION = "123456789012", "eu-west-1"
START = 1_800_000_000 - 1_800_000_000 % 60
ASKED: dict[str, Any] = {
    "AlarmName": "NoTicks",
    "EvaluationPeriods": 3,
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 1,
    "TreatMissingData": "breaching",
}
PLAIN: dict[str, Any] = {
    "Namespace": "PeakFleet",
    "MetricName": "DemandUnits",
    "Statistic": "SampleCount",
    "Period": 60,
}


def filled(expression: str) -> dict[str, Any]:
    metric = {name: PLAIN[name] for name in ("Namespace", "MetricName")}
    stat = {"Metric": metric, "Period": 60, "Stat": PLAIN["Statistic"]}
    return {
        "Metrics": [
            {"Id": "all", "Expression": expression},
            {"Id": "m", "MetricStat": stat, "ReturnData": False},
        ]
    }


def watch(**what: Any) -> Watch | None:  # noqa: ANN401  of the API
    with mock_aws():
        cloudwatch = boto3.client("cloudwatch", REGION)
        cloudwatch.put_metric_alarm(**ASKED, **what)
        return Watch.of_alarm(cloudwatch_backends[ACCOUNT][REGION].alarms["NoTicks"])


def minutes_until_it_rings(what: dict[str, Any]) -> int:
    """Return how long after the last of ten minutes with values the alarm rings."""
    found, store = watch(**what), MetricStore()
    assert found is not None
    for minute in range(10):
        store.put(
            namespace="PeakFleet",
            name="DemandUnits",
            dimensions={},
            epoch_seconds=START + 60 * minute,
            sample=Sample.of(1.0),
        )
    return next(
        minute
        for minute in range(20)
        if found.state(store, now_epoch_seconds=START + 60 * (10 + minute), before="OK") == "ALARM"
    )


def test_an_alarm_on_a_metric_that_ends_rings_once_nothing_is_left_in_all_that_it_looks_at() -> (
    None
):
    assert minutes_until_it_rings(PLAIN) == 5


def test_an_alarm_that_fills_its_metric_rings_after_as_many_minutes_as_it_evaluates() -> None:
    assert minutes_until_it_rings(filled("FILL(m, 0)")) == 3


@pytest.mark.parametrize("expression", ["m * 2", "FILL(other, 0)", "FILL(m, REPEAT)"])
def test_other_expressions_are_not_evaluated(expression: str) -> None:
    assert watch(**filled(expression)) is None
