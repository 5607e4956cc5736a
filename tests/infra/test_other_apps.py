"""Apps as other teams write them: what AWS would refuse, or misread, is refused at synth."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from math import inf, nan
from typing import Any

import jsii
import pytest
from aws_cdk import (
    App,
    CfnParameter,
    CfnResource,
    Duration,
    Environment,
    IPropertyInjector,
    NestedStack,
    Stack,
    Tags,
)
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from aws_cdk.assertions import Annotations, Match, Template
from constructs import Construct
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from peakfleet import (
    Baseline,
    BrokenImage,
    BurstFleet,
    CapacityBlock,
    CapacityPool,
    Checkpoints,
    DemandSignal,
    Drain,
    EfficiencyLedger,
    Endpoint,
    Foresight,
    InferenceFleet,
    KnownPeak,
    Model,
    PoolOptions,
    QueueFleet,
    Readiness,
    SafetyNet,
    ServiceLevel,
    SpecError,
    StreamFleet,
    TrainingFleet,
    WarmPool,
    WhenSilent,
)
from peakfleet.fleet.checks import PARTS
from peakfleet.load_balancer import check_addresses
from peakfleet_planner import ReportedBaseline, Signal
from tests.infra.fleets import (
    GRAVITON,
    burst_fleet,
    function,
    metric,
    network,
    new_stack,
    only,
    properties,
)

HERE = Environment(account="111122223333", region="eu-west-1")
OTHER = "999900001111"
SQS = "arn:aws:sqs:{}:{}:jobs"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
TEMPLATE = "AWS::EC2::LaunchTemplate"
X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=12, max_instances=20)
NEURON = CapacityPool.inferentia("inf2.xlarge", max_instances=4, units_per_instance=800)


def graviton(**options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.graviton(
        "c8g.4xlarge", **{"units_per_instance": 16, "max_instances": 50, **options}
    )


def queue_fleet(stack: Stack, name: str = "Jobs", **options: Any) -> QueueFleet:  # noqa: ANN401  a fleet's own
    defaults = {
        "vpc": options.pop("vpc", None) or network(stack),
        "pools": [GRAVITON],
        "seconds_per_message": 2,
        "drain_within": Duration.minutes(10),
    }
    return QueueFleet(stack, name, **{**defaults, **options})


def stream_fleet(stack: Stack, **options: Any) -> StreamFleet:  # noqa: ANN401  a fleet's own
    defaults = {
        "vpc": options.pop("vpc", None) or network(stack),
        "pools": [GRAVITON],
        "signals": [DemandSignal.metric(metric())],
        "on_premises_targets": ["10.64.0.4"],
        "foresight": Foresight.off(),
    }
    return StreamFleet(stack, "Web", **{**defaults, **options})


def refused(stack: Stack) -> str:
    """Return why the app of a stack cannot be synthesized."""
    with pytest.raises(RuntimeError, match="Validation failed") as found:
        Template.from_stack(stack)
    return str(found.value)


# Names


@given(st.text(max_size=80))
@hypothesis(max_examples=200)
def test_a_pool_has_a_name_that_shells_tags_and_dimensions_hold_or_none_at_all(name: str) -> None:
    safe = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.=+@-]{0,63}", name, re.ASCII)
    if safe:
        assert graviton(name=name).name == name
        return
    with pytest.raises(SpecError) as found:
        graviton(name=name)
    assert repr(name) in str(found.value)


@pytest.mark.parametrize("name", ["R&D", "It's", 'Say "x"', "$HOME", "Café", "a`b`", "x=1"])
def test_a_fleet_whose_name_no_tag_or_namespace_holds_is_refused_with_the_way_out(
    name: str,
) -> None:
    with pytest.raises(SpecError, match=r"rename the construct without .+"):
        burst_fleet(new_stack(), name)


def test_a_fleet_whose_name_no_description_holds_is_refused() -> None:
    with pytest.raises(SpecError, match="has at most 180 characters, got 206"):
        burst_fleet(new_stack(), "x" * 200)
    burst_fleet(new_stack(), "x" * 150, efficiency=EfficiencyLedger(), pools=[GRAVITON, X86])


def test_no_pool_is_called_like_another_part_of_its_fleet() -> None:
    stack = new_stack()
    vpc = network(stack)
    burst = burst_fleet(
        stack,
        vpc=vpc,
        pools=[GRAVITON, X86],
        drain=Drain.when_idle(),
        efficiency=EfficiencyLedger(),
        foresight=Foresight.learned(),
    )
    training = TrainingFleet(
        stack,
        "Training",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
        machines=CapacityPool.trainium("trn1.32xlarge", max_instances=2),
        command="x",
        checkpoints=Checkpoints.in_bucket(s3.Bucket(stack, "Bucket"), prefix="a/1"),
    )
    parts = {child.node.id for fleet in (burst, training) for child in fleet.node.children}
    assert parts - {"Graviton", "X86", "Trainium"} <= PARTS
    for name in (*PARTS, "Pressure Streams"):
        with pytest.raises(SpecError, match=f"pool '{name}': a part of the fleet has this name"):
            burst_fleet(new_stack(), pools=[graviton(name=name)])


@pytest.mark.parametrize("name", ["media-dev", "media-test"])
def test_what_a_fleet_publishes_and_keeps_has_the_name_of_its_stack(name: str) -> None:
    stack = Stack(App(), "Media", stack_name=name)
    fleet = burst_fleet(stack, efficiency=EfficiencyLedger(), pools=[GRAVITON, X86])
    assert fleet.fleet_name == f"{name}/Live"
    template = Template.from_stack(stack)
    for kind in ("AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule", "AWS::IAM::Policy"):
        written = json.dumps(properties(template, kind))
        assert f"{name}/Live" in written
        assert "Media/Live" not in written
    policies = json.dumps(properties(template, "AWS::IAM::Policy"))
    assert f"PeakFleet/Workers/{name}/Live" in policies


def test_a_fleet_in_a_nested_stack_has_a_name_that_is_known_at_synth() -> None:
    outer = Stack(App(), "Media", stack_name="media-dev")
    nested = NestedStack(outer, "Inner")
    assert burst_fleet(nested).fleet_name == "media-dev/Inner/Live"
    Template.from_stack(nested)


# Kinds of values, and numbers that only the deployment knows


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


# What belongs to others


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


# What the CDK's command line has still to look up


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


# User data and images


def user_data(stack: Stack) -> str:
    data = only(Template.from_stack(stack), TEMPLATE)["LaunchTemplateData"]
    return json.dumps(data["UserData"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/bin/bash\necho hi", "text/x-shellscript"),
        ("#cloud-config\npackages:\n - httpd\n", "text/cloud-config"),
        ("#cloud-boothook\necho hi", "text/cloud-boothook"),
        ("#cloud-config-archive\n- x\n", "text/cloud-config-archive"),
        ("#include\nhttps://x", "text/x-include-url"),
        ("#include-once\nhttps://x", "text/x-include-once-url"),
        ("## template: jinja\n#cloud-config\n{}", "text/jinja2"),
    ],
)
def test_user_data_beside_the_agent_keeps_its_kind(text: str, kind: str) -> None:
    stack = new_stack()
    queue_fleet(stack, user_data=ec2.UserData.custom(text))
    kinds = re.findall(r"Content-Type: (text/[^;]+);", user_data(stack))
    assert kinds == ["text/x-shellscript", kind]


@pytest.mark.parametrize(
    "given_data",
    [
        ec2.UserData.for_windows(),
        ec2.UserData.custom("<powershell>\nx\n</powershell>"),
        ec2.UserData.custom("[settings.host-containers.admin]\nenabled = true"),
        ec2.UserData.custom("Content-Type: multipart/mixed; boundary=x"),
        ec2.UserData.custom("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x"),
        ec2.UserData.custom('{"ignition": {"version": "3.3.0"}}'),
        ec2.MultipartUserData(),
    ],
)
def test_user_data_that_no_agent_can_stand_beside_is_refused(given_data: ec2.UserData) -> None:
    with pytest.raises(SpecError, match=r"cannot be used with drain or readiness.*Drain.none\(\)"):
        queue_fleet(new_stack(), user_data=given_data)
    burst_fleet(new_stack(), user_data=given_data)  # without an agent it is the user's own


@pytest.mark.parametrize(
    "image",
    [
        ec2.MachineImage.latest_windows(ec2.WindowsVersion.WINDOWS_SERVER_2022_ENGLISH_FULL_BASE),
        ec2.MachineImage.from_ssm_parameter(
            "/aws/service/bottlerocket/aws-ecs-2/x86_64/latest/image_id"
        ),
        ec2.MachineImage.generic_windows({"us-east-1": "ami-1"}),
    ],
)
def test_an_image_that_the_agent_does_not_run_on_is_refused_with_the_way_out(
    image: ec2.IMachineImage,
) -> None:
    pool = CapacityPool.x86(
        "c7i.4xlarge", units_per_instance=1, max_instances=1, machine_image=image
    )
    with pytest.raises(SpecError, match=r"pool 'X86': the agent .* does not run on .*Drain.none"):
        queue_fleet(new_stack(env=Environment(region="us-east-1")), pools=[pool])
    burst_fleet(new_stack(env=Environment(region="us-east-1")), pools=[pool])


@pytest.mark.parametrize(
    ("parameter", "options", "device"),
    [
        ("/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/x", {}, "/dev/sda1"),
        ("/aws/service/suse/sles/15-sp6/arm64/latest", {}, "/dev/sda1"),
        ("/corp/rhel-9-arm64", {}, "/dev/sda1"),
        ("/corp/rhel-9-arm64", {"root_device": "/dev/xvdb"}, "/dev/xvdb"),
        ("/aws/service/debian/release/12/latest/arm64", {}, "/dev/xvda"),
        ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", {}, "/dev/xvda"),
    ],
)
def test_the_root_volume_is_the_root_device_of_its_image(
    parameter: str, options: PoolOptions, device: str
) -> None:
    stack = new_stack()
    image = ec2.MachineImage.from_ssm_parameter(parameter)
    burst_fleet(stack, pools=[graviton(machine_image=image, **options)])
    data = only(Template.from_stack(stack), TEMPLATE)["LaunchTemplateData"]
    assert [volume["DeviceName"] for volume in data["BlockDeviceMappings"]] == [device]


def script(size: int) -> ec2.UserData:
    return ec2.UserData.custom("#!/bin/bash\n" + "x" * (size - len("#!/bin/bash\n")))


def test_user_data_is_as_long_as_ec2_takes_and_no_longer() -> None:
    stack = new_stack()
    burst_fleet(stack, user_data=script(16_384))
    Template.from_stack(stack)
    stack = new_stack()
    burst_fleet(stack, user_data=script(16_385))
    assert "pool 'Graviton': user data of 16385 bytes is above the 16384" in refused(stack)


def test_user_data_in_parts_is_measured_as_it_is_encoded() -> None:
    size = 12_200
    assert len(b64encode(b"x" * size)) < 16_384
    stack = new_stack()
    queue_fleet(stack, user_data=script(size))
    assert re.search(r"user data of 1[78]\d\d\d bytes is above", refused(stack))


def test_an_instance_may_fetch_every_version_of_its_agent_and_no_other_asset() -> None:
    stack = Stack(App(), "Media", env=HERE)
    queue_fleet(stack, broken_image=BrokenImage.roll_back())
    template = Template.from_stack(stack)
    read = [
        statement["Resource"]
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "s3:GetObject"
    ]
    assert len(read) == 1
    assert "/peakfleet-agent-*.zip" in json.dumps(read)
    (key,) = re.findall(r"peakfleet-agent-[0-9a-f]{64}\.zip", user_data(stack))
    assert key


# Second writers


def _override(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    resource = group.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("DesiredCapacity", "1")


def _raw_policy(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Raw",
        type="AWS::AutoScaling::ScalingPolicy",
        properties={
            "AutoScalingGroupName": group.auto_scaling_group_name,
            "PolicyType": "SimpleScaling",
            "AdjustmentType": "ChangeInCapacity",
            "ScalingAdjustment": -1,
        },
    )


def _override_policy(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    assert stack is group.stack
    policy = group.scale_on_incoming_bytes(
        "More", target_bytes_per_second=1_000_000, disable_scale_in=True
    )
    resource = policy.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_property_override("TargetTrackingConfiguration.DisableScaleIn", False)  # noqa: FBT003  the CDK's order


def _schedule(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    autoscaling.CfnScheduledAction(
        stack,
        "Night",
        auto_scaling_group_name=group.auto_scaling_group_name,
        recurrence="0 1 * * *",
        max_size=1,
    )


def _capacity_provider(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Provider",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": group.auto_scaling_group_arn,
                "ManagedScaling": {"Status": "ENABLED"},
            }
        },
    )


def _nightly(scope: Construct, group_name: str) -> None:
    autoscaling.CfnScheduledAction(
        scope,
        "Night",
        auto_scaling_group_name=group_name,
        recurrence="0 1 * * *",
        desired_capacity=0,
    )


def _other_stack(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    _nightly(Stack(App.of(stack), "Other"), group.auto_scaling_group_name)


def _nested_stack(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    _nightly(NestedStack(stack, "Nested"), group.auto_scaling_group_name)


def _fixed_name(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    resource_of(group).add_property_override("AutoScalingGroupName", "workers")
    _nightly(stack, "workers")


def _scaling_of_no_known_status(stack: Stack, group: autoscaling.AutoScalingGroup) -> None:
    CfnResource(
        stack,
        "Managed",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": group.auto_scaling_group_arn,
                "ManagedScaling": {"TargetCapacity": 80},
            }
        },
    )


WRITERS = [
    _override,
    _raw_policy,
    _override_policy,
    _schedule,
    _capacity_provider,
    _other_stack,
    _nested_stack,
    _fixed_name,
    _scaling_of_no_known_status,
]
WRITES = "also sets the size of the group of pool 'Graviton'"


@pytest.mark.parametrize("write", WRITERS)
def test_a_second_writer_is_refused_however_it_is_written(
    write: Callable[[Stack, autoscaling.AutoScalingGroup], None],
) -> None:
    stack = new_stack()
    write(stack, burst_fleet(stack).groups["Graviton"])
    assert WRITES in refused(stack)


def test_a_second_writer_with_a_weak_reference_is_refused() -> None:
    weak = {"@aws-cdk/core:defaultCrossStackReferences": "weak"}
    app = App(context={"aws:cdk:disable-asset-staging": True, **weak})
    stack = Stack(app, "Media", env=HERE)
    _nightly(
        Stack(app, "Other", env=HERE),
        burst_fleet(stack).groups["Graviton"].auto_scaling_group_name,
    )
    assert WRITES in refused(stack)


@pytest.mark.parametrize("beside", [False, True])
def test_a_second_writer_of_a_nested_fleet_is_refused(beside: bool) -> None:  # noqa: FBT001  a parameter
    stack = new_stack()
    nested = NestedStack(stack, "Nested")
    name = burst_fleet(nested, vpc=network(nested)).groups["Graviton"].auto_scaling_group_name
    _nightly(NestedStack(stack, "Beside") if beside else stack, name)
    assert WRITES in refused(stack)


@pytest.mark.parametrize("policy", ["AutoScalingRollingUpdate", "AutoScalingReplacingUpdate"])
def test_an_update_policy_that_ends_machines_is_refused(policy: str) -> None:
    stack = new_stack()
    resource_of(burst_fleet(stack).groups["Graviton"]).add_override(
        "UpdatePolicy", {policy: {"MinInstancesInService": 1}}
    )
    assert f"pool 'Graviton' has the update policy {policy}" in refused(stack)


def resource_of(group: autoscaling.AutoScalingGroup) -> CfnResource:
    resource = group.node.default_child
    assert isinstance(resource, CfnResource)
    return resource


def test_whoever_writes_another_group_or_never_scales_in_is_welcome() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    other = autoscaling.AutoScalingGroup(
        stack,
        "Other",
        vpc=network_of(stack),
        instance_type=ec2.InstanceType("c8g.large"),
        machine_image=ec2.MachineImage.latest_amazon_linux2023(
            cpu_type=ec2.AmazonLinuxCpuType.ARM_64
        ),
    )
    for write in (_override, _raw_policy, _schedule):
        write(stack, other)
    CfnResource(
        stack,
        "Unmanaged",
        type="AWS::ECS::CapacityProvider",
        properties={
            "AutoScalingGroupProvider": {
                "AutoScalingGroupArn": fleet.groups["Graviton"].auto_scaling_group_arn
            }
        },
    )
    Template.from_stack(stack)


def network_of(stack: Stack) -> ec2.IVpc:
    found = stack.node.find_child("Network")
    assert isinstance(found, ec2.Vpc)
    return found


# Tags, warnings, and functions of other teams' blueprints


@pytest.mark.parametrize("excluded", [[], [GROUP], [TEMPLATE], [GROUP, TEMPLATE]])
def test_a_tag_key_that_forbids_a_launch_is_found_wherever_it_is(excluded: list[str]) -> None:
    stack = new_stack()
    queue_fleet(stack)
    Tags.of(stack).add("Cost Center", "4711", exclude_resource_types=excluded)
    assert "tag keys 'Cost Center'" in refused(stack)


def test_a_tag_key_of_the_stack_itself_is_found() -> None:
    stack = Stack(
        App(context={"aws:cdk:disable-asset-staging": True}), "Media", tags={"Cost Center": "1"}
    )
    queue_fleet(stack)
    assert "tag keys 'Cost Center'" in refused(stack)


def test_the_way_out_that_the_refusal_names_works() -> None:
    stack = new_stack()
    queue_fleet(stack)
    Tags.of(stack).add("Cost Center", "4711")
    (named,) = re.findall(r"exclude_resource_types=(\[[^]]+\])", refused(stack))
    stack = new_stack()
    queue_fleet(stack)
    excluded = json.loads(named.replace("'", '"'))
    Tags.of(stack).add("Cost Center", "4711", exclude_resource_types=excluded)
    Template.from_stack(stack)
    stack = new_stack()
    burst_fleet(stack, drain=Drain.none(), readiness=Readiness.in_service())
    Tags.of(stack).add("Cost Center", "4711")
    Template.from_stack(stack)


def test_a_signal_by_the_second_warns_of_nothing() -> None:
    stack = new_stack()
    fast = metric(period=Duration.seconds(10))
    burst_fleet(stack, signals=[DemandSignal.metric(fast)])
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def test_a_queue_without_a_dead_letter_queue_is_warned_of() -> None:
    for failed, warned in ((False, True), (True, False)):
        stack = new_stack()
        target = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Failed"), max_receive_count=3)
        queue = sqs.Queue(stack, "Queue", dead_letter_queue=target if failed else None)
        queue_fleet(stack, queue=queue)
        found = Annotations.from_stack(stack).find_warning(
            "*", Match.string_like_regexp("has no dead-letter queue")
        )
        assert bool(found) is warned


@jsii.implements(IPropertyInjector)
class IntoVpc:
    """A company's blueprint: every function is attached to the network of its stack."""

    @property
    def construct_unique_id(self) -> str:
        return lambda_.Function.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, scope: Any, id: str) -> lambda_.FunctionProps:  # noqa: A002, ANN401  the CDK's own
        assert id
        given_props = {
            re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", name): value
            for name, value in dict(original_props).items()
            if value is not None
        }
        return lambda_.FunctionProps(**given_props, vpc=network_of(Stack.of(scope)))


def test_functions_that_a_blueprint_puts_into_a_network_may_be_there() -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True}, property_injectors=[IntoVpc()])
    stack = Stack(app, "Media")
    network(stack)
    BurstFleet(
        stack,
        "Live",
        vpc=network_of(stack),
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        foresight=Foresight.off(),
    )
    template = Template.from_stack(stack)
    assert "VpcConfig" in function(template, "scaler")[1]
    assert "ec2:CreateNetworkInterface" in json.dumps(template.find_resources("AWS::IAM::Policy"))
