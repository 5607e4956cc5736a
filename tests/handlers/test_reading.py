"""What a tick reads: whole periods, every page, and no failure taken for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peakfleet_planner import Metric, PoolSpec, RateSignal, SilenceRule, WhenSilent
from tests.handlers.fake_aws import FakeGroup, instance
from tests.handlers.scenes import (
    FLEET,
    NOW,
    REPORTING_FLEET,
    aws,
    minutes,
    remembers,
    tick,
)


def test_a_failed_read_is_never_taken_for_silence_that_means_zero() -> None:
    quiet = replace(FLEET.signals[0], when_silent=WhenSilent(rule=SilenceRule.ZERO))
    fake = remembers(aws(graviton=6))
    fake.metrics["Streams"] = minutes([0] * 10, until=NOW - 600)
    fake.statuses["Streams"] = "InternalError"
    tick(fake, replace(FLEET, signals=(quiet,)))
    assert fake.desired["g"] == 6
    fake.statuses.clear()
    tick(fake, replace(FLEET, signals=(quiet,)))
    assert fake.desired["g"] == 0


@pytest.mark.parametrize("status", ["InternalError", "Forbidden", "PartialData"])
def test_one_unreadable_metric_of_a_signal_never_counts_as_nothing(status: str) -> None:
    both = RateSignal(
        name="streams",
        metrics={
            "m": Metric(namespace="Live", metric_name="Streams"),
            "n": Metric(namespace="Live", metric_name="Recordings"),
        },
        expression="m + FILL(n, 0)",
    )
    fake = remembers(aws(120, graviton=6))
    fake.statuses["Recordings"] = status
    tick(fake, replace(FLEET, signals=(both,)))
    assert fake.desired["g"] == 6


def test_weighted_instances_serve_their_weight_and_only_while_healthy() -> None:
    fake = aws(200, graviton=10)
    fake.groups["g"].instances = [
        instance(weight="4"),
        instance(weight="2"),
        instance(state="Pending", weight="2"),
        instance(health="Unhealthy", weight="2"),
    ]
    assert tick(fake)["serving_units"] == 60


def test_an_unreported_baseline_is_unknown_and_nothing_is_let_go() -> None:
    fake = remembers(aws(50, graviton=6))
    fake.statuses["HealthyUnits"] = "Forbidden"
    assert "baseline-unknown" in str(tick(fake, REPORTING_FLEET))
    assert fake.desired["g"] == 6


def test_a_period_that_still_runs_is_not_read() -> None:
    fake = aws(155)
    fake.metrics["Streams"][NOW] = 9000.0
    tick(fake, now=NOW + 30)
    assert fake.desired["g"] == 6


def test_every_period_of_a_mixed_fleet_is_whole() -> None:
    slow = RateSignal(
        name="slow",
        metrics={"m": Metric(namespace="Live", metric_name="Slow", period_seconds=300)},
        expression="m",
    )
    fake = aws(155)
    fake.metrics["Slow"] = {NOW - 300: 105.0, NOW: 9000.0}
    tick(fake, replace(FLEET, signals=(*FLEET.signals, slow)), now=NOW + 60)
    (asked,) = (asked for operation, asked in fake.calls if operation == "GetMetricData")
    assert asked["StartTime"].timestamp() % 300 == 0
    assert asked["EndTime"].timestamp() == NOW + 60
    assert fake.desired["g"] == 6


def test_more_than_500_metrics_are_read_in_pages_of_500() -> None:
    signals = tuple(
        replace(FLEET.signals[0], name=f"s{i}", metrics={"m": Metric(namespace="L", metric_name=n)})
        for i, n in enumerate([*(f"Other{i}" for i in range(500)), "Streams"])
    )
    fake = aws(155)
    tick(fake, replace(FLEET, signals=signals))
    sizes = [len(a["MetricDataQueries"]) for o, a in fake.calls if o == "GetMetricData"]
    assert sizes == [500, 1]
    assert fake.desired["g"] == 6


def test_pages_are_followed_to_the_last() -> None:
    fake = aws(150)
    fake.metrics["HealthyUnits"] = minutes([95.0] * 70)
    fake.page_size = 1
    tick(fake, REPORTING_FLEET)
    assert fake.counted()["GetMetricData"] == 2
    assert fake.counted()["DescribeAutoScalingGroups"] == 2
    assert fake.desired == {"g": 6, "x": 0}


@pytest.mark.parametrize("reader", [None, "111122223333", "999900001111"])
def test_a_metric_names_its_account_where_that_is_not_the_readers(reader: str | None) -> None:
    theirs = Metric(namespace="Live", metric_name="Streams", account="999900001111", reader=reader)
    signal = replace(FLEET.signals[0], metrics={"m": theirs})
    fake = aws(140)
    tick(fake, replace(FLEET, signals=(signal,)))
    (asked,) = [asked for operation, asked in fake.calls if operation == "GetMetricData"]
    named = {query.get("AccountId") for query in asked["MetricDataQueries"]}
    assert named == {None if reader == "999900001111" else "999900001111"}


def test_groups_are_read_a_hundred_at_a_time() -> None:
    pools = tuple(
        PoolSpec(name=f"p{i}", group=f"g{i}", units_per_capacity=1, max_capacity=1)
        for i in range(101)
    )
    fake = aws(201)
    fake.groups = {pool.group: FakeGroup(maximum=1) for pool in pools}
    tick(fake, replace(FLEET, pools=pools))
    asked = [a for o, a in fake.calls if o == "DescribeAutoScalingGroups"]
    assert [len(a["AutoScalingGroupNames"]) for a in asked] == [100, 1]
    assert {a["MaxRecords"] for a in asked} == {100}
    assert sum(fake.desired.values()) == 101


@pytest.mark.parametrize("absurd", [2.0**360, 1e308, -5.0, float("nan"), float("inf")])
def test_a_value_that_cannot_be_true_moves_nothing(absurd: float) -> None:
    fake = remembers(aws(155, graviton=6))
    fake.metrics["Streams"][NOW - 60] = absurd
    assert "signal-implausible" in str(tick(fake))
    assert fake.desired == {"g": 6, "x": 0}
