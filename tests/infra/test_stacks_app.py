"""The reference app: what its templates promise."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from peakfleet_planner import PoolSpec, ReportedBaseline
from tests.infra.reference_app import (
    COMPARED_FLEETS,
    CONTEXT,
    ENVIRONMENTS,
    FLEETS,
    LIVE_FLEETS,
    STACKS,
    WORKERS,
    App,
    plain,
    synthesized,
)


@pytest.fixture(params=ENVIRONMENTS)
def app(request: pytest.FixtureRequest) -> App:
    return synthesized(request.param)


def test_synth_needs_no_account_and_no_lookup(app: App) -> None:
    manifest = json.loads((app.folder / "manifest.json").read_text())
    assert "missing" not in manifest
    stacks = [one for one in manifest["artifacts"].values() if one["type"].endswith(":stack")]
    assert {one["environment"] for one in stacks} == {"aws://unknown-account/unknown-region"}
    optional = {"inference"} & set(CONTEXT["environments"][app.environment])
    assert len(stacks) == len(STACKS) + len(optional)


def test_every_schedule_sends_a_spec_that_the_tick_accepts(app: App) -> None:
    assert sorted(app.specs()) == FLEETS


def test_the_settings_decide_how_far_a_fleet_may_grow(app: App) -> None:
    pools = CONTEXT["environments"][app.environment]["transcode"]["pools"]
    assert [(one.max_capacity, one.units_per_capacity) for one in transcode(app)] == [
        (pool["max_instances"], pool["units_per_instance"]) for pool in pools
    ]


def transcode(app: App) -> tuple[PoolSpec, ...]:
    return app.specs()["Media/Transcode"].pools


def test_transcode_fills_graviton_spot_then_graviton_then_x86(app: App) -> None:
    assert [pool.name for pool in transcode(app)] == ["GravitonSpot", "Graviton", "X86"]
    prices = [
        pool.usd_per_capacity_hour / pool.units_per_capacity
        for pool in transcode(app)
        if pool.usd_per_capacity_hour is not None
    ]
    assert prices == sorted(prices)
    assert len(prices) == 3


def test_baselines_are_reported_or_fixed_in_the_units_of_their_fleet(app: App) -> None:
    specs = app.specs()
    settings = CONTEXT["environments"][app.environment]
    assert specs["Storage/Ingest"].baseline.kind == "fixed"
    for fleet in ("Storage/Sync", "Media/Transcode", "Media/Live"):
        baseline, name = specs[fleet].baseline, fleet.rpartition("/")[2]
        assert isinstance(baseline, ReportedBaseline)
        assert baseline.metric.namespace == f"OnPrem/{name}"
        assert baseline.declared_units == settings[name.lower()]["baseline_units"]


def test_the_live_demand_is_what_the_edges_report() -> None:
    program = (WORKERS / "live_edge.py").read_text()
    stack = (WORKERS.parent / "media.py").read_text()
    for metric in ("HlsStreams", "DashStreams"):
        assert f'"{metric}"' in program
        assert f'"{metric}"' in stack


def test_nothing_needs_a_custom_resource(app: App) -> None:
    for stack in STACKS:
        kinds = {one["Type"] for one in app.template(stack)["Resources"].values()}
        assert not {kind for kind in kinds if "Custom" in kind}
    functions = app.resources("AWS::Lambda::Function").values()
    handlers = Counter(one["Properties"]["Handler"] for one in functions)
    assert handlers == {
        "peakfleet_handlers.tick.handler": len(FLEETS),
        "peakfleet_handlers.events.handler": len(FLEETS),
        "peakfleet_handlers.learn.handler": len(LIVE_FLEETS),
        "peakfleet_handlers.ledger.handler": len(COMPARED_FLEETS),
    }


def test_nothing_has_a_way_to_the_internet(app: App) -> None:
    for kind in ("InternetGateway", "NatGateway", "EIP", "EgressOnlyInternetGateway"):
        assert not app.resources(f"AWS::EC2::{kind}")
    for subnet in app.resources("AWS::EC2::Subnet").values():
        assert subnet["Properties"]["MapPublicIpOnLaunch"] is False
    balancers = app.resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert [one["Properties"]["Scheme"] for one in balancers] == ["internal", "internal"]
    for template in app.resources("AWS::EC2::LaunchTemplate").values():
        data = template["Properties"]["LaunchTemplateData"]
        for interface in data.get("NetworkInterfaces", []):
            assert interface["AssociatePublicIpAddress"] is False


def test_nothing_is_open_to_everybody(app: App) -> None:
    rules = [
        rule
        for group in app.resources("AWS::EC2::SecurityGroup").values()
        for rule in group["Properties"].get("SecurityGroupIngress", [])
    ] + [one["Properties"] for one in app.resources("AWS::EC2::SecurityGroupIngress").values()]
    assert rules
    assert not [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0"]


def test_the_network_spans_three_zones_and_reaches_every_service_that_instances_call(
    app: App,
) -> None:
    subnets = app.resources("AWS::EC2::Subnet").values()
    zones = [one["Properties"]["AvailabilityZone"]["Fn::Select"][0] for one in subnets]
    assert sorted(zones) == [0, 1, 2]
    endpoints = app.resources("AWS::EC2::VPCEndpoint").values()
    services = {plain(one["Properties"]["ServiceName"]).rpartition(".")[2] for one in endpoints}
    assert services == {
        "s3",
        "autoscaling",
        "monitoring",
        "logs",
        "sqs",
        "ssm",
        "ssmmessages",
        "ec2messages",
    }


def test_new_files_reach_the_ingest_queue_and_results_do_not(app: App) -> None:
    (bucket,) = [
        one
        for one in app.resources("AWS::S3::Bucket", "Storage").values()
        if "NotificationConfiguration" in one["Properties"]
    ]
    (target,) = bucket["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    assert target["Event"] == "s3:ObjectCreated:*"
    assert target["Filter"]["S3Key"]["Rules"] == [{"Name": "prefix", "Value": "incoming/"}]
    admitting = [
        name.removeprefix("Storage/")
        for name, policy in app.resources("AWS::SQS::QueuePolicy", "Storage").items()
        if '"s3.amazonaws.com"' in json.dumps(policy)
    ]
    assert len(admitting) == 1
    assert set(admitting) <= set(bucket["DependsOn"])


def test_buckets_are_private_encrypted_versioned_and_logged(app: App) -> None:
    buckets = app.resources("AWS::S3::Bucket")
    assert len(buckets) == 5
    for name, bucket in buckets.items():
        properties = bucket["Properties"]
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert "BucketEncryption" in properties
        if "AccessLogs" not in name:
            assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
            assert "LoggingConfiguration" in properties
            assert bucket["DeletionPolicy"] == "Retain"
    policies = json.dumps(app.resources("AWS::S3::BucketPolicy"))
    assert policies.count('"aws:SecureTransport": "false"') == len(buckets)


def test_every_alarm_is_told_to_the_one_topic_unless_it_starts_machines(app: App) -> None:
    policies = {name.partition("/")[2] for name in app.resources("AWS::AutoScaling::ScalingPolicy")}
    told = [
        one["Properties"]
        for one in app.resources("AWS::CloudWatch::Alarm").values()
        if one["Properties"]["AlarmActions"][0].get("Ref") not in policies
    ]
    assert len({json.dumps(one["AlarmActions"]) for one in told}) == 1
    assert "Alarms" in plain(told[0]["AlarmActions"][0])
    assert all(one["AlarmDescription"] for one in told)


def test_resources_say_which_environment_they_belong_to(app: App) -> None:
    for bucket in app.resources("AWS::S3::Bucket").values():
        tags = {one["Key"]: one["Value"] for one in bucket["Properties"]["Tags"]}
        assert tags["environment"] == app.environment
