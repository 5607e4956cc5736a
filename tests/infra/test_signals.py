"""Signals turn CloudWatch metrics into units."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aws_cdk import Duration, Environment
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sqs as sqs

from peakfleet import Baseline, DemandSignal, Pace, ServiceLevel, SpecError, WhenSilent
from peakfleet.signals.metrics import read
from peakfleet_planner import BacklogSignal, FixedBaseline, RateSignal, SilenceRule
from tests.infra.fleets import metric, network, new_stack


def rate(signal: DemandSignal) -> RateSignal:
    assert isinstance(signal.spec, RateSignal)
    return signal.spec


def test_a_metric_asks_in_proportion_to_its_value() -> None:
    signal = rate(DemandSignal.metric(metric(), units_per_value=0.25))
    assert signal.units({"value": 200}, 0) == 50
    assert signal.when_silent.rule is SilenceRule.HOLD


@pytest.mark.parametrize(
    "given",
    [
        metric(),
        metric(dimensions_map={"Zone": "b", "App": "a"}, period=Duration.seconds(10)),
        metric(statistic="p99").with_(statistic="Sum", label="asked for"),
        metric(account="222222222222", region="eu-west-1"),
        metric().attach_to(new_stack(env=Environment(account="111111111111", region="us-east-1"))),
        metric(region="eu-west-1").attach_to(
            new_stack(env=Environment(account="111111111111", region="us-east-1"))
        ),
    ],
)
def test_a_metric_is_read_as_the_cdk_configures_it(given: cloudwatch.Metric) -> None:
    stat = given.to_metric_config().metric_stat
    assert stat is not None
    found = read("signal", given)
    assert (found.account, found.region) == (stat.account, stat.region)
    read_as = found.metric
    assert (read_as.namespace, read_as.metric_name) == (stat.namespace, stat.metric_name)
    assert [*read_as.dimensions.items()] == [(one.name, one.value) for one in stat.dimensions or ()]
    assert (read_as.statistic, read_as.period_seconds) == (stat.statistic, stat.period.to_seconds())


def test_requests_are_counted_per_second_and_none_means_none() -> None:
    stack = new_stack()
    balancer = elbv2.ApplicationLoadBalancer(stack, "Front", vpc=network(stack))
    signal = rate(DemandSignal.request_rate(balancer, units_per_request_per_second=0.1))
    (read,) = signal.metrics.values()
    assert (read.metric_name, read.statistic, read.period_seconds) == ("RequestCount", "Sum", 60)
    assert signal.units({"value": 6000}, 0) == pytest.approx(10)
    assert signal.when_silent.rule is SilenceRule.ZERO


def test_bytes_are_megabytes_per_second_whatever_the_period() -> None:
    for minutes in (1, 5):
        moved = metric("Bytes", period=Duration.minutes(minutes), statistic="Average")
        signal = rate(DemandSignal.throughput(moved, units_per_megabyte_per_second=2))
        assert signal.metrics["value"].statistic == "Sum"
        assert signal.units({"value": 60e6 * minutes}, 0) == pytest.approx(2)


def test_a_backlog_reads_what_waits_and_what_is_in_flight() -> None:
    jobs = sqs.Queue(new_stack(), "Jobs")
    signal = DemandSignal.queue_backlog(
        jobs, seconds_per_message=90, drain_within=Duration.minutes(10)
    )
    assert isinstance(signal.spec, BacklogSignal)
    assert signal.spec.units({"waiting": 30, "in_flight": 10}, lead_seconds=240) == 10
    assert signal.name == "Media/Jobs"


def test_a_witness_of_silence_is_read_beside_its_signal() -> None:
    hosts = metric("HealthyHosts")
    silence = WhenSilent.means_zero(witness=hosts, witness_at_most=1)
    signal = DemandSignal.metric(metric(), when_silent=silence)
    assert {one.metric_name for one in rate(signal).reads.values()} == {"Streams", "HealthyHosts"}
    assert rate(signal).when_silent.witness_at_most == 1
    assert [one.metric.metric_name for one in signal.metrics] == ["Streams", "HealthyHosts"]


def test_a_rarely_published_metric_may_pause_for_two_periods() -> None:
    rare = metric(period=Duration.minutes(5))
    assert rate(DemandSignal.metric(rare)).when_silent.after_seconds == 600
    assert rate(DemandSignal.metric(metric())).when_silent.after_seconds == 180


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DemandSignal.metric(
                metric(period=Duration.minutes(5)),
                name="rare",
                when_silent=WhenSilent.hold(after=Duration.minutes(2)),
            ),
            "signal 'rare': when_silent.after must be at least the metric's period of 300",
        ),
        (
            lambda: DemandSignal.metric(metric(), units_per_value=0),
            "signal 'Streams': units_per_value must be above 0, got 0",
        ),
        (
            lambda: DemandSignal.metric_math("a + b", name="sum", metrics={"a": metric()}),
            "signal 'sum': expression 'a \\+ b' names 'b'; its metrics are a",
        ),
        (
            lambda: DemandSignal.metric_math(
                "a + b",
                name="sum",
                metrics={"a": metric(), "b": metric(period=Duration.minutes(5))},
            ),
            "its metrics must share one period_seconds",
        ),
        (
            lambda: DemandSignal.metric(metric(), plausible_max=0),
            "plausible_max must be above 0, got 0",
        ),
        (lambda: WhenSilent.keep_growing(at_most=0.5).to_planner("s", 60), "at_most must be at"),
        (lambda: Baseline.fixed(-1), "baseline: units must be at least 0, got -1"),
        (lambda: Baseline.fixed(1, usable_fraction=2), "usable_fraction must be between 0 and 1"),
        (
            lambda: Baseline.reported(namespace="n", metric_name="m", declared_units=0),
            "declared_units must be above 0, got 0",
        ),
        (
            lambda: ServiceLevel.custom(unserved_cost=0, hold=Duration.minutes(1)),
            "unserved_cost must be at least 1, got 0",
        ),
        (
            lambda: ServiceLevel.custom(unserved_cost=2, hold=Duration.hours(3)),
            "hold_seconds must be between 0 and 7200, got 10800",
        ),
        (lambda: Pace.of(out_units=0), "pace: out_units must be above 0, got 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()


def test_no_baseline_is_a_baseline_of_nothing() -> None:
    assert Baseline.none().spec == FixedBaseline(units=0)


def test_dearer_service_levels_hold_longer_and_miss_less() -> None:
    levels = [level.spec for level in (ServiceLevel.economy(), ServiceLevel.standard())]
    levels.append(ServiceLevel.premium().spec)
    assert [level.unserved_cost for level in levels] == [3, 10, 50]
    assert [level.hold_seconds for level in levels] == [120, 300, 900]
