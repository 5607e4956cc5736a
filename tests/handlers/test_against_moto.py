"""Ticks through boto3 against moto, with groups that obey bounds and boot times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from peakfleet_handlers.aws import ATTEMPTS, CONNECT_SECONDS, READ_SECONDS, Clients
from peakfleet_handlers.aws import clients as shared_clients
from peakfleet_handlers.tick import handler
from peakfleet_planner import Hold, Metric, PoolSpec, RateSignal, TrafficSpec
from peakfleet_table import HOLDS, LATESTS
from tests.handlers.account import BOOT_SECONDS, Account, of
from tests.handlers.faults import Fault, refusal
from tests.handlers.scenes import FLEET, NOW, ON_PREMISES, REPORTING_FLEET, event


def test_a_peak_is_launched_serves_after_its_boot_time_and_is_let_go(account: Account) -> None:
    account.put(155)
    account.tick()
    assert account.desired() == {"g": 6, "x": 0}
    account.world.advance(60)
    assert "serving_units" not in account.tick()
    account.world.advance(60)
    assert account.tick()["serving_units"] == 60
    account.world.advance(3600)
    account.put(50)
    account.tick()
    assert account.desired() == {"g": 0, "x": 0}


def test_a_quiet_tick_is_three_reads_and_its_claim(
    account: Account,
) -> None:
    account.put(155)
    account.put(100, ON_PREMISES)
    reads = {"GetMetricData": 1, "DescribeAutoScalingGroups": 1, "Query": 1}
    account.tick(REPORTING_FLEET)
    assert account.calls == {**reads, "TransactWriteItems": 1, "SetDesiredCapacity": 1}
    account.world.advance(1)
    account.tick(REPORTING_FLEET)
    assert account.calls == {**reads, "PutItem": 1}


def test_501_metrics_are_two_pages(account: Account) -> None:
    signals = tuple(
        RateSignal(
            name=f"s{i}",
            metrics={"m": Metric(namespace="Live", metric_name=f"Streams{i}")},
            expression="m",
        )
        for i in range(501)
    )
    account.tick(replace(FLEET, signals=signals))
    assert account.calls["GetMetricData"] == 2


def test_a_hundred_groups_are_one_page(account: Account) -> None:
    pools = tuple(
        PoolSpec(name=f"p{i}", group=f"g{i}", units_per_capacity=1, max_capacity=1)
        for i in range(100)
    )
    account.tick(replace(FLEET, pools=(*FLEET.pools[:1], *pools[1:])))
    assert account.calls["DescribeAutoScalingGroups"] == 1


def test_of_two_ticks_out_of_order_only_the_later_acts(account: Account) -> None:
    account.put(155)
    account.tick()
    account.world.start_at(NOW - 60)
    account.put(300)
    assert account.tick()["applied"]["recorded"] == "stale"
    assert account.desired() == {"g": 6, "x": 0}
    assert account.remembered() == [
        "DECIDED#2027-01-15T08",
        "DECISION#2027-01-15T08:00:00Z",
        "LATEST",
        "TICK",
    ]


def test_a_tick_delivered_twice_acts_once(account: Account) -> None:
    account.put(155)
    account.tick()
    of("autoscaling").set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=0)
    assert account.tick()["applied"]["recorded"] == "stale"
    assert account.desired()["g"] == 0


@pytest.mark.parametrize(
    "tick",
    [{}, {"tick": {"S": "noon"}}, {"tick": {"N": str(NOW + 10 * 365 * 24 * 3600)}}],
)
def test_a_record_that_cannot_be_one_does_not_block_the_fleet(
    account: Account, tick: dict[str, Any]
) -> None:
    account.put_item({**LATESTS.key("Media/Live"), **tick})
    account.put(155)
    assert account.tick()["applied"]["recorded"] == "written"
    assert account.desired()["g"] == 6


def test_a_hold_in_the_table_is_obeyed(account: Account) -> None:
    hold = Hold(owner="ada", reason="audit", until_epoch_seconds=NOW + 60)
    account.put_item(HOLDS.item("Media/Live", hold))
    account.put(155)
    assert account.tick()["reason"] == "held"
    assert account.desired() == {"g": 0, "x": 0}


def test_weights_of_real_groups_are_points_of_capacity(account: Account) -> None:
    overrides = [
        {"InstanceType": "c7g.large", "WeightedCapacity": "2"},
        {"InstanceType": "c8g.large", "WeightedCapacity": "2"},
    ]
    account.make_group("w", 12, overrides)
    pool = PoolSpec(name="Weighted", group="w", units_per_capacity=5, max_capacity=12)
    account.put(155)
    account.tick(replace(FLEET, pools=(pool,)))
    account.world.advance(BOOT_SECONDS)
    assert account.tick(replace(FLEET, pools=(pool,)))["serving_units"] >= 55
    assert len(account.world.machines_of("w")) == 6


def test_a_group_lower_than_its_specification_is_not_asked_for_more(account: Account) -> None:
    account.make_group("low", 4, [{"InstanceType": "c7g.large"}])
    pool = PoolSpec(name="Low", group="low", units_per_capacity=10, max_capacity=10)
    account.put(400)
    assert account.tick(replace(FLEET, pools=(pool,)))["applied"]["failed_calls"] == 0
    assert account.desired()["low"] == 4


def test_a_listener_gets_the_weights(account: Account) -> None:
    elb = of("elbv2")
    targets = [
        elb.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=account.vpc, TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        for name in ("baseline", "cloud")
    ]
    balancer = elb.create_load_balancer(Name="lb", Subnets=account.subnets, Scheme="internal")
    forward = {"Type": "forward", "TargetGroupArn": targets[0]}
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[forward],
    )["Listeners"][0]["ListenerArn"]
    for arn in targets:
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.0.9", "Port": 80}])
    traffic = TrafficSpec(
        listener_arn=listener,
        baseline_target_group_arn=targets[0],
        cloud_target_group_arn=targets[1],
    )
    account.put(150)
    account.tick(replace(FLEET, traffic=traffic))
    account.world.advance(BOOT_SECONDS)
    account.tick(replace(FLEET, traffic=traffic))
    (action,) = elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"]
    split = {t["TargetGroupArn"]: t["Weight"] for t in action["ForwardConfig"]["TargetGroups"]}
    assert split == {targets[0]: 666, targets[1]: 333}
    account.tick(replace(FLEET, traffic=traffic))
    assert account.calls["ModifyListener"] == 0


def test_with_every_api_throttled_a_tick_tries_twice_and_still_answers(account: Account) -> None:
    clients = account.clients
    faults = [
        Fault(clients.cloudwatch, "GetMetricData", "ThrottlingException"),
        Fault(clients.autoscaling, "DescribeAutoScalingGroups", "Throttling"),
        Fault(clients.dynamodb, "Query", "ProvisionedThroughputExceededException"),
    ]
    said = account.tick()
    assert said["reason"] == "blind"
    assert said["applied"]["failed_calls"] == 3
    assert [fault.attempts for fault in faults] == [ATTEMPTS] * 3


@pytest.mark.parametrize("service", ["cloudwatch", "autoscaling", "dynamodb", "elbv2"])
def test_every_client_has_bounded_patience(account: Account, service: str) -> None:
    config = getattr(account.clients, service).meta.config
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == ATTEMPTS
    assert (config.connect_timeout, config.read_timeout) == (CONNECT_SECONDS, READ_SECONDS)


@pytest.mark.parametrize(
    "error",
    [ConnectTimeoutError(endpoint_url="https://aws"), ReadTimeoutError(endpoint_url="https://aws")],
)
def test_an_unreachable_metric_api_changes_nothing(account: Account, error: Exception) -> None:
    account.put(155)
    account.tick()
    account.world.advance(60)
    fault = Fault(account.clients.cloudwatch, "GetMetricData", error)
    assert account.tick()["reason"] == "signal-silent"
    assert fault.attempts == ATTEMPTS
    assert account.desired() == {"g": 6, "x": 0}


def test_a_refused_size_is_asked_for_again_a_minute_later(account: Account) -> None:
    account.put(155)
    Fault(account.clients.autoscaling, "SetDesiredCapacity", refusal("ScalingActivityInProgress"))
    assert account.tick()["applied"]["failed_calls"] == 1
    assert account.desired() == {"g": 0, "x": 0}
    account.clients = Clients()
    account.world.advance(60)
    account.tick()
    assert account.desired()["g"] == 6


def test_a_size_that_was_set_while_the_answer_was_lost_is_not_set_again(account: Account) -> None:
    account.put(155)
    fault = Fault(account.clients.autoscaling, "SetDesiredCapacity", "InternalFailure")
    assert account.tick()["applied"]["failed_calls"] == 1
    account.world.advance(60)
    assert account.tick()["applied"]["recorded"] is None
    assert fault.attempts == 1
    assert account.desired()["g"] == 6


def test_the_handler_itself_needs_only_event_and_region(account: Account) -> None:
    account.put(155)
    shared_clients.cache_clear()
    try:
        assert handler(event())["applied"]["pools"] == {"Graviton": 6}
    finally:
        shared_clients.cache_clear()
    assert account.desired()["g"] == 6
