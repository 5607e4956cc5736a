"""Options that every fleet shares: each construct takes each, and each is applied."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Annotations, Match, Template
from hypothesis import given, settings
from hypothesis import strategies as st

import peakfleet
from peakfleet import (
    Baseline,
    BrokenImage,
    BurstFleet,
    CapacityPool,
    Checkpoints,
    ControlPlane,
    DemandSignal,
    DownstreamLimit,
    Drain,
    EfficiencyLedger,
    Encryption,
    FleetOptions,
    FleetState,
    Foresight,
    Functions,
    InferenceFleet,
    KnownPeak,
    Metrics,
    Model,
    OtherWriter,
    Pace,
    PlacementOptions,
    QueueFleet,
    Readiness,
    RegionShare,
    SafetyNet,
    ServiceLevel,
    SpecError,
    SpendLimit,
    StreamFleet,
    TrainingFleet,
)
from peakfleet.testing import fleet_specs
from tests.infra.fleets import (
    GRAVITON,
    burst_fleet,
    hooks_of,
    metric,
    network,
    new_stack,
    properties,
)
from tests.infra.reference_app import plain

FLEETS = [BurstFleet, QueueFleet, StreamFleet, InferenceFleet]
X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=12, max_instances=20)
MISSPELT: dict[str, Any] = {"min_instance": 1}
NEURON = CapacityPool.inferentia("inf2.xlarge", max_instances=4, units_per_instance=800)


def own_arguments(kind: type, stack: Stack, vpc: ec2.IVpc) -> dict[str, Any]:
    """Return what a construct needs besides the shared options."""
    pools = [NEURON, X86] if kind is InferenceFleet else [GRAVITON, X86]
    live = {"signals": [DemandSignal.metric(metric())]}
    own: dict[type, dict[str, Any]] = {
        BurstFleet: live,
        QueueFleet: {"seconds_per_message": 90, "drain_within": Duration.minutes(10)},
        StreamFleet: {"on_premises_targets": ["10.64.0.4"], **live},
        InferenceFleet: {"model": Model.in_bucket(s3.Bucket(stack, "Models"), prefix="m/1")},
    }
    return {"vpc": vpc, "pools": pools, **own[kind]}


def training_arguments(stack: Stack, vpc: ec2.Vpc) -> dict[str, Any]:
    return {
        "vpc": vpc,
        "machines": CapacityPool.trainium("trn1.32xlarge", max_instances=2),
        "command": "bash train.sh",
        "checkpoints": Checkpoints.in_bucket(s3.Bucket(stack, "Checkpoints"), prefix="run/1"),
        "vpc_subnets": ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
    }


def _boundary(stack: Stack, name: str) -> iam.IManagedPolicy:
    return iam.ManagedPolicy.from_managed_policy_name(stack, f"Boundary{name}", name)


def every_option(stack: Stack, vpc: ec2.Vpc) -> FleetOptions:
    """Return every shared option, none with its default."""
    key = kms.Key(stack, "Key")
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0", zone_name="example.com"
    )
    options = FleetOptions(
        user_data=ec2.UserData.for_linux(),
        vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[1]]),
        security_groups=[ec2.SecurityGroup(stack, f"Own{number}", vpc=vpc) for number in (1, 2)],
        metadata_hop_limit=2,
        session_manager=False,
        permissions_boundary=_boundary(stack, "OfInstances"),
        state=FleetState(stack, "OwnState", encryption_key=key),
        functions=Functions(
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
            security_groups=[ec2.SecurityGroup(stack, "OfFunctions", vpc=vpc)],
            reserved_concurrency=3,
            log_retention=logs.RetentionDays.ONE_YEAR,
            tracing=True,
            code_signing=lambda_.CodeSigningConfig.from_code_signing_config_arn(
                stack, "Signed", "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-01"
            ),
            permissions_boundary=_boundary(stack, "OfFunctions"),
        ),
        encryption=Encryption.with_key(key),
        alarm_topic=sns.Topic(stack, "Topic"),
        metrics=Metrics.every(),
        baseline=Baseline.fixed(40),
        service_level=ServiceLevel.premium(),
        pace=Pace.of(out_units=1600),
        foresight=Foresight.off(),
        known_peaks=[
            KnownPeak(
                "finale",
                start=datetime(2027, 3, 5, tzinfo=UTC),
                duration=Duration.hours(1),
                units=90,
            )
        ],
        safety_net=SafetyNet.cpu(percent=70),
        drain=Drain.when_idle(at_most=Duration.minutes(77)),
        readiness=Readiness.signalled(within=Duration.minutes(13)),
        other_writer=OtherWriter.yielded_to(),
        broken_image=BrokenImage.roll_back(),
        efficiency=EfficiencyLedger(),
        downstream_limits=[DownstreamLimit.of("metadata", metric("Connections"), at_most=900)],
        spend_limits=[SpendLimit.of(usd_per_hour=500)],
        region=RegionShare(zone=zone, record_name="live", region="eu-west-1", share=0.4),
    )
    plane = ControlPlane(
        stack,
        "Apart",
        state=options["state"],
        functions=options["functions"],
        encryption=options["encryption"],
    )
    return FleetOptions(**options, control_plane=plane)


@pytest.fixture(scope="module", params=[*FLEETS, TrainingFleet], ids=lambda kind: kind.__name__)
def optioned(request: pytest.FixtureRequest) -> tuple[type, Stack, Template]:
    """Return a construct with every option that it takes, and its template."""
    stack = new_stack()
    vpc = network(stack)
    options: dict[str, Any] = {**every_option(stack, vpc)}
    if request.param is TrainingFleet:
        options = {name: options[name] for name in PlacementOptions.__annotations__}
        TrainingFleet(stack, "Fleet", **{**options, **training_arguments(stack, vpc)})
    else:
        request.param(stack, "Fleet", **own_arguments(request.param, stack, vpc), **options)
    return request.param, stack, Template.from_stack(stack)


def test_every_shared_option_is_tried_here() -> None:
    stack = new_stack()
    tried = set(every_option(stack, network(stack)))
    assert tried | {"mode"} == set(FleetOptions.__annotations__)  # a shadow switches others off


def test_what_decides_is_told_every_shared_option(
    optioned: tuple[type, Stack, Template],
) -> None:
    kind, _, template = optioned
    if kind is TrainingFleet:
        return  # its own specification has none of them
    (spec,) = fleet_specs(template).values()
    assert spec.other_writer.mode == "yield"
    assert spec.broken_image == "roll-back"
    assert spec.service_level.unserved_cost == ServiceLevel.premium().spec.unserved_cost
    assert spec.pace.out_units == 1600
    assert [peak.name for peak in spec.known_peaks] == ["finale"]
    assert spec.metrics == "every"
    assert [limit.at_most for limit in spec.downstream] == [900]
    assert spec.region is not None
    assert (spec.region.own, spec.region.full_weight) == ("eu-west-1", 102)
    assert spec.efficiency
    assert spec.efficiency.baseline_pool == "X86"
    assert str(spec.state_table).startswith("OwnState")
    assert {pool.drain_seconds for pool in spec.pools} == {77 * 60}
    learners = {"Properties": {"Handler": "peakfleet_handlers.learn.handler"}}
    assert not template.find_resources("AWS::Lambda::Function", learners)
    hooks = hooks_of(template)
    assert {hook["HeartbeatTimeout"] for hook in hooks} >= {13 * 60}
    (net, *_) = properties(template, "AWS::AutoScaling::ScalingPolicy")
    assert net["TargetTrackingConfiguration"]["TargetValue"] == 70


def test_instances_are_in_the_security_groups_that_are_given_and_in_no_other(
    optioned: tuple[type, Stack, Template],
) -> None:
    _, stack, template = optioned
    own = [
        stack.resolve(group.security_group_id)
        for group in (stack.node.find_child("Own1"), stack.node.find_child("Own2"))
        if isinstance(group, ec2.SecurityGroup)
    ]
    for found in properties(template, "AWS::EC2::LaunchTemplate"):
        data = found["LaunchTemplateData"]
        interfaces = data.get("NetworkInterfaces", [{"Groups": data.get("SecurityGroupIds")}])
        assert all(interface["Groups"] == own for interface in interfaces)
    made = template.find_resources("AWS::EC2::SecurityGroup")
    assert not [name for name in made if name.startswith("FleetSecurityGroup")]


def test_metadata_answers_as_many_hops_away_as_is_said(
    optioned: tuple[type, Stack, Template],
) -> None:
    for found in properties(optioned[2], "AWS::EC2::LaunchTemplate"):
        metadata = found["LaunchTemplateData"]["MetadataOptions"]
        assert metadata["HttpPutResponseHopLimit"] == 2
        assert metadata["HttpTokens"] == "required"


def own_functions(template: Template) -> list[dict[str, Any]]:
    found = properties(template, "AWS::Lambda::Function")
    return [one for one in found if one["Handler"].startswith("peakfleet_handlers.")]


def test_functions_run_as_is_said(optioned: tuple[type, Stack, Template]) -> None:
    kind, _, template = optioned
    found = own_functions(template)
    assert len(found) == (1 if kind is TrainingFleet else 3)
    for one in found:
        assert one["ReservedConcurrentExecutions"] == 3
        assert one["TracingConfig"] == {"Mode": "Active"}
        assert len(one["VpcConfig"]["SubnetIds"]) == len(one["VpcConfig"]["SecurityGroupIds"]) == 1
        (policy,) = (
            policy
            for policy in properties(template, "AWS::IAM::Policy")
            if one["Role"]["Fn::GetAtt"][0] in [role["Ref"] for role in policy["Roles"]]
        )
        allowed = [
            action
            for statement in policy["PolicyDocument"]["Statement"]
            for action in (
                [statement["Action"]]
                if isinstance(statement["Action"], str)
                else statement["Action"]
            )
        ]
        assert {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"} <= set(allowed)
        assert {"xray:PutTraceSegments", "kms:GenerateDataKey*"} <= set(allowed)
    kept = {group["RetentionInDays"] for group in properties(template, "AWS::Logs::LogGroup")}
    assert kept == {365}


def test_every_role_has_its_boundary_and_code_is_signed(
    optioned: tuple[type, Stack, Template],
) -> None:
    _, _, template = optioned
    for name, role in template.find_resources("AWS::IAM::Role").items():
        boundary = plain(role["Properties"]["PermissionsBoundary"]).rpartition("/")[2]
        principal = json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
        assert boundary == ("OfInstances" if "ec2.amazonaws" in principal else "OfFunctions"), name
    for function in properties(template, "AWS::Lambda::Function"):
        assert function["CodeSigningConfigArn"].endswith(":csc-01")


def test_everything_at_rest_has_the_key_and_the_key_admits_who_needs_it(
    optioned: tuple[type, Stack, Template],
) -> None:
    _, stack, template = optioned
    key = stack.node.find_child("Key")
    assert isinstance(key, kms.Key)
    arn = stack.resolve(key.key_arn)
    for queue in properties(template, "AWS::SQS::Queue"):
        assert queue["KmsMasterKeyId"] == arn
    for group in properties(template, "AWS::Logs::LogGroup"):
        assert group["KmsKeyId"] == arn
    for found in properties(template, "AWS::EC2::LaunchTemplate"):
        (device,) = found["LaunchTemplateData"]["BlockDeviceMappings"]
        assert device["Ebs"]["KmsKeyId"] == arn
    for table in properties(template, "AWS::DynamoDB::Table"):
        assert table["SSESpecification"]["KMSMasterKeyId"] == arn
    ((policy,),) = ([found["KeyPolicy"]] for found in properties(template, "AWS::KMS::Key"))
    by_sid = {one["Sid"]: one for one in policy["Statement"] if "Sid" in one}
    assert set(by_sid) == {
        "PeakFleetLogs",
        "PeakFleetQueues",
        "PeakFleetVolumes",
        "PeakFleetVolumeGrants",
    }
    for sid in ("PeakFleetVolumes", "PeakFleetVolumeGrants"):  # a principal of all, bound to one
        assert "AWSServiceRoleForAutoScaling" in str(by_sid[sid]["Condition"]["ArnLike"])
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "kms:CreateGrant",
                                "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_without_options_nothing_has_a_key_a_network_or_a_limit() -> None:
    stack = new_stack()
    burst_fleet(stack)
    template = Template.from_stack(stack)
    for one in own_functions(template):
        assert not {"VpcConfig", "ReservedConcurrentExecutions", "TracingConfig"} & set(one)
    template.resource_count_is("AWS::KMS::Key", 0)
    assert all("KmsKeyId" not in one for one in properties(template, "AWS::Logs::LogGroup"))


def test_an_imported_key_is_warned_of_as_its_policy_is_not_ours_to_write() -> None:
    stack = new_stack()
    arn = "arn:aws:kms:us-east-1:111111111111:key/1234"
    key = kms.Key.from_key_arn(stack, "Imported", arn)
    burst_fleet(stack, encryption=Encryption(volumes=key, logs=key))
    found = Annotations.from_stack(stack).find_warning(
        "*", Match.string_like_regexp("policy of the imported key .* must admit")
    )
    assert len(found) >= 3


def test_fleets_that_share_a_table_share_its_key() -> None:
    stack = new_stack()
    keys = [kms.Key(stack, f"Key{number}") for number in (1, 2)]
    burst_fleet(stack, "One", encryption=Encryption(state=keys[0]))
    burst_fleet(stack, "Two", encryption=Encryption(state=keys[0]))
    burst_fleet(stack, "Three")
    with pytest.raises(SpecError, match=r"Media/Four: .* has been defined with other encryption"):
        burst_fleet(stack, "Four", encryption=Encryption(state=keys[1]))
    stack = new_stack()
    with pytest.raises(SpecError, match=r"state Media/Own that is given has its own"):
        burst_fleet(
            stack,
            "Five",
            encryption=Encryption(state=keys[1]),
            state=FleetState(stack, "Own"),
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Functions(reserved_concurrency=0), "at least 1, as 0 stops the fleet, got 0"),
        (
            lambda: Functions(vpc_subnets=ec2.SubnetSelection()),
            "vpc_subnets and security_groups need a vpc",
        ),
        (
            lambda: burst_fleet(new_stack(), metadata_hop_limit=65),
            "Media/Live: metadata_hop_limit must be between 1 and 64, got 65",
        ),
        (
            lambda: burst_fleet(new_stack(), foresigth=Foresight.off()),
            "Media/Live: BurstFleet: there is no option foresigth; did you mean foresight",
        ),
        (
            lambda: CapacityPool.graviton(
                "c8g.large",
                units_per_instance=1,
                max_instances=1,
                **MISSPELT,
            ),
            "pool: there is no option min_instance; did you mean min_instances",
        ),
    ],
)
def test_options_that_cannot_be_meant_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()


def test_a_readiness_that_says_nothing_of_the_model_is_refused() -> None:
    stack = new_stack()
    vpc = network(stack)
    with pytest.raises(SpecError, match=r"readiness of an inference fleet is Readiness.signalled"):
        InferenceFleet(
            stack,
            "Fleet",
            **own_arguments(InferenceFleet, stack, vpc),
            readiness=Readiness.in_service(),
        )


@pytest.fixture(scope="module")
def scene() -> tuple[Stack, ec2.Vpc]:
    stack = new_stack()
    return stack, network(stack)


@given(
    kind=st.sampled_from([BurstFleet, QueueFleet, StreamFleet]),
    name=st.sampled_from(sorted(FleetOptions.__annotations__)),
    place=st.integers(0, 5),
    number=st.integers(0, 10**9),
)
@settings(max_examples=40, deadline=None)
def test_a_misspelt_option_is_an_error_that_names_the_nearest(
    scene: tuple[Stack, ec2.Vpc], kind: type, name: str, place: int, number: int
) -> None:
    wrong = name[: place % len(name)] + name[place % len(name) + 1 :]
    with pytest.raises(TypeError, match=rf"no option {wrong}; did you mean {name}\?") as refused:
        kind(
            scene[0],
            f"Fleet{number}{kind.__name__}{wrong}{place}",
            vpc=scene[1],
            pools=[GRAVITON],
            **{"seconds_per_message": 1, "drain_within": Duration.minutes(9)}
            if kind is QueueFleet
            else {"on_premises_targets": ["10.64.0.4"]}
            if kind is StreamFleet
            else {},
            **{wrong: None},
        )
    assert isinstance(refused.value, SpecError)


def test_a_gang_takes_no_option_that_has_no_meaning_for_it() -> None:
    stack = new_stack()
    vpc = network(stack)
    given_options: dict[str, Any] = {"foresight": Foresight.off()}
    with pytest.raises(SpecError, match="TrainingFleet: there is no option foresight"):
        TrainingFleet(stack, "Gang", **training_arguments(stack, vpc), **given_options)


PAGE = (Path(__file__).parents[2] / "docs" / "options.md").read_text(encoding="utf-8")


def test_the_page_of_options_has_every_option_once_and_no_other() -> None:
    placement, deciding, _ = PAGE.split("\n## ")[1:]
    for section, options in (
        (placement, set(PlacementOptions.__annotations__)),
        (deciding, set(FleetOptions.__annotations__) - set(PlacementOptions.__annotations__)),
    ):
        told = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
        assert sorted(told) == sorted(options)


def test_the_sample_of_the_page_is_a_fleet() -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    stack = new_stack()
    vpc = network(stack)
    names = {
        "self": stack,
        "vpc": vpc,
        "boundary": _boundary(stack, "Most"),
        "workers": ec2.SecurityGroup(stack, "Workers", vpc=vpc),
        **vars(peakfleet),
    }
    exec(sample, {"kms": kms, "Duration": Duration, **names})  # noqa: S102  our own page
    (spec,) = fleet_specs(Template.from_stack(stack)).values()
    assert spec.other_writer.mode == "yield"
