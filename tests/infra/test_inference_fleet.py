"""InferenceFleet: one statement deploys servers of a model, on Inferentia2 first."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template

from peakfleet import (
    Baseline,
    CapacityPool,
    DemandSignal,
    Endpoint,
    InferenceFleet,
    Model,
    SpecError,
    WarmPool,
)
from peakfleet.testing import fleet_specs, plan_at
from peakfleet_planner import FleetSpec, RateSignal
from tests.infra.fleets import GRAVITON, hooks_of, metric, network, new_stack, only, properties
from tests.infra.reference_app import plain

INFERENTIA = CapacityPool.inferentia("inf2.xlarge", units_per_instance=1200, max_instances=20)
TRAINIUM = CapacityPool.trainium("trn1.2xlarge", units_per_instance=1500, max_instances=4)
CPU = CapacityPool.graviton("c8g.4xlarge", units_per_instance=90, max_instances=10)
LADDER = [INFERENTIA, TRAINIUM, CPU]
USER_DATA_BYTES = 16_384


def inference_fleet(stack: Stack, **options: Any) -> InferenceFleet:  # noqa: ANN401  a fleet's own
    bucket = s3.Bucket.from_bucket_name(stack, "Models", "the-models")
    given = {
        "vpc": network(stack),
        "pools": LADDER,
        "model": Model.in_bucket(bucket, prefix="ranking/7"),
        **options,
    }
    return InferenceFleet(stack, "Ranking", **given)


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    stack = new_stack()
    inference_fleet(stack).user_data.add_commands("start the-server")
    return Template.from_stack(stack)


def spec_of(**options: Any) -> FleetSpec:  # noqa: ANN401  a fleet's own
    stack = new_stack()
    inference_fleet(stack, **options)
    return fleet_specs(Template.from_stack(stack))["Media/Ranking"]


def scripts(template: Template) -> dict[str, list[str]]:
    """Return the shell scripts of each pool's user data, by instance type, in their order."""
    found = {}
    for launch in properties(template, "AWS::EC2::LaunchTemplate"):
        data = launch["LaunchTemplateData"]
        parts = data["UserData"]["Fn::Base64"]["Fn::Join"][1]
        encoded = [part["Fn::Base64"] for part in parts if isinstance(part, dict)]
        found[data["InstanceType"]] = [plain(part) for part in encoded]
    return found


def test_each_chip_boots_its_own_image_and_its_own_model(template: Template) -> None:
    images = {
        launch["LaunchTemplateData"]["InstanceType"]: plain(launch["LaunchTemplateData"]["ImageId"])
        for launch in properties(template, "AWS::EC2::LaunchTemplate")
    }
    parameters = template.to_json()["Parameters"]
    defaults = {kind: parameters[image]["Default"] for kind, image in images.items()}
    assert "/neuron/" in defaults["inf2.xlarge"]
    assert "/neuron/" in defaults["trn1.2xlarge"]
    assert "arm64" in defaults["c8g.4xlarge"]
    models = {
        kind: re.findall(r"s3://the-models/(\S+)'", own)
        for kind, (_, own) in scripts(template).items()
    }
    assert models == {
        "inf2.xlarge": ["ranking/7/inferentia2/model.tar.gz"],
        "trn1.2xlarge": ["ranking/7/trainium1/model.tar.gz"],
        "c8g.4xlarge": ["ranking/7/arm64/model.tar.gz"],
    }


def test_a_machine_fetches_its_model_starts_its_server_and_then_is_ready(
    template: Template,
) -> None:
    for agent, own in scripts(template).values():
        assert "install_peakfleet_agent" in agent
        steps = ["model.tar.gz", "start the-server", "curl -fsS", "import ready; ready()"]
        places = [own.index(step) for step in steps]
        assert places == sorted(places)
        assert "http://127.0.0.1:8080/healthz" in own


def test_only_members_of_a_group_may_use_the_chips(template: Template) -> None:
    _, own = scripts(template)["inf2.xlarge"]
    assert 'KERNEL=="neuron[0-9]*", GROUP="neuron", MODE="0660"' in own
    assert own.index("chmod 0660 /dev/neuron") < own.index("start the-server")
    assert "/dev/neuron" not in scripts(template)["c8g.4xlarge"][1]


def test_only_machines_with_neuron_watch_their_cores(template: Template) -> None:
    watched = {kind for kind, (_, own) in scripts(template).items() if "neuron_metrics" in own}
    assert watched == {"inf2.xlarge", "trn1.2xlarge"}
    _, own = scripts(template)["inf2.xlarge"]
    assert (
        '--namespace "PeakFleet/Neuron/Media/Ranking" --fleet "Media/Ranking" --pool "Inferentia"'
        in own
    )


def test_user_data_fits_and_is_clean_shell(template: Template, tmp_path: Path) -> None:
    paths = []
    for kind, parts in scripts(template).items():
        encoded = sum(len(part.encode()) * 4 / 3 + 200 for part in parts)
        assert encoded < USER_DATA_BYTES
        for index, part in enumerate(parts):
            paths.append(tmp_path / f"{kind}-{index}.sh")
            paths[-1].write_text(part)
    checker = Path(sys.executable).parent / "shellcheck"
    checked = subprocess.run([checker, *paths], capture_output=True, text=True, check=False)  # noqa: S603  our own scripts
    assert checked.stdout == ""
    assert checked.returncode == 0


def test_a_machine_counts_only_when_it_says_that_its_model_is_loaded(template: Template) -> None:
    hooks = hooks_of(template)
    assert len(hooks) == len(LADDER)
    for hook in hooks:
        assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
        assert hook["DefaultResult"] == "ABANDON"
        assert hook["HeartbeatTimeout"] == 15 * 60


def statements(template: Template, action: str) -> list[dict[str, Any]]:
    return [
        one
        for policy in properties(template, "AWS::IAM::Policy")
        for one in policy["PolicyDocument"]["Statement"]
        if one["Action"] == action
    ]


def test_machines_publish_in_one_namespace_only(template: Template) -> None:
    (allowed,) = statements(template, "cloudwatch:PutMetricData")
    assert allowed["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": "PeakFleet/Neuron/Media/Ranking"}
    }


def test_machines_may_give_up_those_of_their_neuron_groups_and_no_others(
    template: Template,
) -> None:
    (allowed,) = statements(template, "autoscaling:SetInstanceHealth")
    groups = {one["Fn::Join"][1][-1]["Ref"] for one in allowed["Resource"]}
    kinds = {
        name
        for name, group in template.find_resources("AWS::AutoScaling::AutoScalingGroup").items()
        if "Graviton" not in name and group
    }
    assert groups == kinds
    assert len(groups) == 2


def test_machines_may_fetch_their_archives_and_nothing_else_of_the_bucket(
    template: Template,
) -> None:
    allowed = [plain(one["Resource"]) for one in statements(template, "s3:GetObject")]
    of_models = [one.partition(":s3:::")[2] for one in allowed if "the-models" in one]
    assert "the-models" not in json.dumps(statements(template, "s3:List*"))
    assert of_models == [
        f"the-models/ranking/7/{chip}/model.tar.gz"
        for chip in ("arm64", "inferentia2", "trainium1")
    ]


def test_an_encrypted_model_can_be_read() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Secret", encryption=s3.BucketEncryption.KMS)
    inference_fleet(stack, model=Model.in_bucket(bucket, prefix="ranking/7"))
    assert statements(Template.from_stack(stack), "kms:Decrypt")


def test_processor_load_scales_nothing(template: Template) -> None:
    policies = properties(template, "AWS::AutoScaling::ScalingPolicy")
    assert len(policies) == len(LADDER)
    for policy in policies:
        tracking = policy["TargetTrackingConfiguration"]
        assert tracking["DisableScaleIn"] is True
        followed = tracking["CustomizedMetricSpecification"]
        assert followed["MetricName"] == "NeuronCoreUtilization"
        assert followed["Dimensions"] == [{"Name": "Fleet", "Value": "Media/Ranking"}]
    assert "CPUUtilization" not in json.dumps(template.to_json())


def test_demand_is_the_requests_that_the_load_balancer_gets(template: Template) -> None:
    spec = fleet_specs(template)["Media/Ranking"]
    (signal,) = spec.signals
    assert {one.metric_name for one in signal.metrics.values()} == {
        "RequestCount",
        "HTTPCode_ELB_503_Count",
    }
    assert signal.units({"requests": 60_000.0}, lead_seconds=600) == 1000
    plan = plan_at(spec, demand_units=3000)
    assert plan.missing_units == 0


def test_requests_that_find_no_server_wake_an_empty_fleet() -> None:
    (signal,) = spec_of().signals
    assert signal.units({"rejected": 600.0}, lead_seconds=600) == 10


def test_a_unit_may_serve_any_number_of_requests() -> None:
    (signal,) = spec_of(requests_per_second_per_unit=50).signals
    assert signal.units({"requests": 60_000.0}, lead_seconds=600) == 20


@pytest.mark.parametrize(
    ("latency_seconds", "units"), [(0.01, 100), (0.05, 100), (0.075, 150), (2.0, 200)]
)
def test_requests_in_flight_raise_demand_when_answers_are_slow_but_only_to_twice_the_rate(
    latency_seconds: float, units: float
) -> None:
    (signal,) = spec_of(latency_goal=Duration.millis(50)).signals
    values = {"requests": 6000.0, "latency": latency_seconds}
    assert signal.units(values, lead_seconds=600) == pytest.approx(units)


def test_one_request_goes_where_the_fewest_wait_as_chips_differ(template: Template) -> None:
    template.has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "TargetType": "instance",
            "TargetGroupAttributes": Match.array_with(
                [
                    {
                        "Key": "load_balancing.algorithm.type",
                        "Value": "least_outstanding_requests",
                    }
                ]
            ),
        },
    )


def test_without_servers_on_premises_all_traffic_is_the_fleets(template: Template) -> None:
    assert only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"
    (action,) = only(template, "AWS::ElasticLoadBalancingV2::Listener")["DefaultActions"]
    assert "TargetGroupArn" in action
    assert fleet_specs(template)["Media/Ranking"].traffic is None


def test_servers_on_premises_are_filled_first() -> None:
    spec = spec_of(
        endpoint=Endpoint.internal(on_premises_targets=["10.9.0.4"]), baseline=Baseline.fixed(500)
    )
    assert spec.traffic is not None
    assert plan_at(spec, demand_units=500).burst_units == 0


def test_without_a_load_balancer_the_signal_is_yours() -> None:
    stack = new_stack()
    fleet = inference_fleet(
        stack, endpoint=Endpoint.none(), signals=[DemandSignal.metric(metric("Questions"))]
    )
    template = Template.from_stack(stack)
    assert not properties(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert (fleet.load_balancer, fleet.listener) == (None, None)
    assert fleet_specs(template)["Media/Ranking"].signals[0].name == "Questions"


def test_busy_cores_ask_for_room_to_breathe() -> None:
    stack = new_stack()
    fleet = inference_fleet(stack)
    fleet.fleet.add_signal(fleet.busy_cores_signal(utilization=0.5, units_per_core=600))
    spec = fleet_specs(Template.from_stack(stack))["Media/Ranking"]
    (cores,) = [one for one in spec.signals if one.name == "NeuronCores"]
    assert isinstance(cores, RateSignal)
    assert cores.metrics["value"].statistic == "Sum"
    assert cores.units({"value": 4.0}, lead_seconds=600) == 4800


def test_a_chip_that_fails_and_executions_that_fail_raise_alarms(template: Template) -> None:
    for name in ("NeuronErrors", "NeuronHardwareErrors"):
        template.has_resource_properties(
            "AWS::CloudWatch::Alarm",
            {
                "Namespace": "PeakFleet/Neuron/Media/Ranking",
                "MetricName": name,
                "Dimensions": [{"Name": "Fleet", "Value": "Media/Ranking"}],
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        )


def test_its_alarms_are_those_of_the_fleet_and_of_neuron() -> None:
    fleet = inference_fleet(new_stack())
    assert {"NoTicks", "NeuronErrors", "FailingChips"} < set(fleet.alarms)


def test_a_pools_own_user_data_takes_the_place_of_the_fleets() -> None:
    own = ec2.UserData.for_linux()
    own.add_commands("start another-server")
    stack = new_stack()
    pool = CapacityPool.inferentia("inf2.xlarge", max_instances=2, user_data=own)
    inference_fleet(stack, pools=[pool]).user_data.add_commands("start the-server")
    ((_, script),) = scripts(Template.from_stack(stack)).values()
    assert "start another-server" in script
    assert "start the-server" not in script
    assert script.count("#!/bin/bash") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pools": []}, "Media/Ranking: at least one pool is needed, got none"),
        (
            {"pools": [GRAVITON]},
            "Media/Ranking: at least one pool with NeuronCores is needed, got Graviton; add",
        ),
        (
            {"requests_per_second_per_unit": 0},
            "requests_per_second_per_unit must be above 0, got 0",
        ),
        ({"latency_goal": Duration.millis(0)}, "latency_goal must be above 0, got 0 seconds"),
        ({"loaded_within": Duration.hours(3)}, "readiness: within must be between 30 and 7200"),
        (
            {"endpoint": Endpoint.internal(on_premises_targets=["gpu-1"])},
            "on_premises_targets must be IPv4 addresses, got 'gpu-1'",
        ),
        ({"user_data": ec2.MultipartUserData()}, "pool 'Inferentia': user data in parts cannot"),
    ],
)
def test_what_cannot_be_is_refused_where_it_was_written(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        inference_fleet(new_stack(), **options)


def test_only_a_running_instance_can_wait_because_its_model_is_loaded_at_boot() -> None:
    def waiting(*, running: bool) -> CapacityPool:
        warm = WarmPool.fixed(1, running=running)
        return CapacityPool.inferentia("inf2.xlarge", max_instances=2, warm=warm)

    with pytest.raises(SpecError, match="let it wait running"):
        inference_fleet(new_stack(), pools=[waiting(running=False)])
    inference_fleet(new_stack(), pools=[waiting(running=True)])


def test_one_pool_cannot_mix_chips_that_need_different_models() -> None:
    pool = CapacityPool.custom(
        "inf2.xlarge",
        "trn1.2xlarge",
        architecture=ec2.InstanceArchitecture.X86_64,
        machine_image=ec2.MachineImage.latest_amazon_linux2023(),
        units_per_instance=2,
        max_instances=2,
    )
    with pytest.raises(SpecError, match="have inferentia2 and trainium1; give each chip its own"):
        inference_fleet(new_stack(), pools=[pool])


@pytest.mark.parametrize("prefix", ["", "/", "ranking/", "/ranking", "it's"])
def test_a_prefix_that_makes_no_key_is_refused(prefix: str) -> None:
    bucket = s3.Bucket.from_bucket_name(new_stack(), "Models", "the-models")
    with pytest.raises(SpecError, match="model: prefix must be a key without a slash"):
        Model.in_bucket(bucket, prefix=prefix)


@pytest.mark.parametrize("utilization", [0, 1.1])
def test_cores_cannot_be_busier_than_they_are(utilization: float) -> None:
    fleet = inference_fleet(new_stack())
    with pytest.raises(SpecError, match="utilization must be above 0 and at most 1"):
        fleet.busy_cores_signal(utilization=utilization)
