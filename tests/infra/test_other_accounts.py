"""Queues, metrics, addresses and networks that belong to others."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from aws_cdk import (
    Duration,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match, Template
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from peakfleet import (
    CapacityBlock,
    CapacityPool,
    Checkpoints,
    DemandSignal,
    Endpoint,
    InferenceFleet,
    Model,
    SafetyNet,
    SpecError,
    TrainingFleet,
    WhenSilent,
)
from peakfleet.load_balancer import check_addresses
from peakfleet_planner import Signal
from tests.infra.fleets import (
    burst_fleet,
    metric,
    new_stack,
    properties,
)
from tests.infra.other_apps import (
    HERE,
    NEURON,
    OTHER,
    SQS,
    queue_fleet,
    stream_fleet,
)


@pytest.mark.parametrize(
    ("region", "account", "words"),
    [
        ("eu-west-1", OTHER, "of account 999900001111, but the fleet is in 111122223333; define"),
        ("eu-west-2", "111122223333", "of region eu-west-2, but the fleet is in eu-west-1; define"),
    ],
)
def test_workers_have_a_queue_of_their_own_account_and_region(
    region: str, account: str, words: str
) -> None:
    stack = new_stack(env=HERE)
    queue = sqs.Queue.from_queue_arn(stack, "Q", SQS.format(region, account))
    with pytest.raises(SpecError, match=f"Media/Jobs: queue: Media/Q is {words} .* BurstFleet"):
        queue_fleet(stack, queue=queue)
    with pytest.raises(SpecError, match=r"safety net: Media/Q is .* use SafetyNet\.cpu"):
        burst_fleet(
            stack, safety_net=SafetyNet.late_messages(queue, older_than=Duration.minutes(1))
        )


def test_workers_of_another_stack_of_the_same_place_have_its_queue() -> None:
    for env in (HERE, None):
        stack = new_stack(env=env)
        arn = SQS.format(HERE.region, HERE.account)
        queue_fleet(stack, queue=sqs.Queue.from_queue_arn(stack, "Q", arn))


def foreign_signals(stack: Stack, region: str = "eu-west-1") -> list[DemandSignal]:
    """Return a signal of each kind that another account publishes."""
    queue = sqs.Queue.from_queue_arn(stack, "Q", SQS.format(region, OTHER))
    balancer = elbv2.ApplicationLoadBalancer.from_application_load_balancer_attributes(
        stack,
        "Balancer",
        load_balancer_arn=f"arn:aws:elasticloadbalancing:{region}:{OTHER}:loadbalancer/app/x/1",
        security_group_id="sg-1",
    )
    theirs = metric(account=OTHER, region=region)
    return [
        DemandSignal.queue_backlog(queue, seconds_per_message=2, drain_within=Duration.minutes(9)),
        DemandSignal.request_rate(balancer),
        DemandSignal.metric(theirs),
        DemandSignal.throughput(theirs, name="bytes"),
        DemandSignal.metric_math("a + 1", metrics={"a": theirs}, name="math"),
        DemandSignal.metric(
            metric("Mine"), name="witnessed", when_silent=WhenSilent.means_zero(witness=theirs)
        ),
        DemandSignal.metric(theirs.with_(period=Duration.seconds(10)), name="fast"),
    ]


def places_of(signal: Signal) -> set[tuple[str | None, str | None]]:
    witness = signal.when_silent.witness
    read = [*signal.metrics.values(), *([witness] if witness else [])]
    return {(one.account, one.other_account) for one in read}


def test_what_another_account_publishes_is_read_there_and_told() -> None:
    stack = new_stack(env=HERE)
    fleet = burst_fleet(stack, signals=foreign_signals(stack))
    for signal in fleet.spec.signals:
        assert (OTHER, OTHER) in places_of(signal), signal.name
        told = f"signal '{signal.name}': it is read from account {OTHER}, which has to share.*"
        Annotations.from_stack(stack).has_info("/Media/Live", Match.string_like_regexp(told))
    assert not fleet.pressure_alarms  # an alarm in another account's name needs roles of its own


def test_a_lone_queue_of_another_account_has_no_safety_net_that_needs_its_alarms() -> None:
    stack = new_stack(env=HERE)
    burst_fleet(stack, signals=foreign_signals(stack)[:1])
    (policy,) = properties(Template.from_stack(stack), "AWS::AutoScaling::ScalingPolicy")
    assert policy["PolicyType"] == "TargetTrackingScaling"


@pytest.mark.parametrize("index", range(7))
def test_what_is_published_in_another_region_is_refused(index: int) -> None:
    stack = new_stack(env=HERE)
    signal = foreign_signals(stack, "eu-west-2")[index]
    with pytest.raises(SpecError, match=r"Media/Live: signal '.+': metric '.+' is of region eu-w"):
        burst_fleet(stack, signals=[signal])


def test_a_stack_of_no_known_account_leaves_it_to_the_deployment_and_says_so() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, signals=foreign_signals(stack))
    for signal in fleet.spec.signals:
        read = signal.when_silent.witness or next(iter(signal.metrics.values()))
        assert (read.account, read.reader) == (OTHER, stack.account)
        assert replace(read, reader=OTHER).other_account is None
        told = f"signal '{signal.name}': it is read from account {OTHER} if that is not the stack.*"
        Annotations.from_stack(stack).has_info("/Media/Live", Match.string_like_regexp(told))
        told = f"signal '{signal.name}': it can be read in eu-west-1 only.*"
        Annotations.from_stack(stack).has_info("/Media/Live", Match.string_like_regexp(told))
    assert list(fleet.pressure_alarms) == ["fast"]


def test_what_the_fleets_own_account_publishes_names_no_account() -> None:
    stack = new_stack(env=HERE)
    own = DemandSignal.metric(metric(account=HERE.account, region=HERE.region))
    fleet = burst_fleet(stack, signals=[own])
    assert places_of(fleet.spec.signals[0]) == {(None, None)}
    Annotations.from_stack(stack).has_no_info("*", Match.string_like_regexp(".*is read from.*"))


REACHED = [
    IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]


@given(
    st.one_of(
        st.integers(0, 2**32 - 1),
        st.sampled_from(REACHED).flatmap(
            lambda block: st.integers(
                int(block.network_address) - 1, int(block.broadcast_address) + 1
            )
        ),
    )
)
@hypothesis(max_examples=300)
def test_exactly_the_addresses_that_a_load_balancer_reaches_are_taken(number: int) -> None:
    address = IPv4Address(number)
    try:
        check_addresses([str(address)])
    except SpecError:
        assert not any(address in block for block in REACHED)
    else:
        assert any(address in block for block in REACHED)


def test_a_network_without_known_addresses_asks_who_may_connect() -> None:
    def imported(stack: Stack) -> ec2.IVpc:
        return ec2.Vpc.from_vpc_attributes(
            stack,
            "Vpc",
            vpc_id="vpc-1",
            availability_zones=["eu-west-1a"],
            private_subnet_ids=["subnet-1"],
        )

    def inference(stack: Stack, **options: Any) -> None:  # noqa: ANN401  a fleet's own
        InferenceFleet(
            stack,
            "Ranking",
            vpc=imported(stack),
            pools=[NEURON],
            model=Model.in_bucket(s3.Bucket(stack, "Models"), prefix="m/1"),
            **options,
        )

    clients = ec2.Peer.ipv4("10.0.0.0/8")
    stack = new_stack()
    with pytest.raises(SpecError, match=r"Media/Web: .* Media/Vpc are not known; .* clients="):
        stream_fleet(stack, vpc=imported(stack))
    with pytest.raises(SpecError, match=r"Media/Ranking: .* clients="):
        inference(new_stack())
    stack = new_stack()
    stream_fleet(stack, vpc=imported(stack), clients=clients)
    inference(new_stack(), endpoint=Endpoint.internal(clients=clients))
    inference(
        new_stack(),
        endpoint=Endpoint.none(),
        signals=[DemandSignal.metric(metric())],
    )


def test_a_network_that_is_still_to_be_looked_up_refuses_nothing() -> None:
    stack = new_stack(env=HERE)
    vpc = ec2.Vpc.from_lookup(stack, "Vpc", tags={"Name": "corp"})
    bucket = s3.Bucket(stack, "Bucket")
    burst_fleet(stack, vpc=vpc)
    queue_fleet(stack, vpc=vpc)
    stream_fleet(stack, vpc=vpc)
    InferenceFleet(
        stack, "Ranking", vpc=vpc, pools=[NEURON], model=Model.in_bucket(bucket, prefix="m/1")
    )
    for name, chosen in {
        "Zone": ec2.SubnetSelection(availability_zones=["eu-west-1c"]),
        "Ids": ec2.SubnetSelection(subnet_filters=[ec2.SubnetFilter.by_ids(["subnet-1"])]),
        "Any": None,
    }.items():
        TrainingFleet(
            stack,
            name,
            vpc=vpc,
            vpc_subnets=chosen,
            machines=CapacityPool.trainium("trn2.48xlarge", max_instances=2),
            command="bash x.sh",
            checkpoints=Checkpoints.in_bucket(bucket, prefix=f"{name}/1"),
        )
    Template.from_stack(stack)


def test_a_parameter_that_is_still_to_be_looked_up_refuses_nothing() -> None:
    stack = new_stack(env=HERE)
    value = ssm.StringParameter.value_from_lookup(stack, "/corp/value")
    stream_fleet(stack, on_premises_targets=[value])
    CapacityBlock.of(value)
    Model.in_bucket(s3.Bucket(stack, "Models"), prefix=value)
    CapacityPool.graviton(value, units_per_instance=1, max_instances=1)
    Template.from_stack(stack)
