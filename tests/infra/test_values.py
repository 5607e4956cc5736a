"""A value of the wrong kind, or one that only the deployment knows, is refused at synth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest
from aws_cdk import (
    CfnParameter,
    Duration,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st

from peakfleet import (
    Baseline,
    CapacityPool,
    DemandSignal,
    Drain,
    KnownPeak,
    ServiceLevel,
    SpecError,
    WarmPool,
)
from peakfleet_planner import ReportedBaseline
from tests.infra.fleets import (
    GRAVITON,
    burst_fleet,
    metric,
    new_stack,
)
from tests.infra.other_apps import (
    SQS,
    graviton,
    queue_fleet,
    stream_fleet,
)

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def wrong(value: object) -> Any:  # noqa: ANN401  so that mypy lets it pass
    return value


def token() -> Any:  # noqa: ANN401  what the CDK calls a number
    return CfnParameter(new_stack(), "Number", type="Number").value_as_number


def token_list() -> list[str]:
    return CfnParameter(new_stack(), "List", type="CommaDelimitedList").value_as_list


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: queue_fleet(new_stack(), drain_within=15),
            r"drain_within must be a Duration, such as Duration.minutes\(15\), got 15",
        ),
        (
            lambda: burst_fleet(new_stack(), baseline=400),
            "Live: BurstFleet: baseline must be a Baseline, got 400; use Baseline.none, Baseline.f",
        ),
        (
            lambda: burst_fleet(new_stack(), drain=Drain.when_idle),
            "drain must be a Drain, got .*; use Drain.none, Drain.when_idle",
        ),
        (lambda: burst_fleet(new_stack(), pools=GRAVITON), "pools must be a list, got"),
        (lambda: burst_fleet(new_stack(), pools=["c8g.large"]), "pools must be a CapacityPool"),
        (
            lambda: burst_fleet(new_stack(), signals=[metric()]),
            "signals must be a DemandSignal, got .*; use DemandSignal.queue_backlog",
        ),
        (lambda: burst_fleet(new_stack(), known_peaks="finale"), "known_peaks must be a list"),
        (
            lambda: KnownPeak("x", start=wrong("20:00"), duration=Duration.hours(1), units=9),
            r"start must be a datetime, such as datetime\(2027, .*, got '20:00'",
        ),
        (
            lambda: KnownPeak(
                "x", start=datetime(2027, 1, 1, tzinfo=UTC), duration=wrong(3), units=9
            ),
            "duration must be a Duration",
        ),
        (
            lambda: graviton(purchase="spot"),
            "purchase must be a Purchase, got 'spot'; use Purchase.on_demand, Purchase.spot",
        ),
        (lambda: graviton(warm=3), "warm must be a WarmPool, got 3; use WarmPool.forecast"),
        (lambda: graviton(boot=180), "boot must be a Duration"),
        (lambda: graviton(max_instances="9"), "max_instances must be a number, got '9'"),
        (
            lambda: CapacityPool.graviton("c8g.4xlarg", units_per_instance=1, max_instances=1),
            r"'c8g.4xlarg' is no instance type; did you mean c8g.4xlarge\?",
        ),
        (
            lambda: CapacityPool.graviton("c8g4xlarge", units_per_instance=1, max_instances=1),
            r"did you mean c8g.4xlarge\?",
        ),
        (lambda: stream_fleet(new_stack(), port=0), "port must be between 1 and 65535, got 0"),
        (
            lambda: stream_fleet(new_stack(), health_check_path="/it's"),
            r"health_check_path must be a path such as /healthz, .*it's",
        ),
        (
            lambda: stream_fleet(new_stack(), on_premises_targets="10.64.0.4"),
            "on_premises_targets must be a list, got '10.64.0.4'",
        ),
        (lambda: graviton(max_instances=2.5), "max_instances must be a whole number, got 2.5"),
        (lambda: graviton(root_volume_gib=20.5), "root_volume_gib must be a whole number"),
        (lambda: graviton(units_per_instance=nan), "units_per_instance must be a finite number"),
        (lambda: graviton(usd_per_hour=inf), "usd_per_hour must be a finite number, got inf"),
        (
            lambda: queue_fleet(new_stack(), seconds_per_message=-1),
            "signal 'backlog': seconds_per_message must be above 0, got -1",
        ),
        (
            lambda: queue_fleet(new_stack(), queue=SQS.format("eu-west-1", "1")),
            "Media/Jobs: QueueFleet: queue must be an IQueue, got 'arn:aws:sqs",
        ),
        (
            lambda: burst_fleet(new_stack(), vpc="vpc-1"),
            "Media/Live: BurstFleet: vpc must be an IVpc, got 'vpc-1'",
        ),
        (lambda: burst_fleet(new_stack(), vpc=None), "vpc must be an IVpc, got None"),
        (
            lambda: burst_fleet(new_stack(), alarm_topic="arn:aws:sns:x"),
            "alarm_topic must be an ITopic, got 'arn:aws:sns:x'",
        ),
        (lambda: DemandSignal.metric(wrong("Streams")), "metric must be an IMetric, got 'Streams'"),
        (
            lambda: DemandSignal.request_rate(wrong("arn:aws:elb")),
            "load_balancer must be an IApplicationLoadBalancer, got 'arn:aws:elb'",
        ),
        (
            lambda: CapacityPool.graviton("C8G.4xlarge", units_per_instance=1, max_instances=1),
            r"did you mean c8g.4xlarge\?",
        ),
        (
            lambda: CapacityPool.graviton(wrong(8), units_per_instance=1, max_instances=1),
            "instance types are names such as c8g.4xlarge, got 8",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_where_it_is_written(
    make: Callable[[], object], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: DemandSignal.metric(metric(), plausible_max=token()),
        lambda: DemandSignal.metric(metric(), units_per_value=token()),
        lambda: DemandSignal.throughput(metric(), plausible_max=token()),
        lambda: Baseline.fixed(4, usable_fraction=token()),
        lambda: Baseline.reported(
            namespace="a", metric_name="b", declared_units=4, healthy_fraction=token()
        ),
        lambda: Baseline.reported(
            namespace="a", metric_name="b", declared_units=4, unknown_fraction=token()
        ),
        lambda: ServiceLevel.custom(unserved_cost=token(), hold=Duration.minutes(1)),
        lambda: ServiceLevel.custom(unserved_cost=9, hold=Duration.minutes(token())),
        lambda: graviton(max_instances=token()),
        lambda: stream_fleet(new_stack(), on_premises_targets=token_list()),
        lambda: stream_fleet(new_stack(), port=token()),
        lambda: CapacityPool.graviton(
            CfnParameter(new_stack(), "Kind").value_as_string,
            units_per_instance=1,
            max_instances=1,
        ),
        lambda: CapacityPool.graviton(*token_list(), units_per_instance=1, max_instances=1),
        lambda: graviton(units_per_instance=token()),
        lambda: graviton(usd_per_hour=token()),
        lambda: graviton(name=CfnParameter(new_stack(), "Name").value_as_string),
        lambda: WarmPool.fixed(token()),
        lambda: queue_fleet(new_stack(), seconds_per_message=token()),
        lambda: burst_fleet(new_stack(), metadata_hop_limit=token()),
    ],
)
def test_what_only_the_deployment_knows_is_refused_by_name(make: Callable[[], object]) -> None:
    with pytest.raises(SpecError, match="must be known at synth, got"):
        make()


def test_a_structure_of_the_cdk_may_be_given_as_a_mapping() -> None:
    stack = new_stack()
    subnets = wrong({"subnet_type": ec2.SubnetType.PRIVATE_WITH_EGRESS})
    burst_fleet(stack, vpc_subnets=subnets)
    Template.from_stack(stack)


CASES = [str.lower, str.upper, str.title, str]


@given(
    st.sampled_from(["Average", "Minimum", "Maximum", "Sum", "SampleCount"]),
    st.sampled_from(CASES),
)
def test_a_statistic_is_sent_as_cloudwatch_spells_it(
    statistic: str, spell: Callable[[str], str]
) -> None:
    signal = DemandSignal.metric(metric(statistic=spell(statistic)))
    assert signal.metrics[0].metric.statistic == statistic
    reported = Baseline.reported(
        namespace="a", metric_name="b", declared_units=3, statistic=spell(statistic)
    )
    assert isinstance(reported.spec, ReportedBaseline)
    assert reported.spec.metric.statistic == statistic


@pytest.mark.parametrize("statistic", ["p99", "p99.9", "tm90", "TM(10%:90%)", "PR(:300)", "IQM"])
def test_extended_statistics_pass(statistic: str) -> None:
    assert DemandSignal.metric(metric(statistic=statistic)).metrics[0].metric.statistic == statistic


@pytest.mark.parametrize("statistic", ["Foo", "p", "p101", "median", "", "TM"])
def test_a_statistic_that_cloudwatch_does_not_have_is_refused(statistic: str) -> None:
    with pytest.raises(SpecError, match=r"baseline: statistic must be one of Average, IQM"):
        Baseline.reported(namespace="a", metric_name="b", declared_units=3, statistic=statistic)
