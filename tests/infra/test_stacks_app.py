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
        assert baseline.metric.namespace == f"OnPrem/{name}-{app.environment}"
        assert baseline.declared_units == settings[name.lower()]["baseline_units"]


def test_no_environment_reads_what_another_one_publishes(app: App) -> None:
    read = {
        metric.namespace
        for spec in app.specs().values()
        for signal in spec.signals
        for metric in signal.metrics.values()
    }
    ours = {namespace for namespace in read if not namespace.startswith("AWS/")}
    assert ours
    assert all(namespace.endswith(f"-{app.environment}") for namespace in ours)


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
        f"peakfleet_handlers.{room}.handler": len({name.partition("/")[0] for name in fleets})
        for room, fleets in (
            ("scaler", FLEETS),
            ("events", FLEETS),
            ("learn", LIVE_FLEETS),
            ("ledger", COMPARED_FLEETS),
        )
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
        "secretsmanager",
    }


def test_two_environments_in_one_account_have_no_stack_and_no_fleet_in_common() -> None:
    names = []
    for environment in ENVIRONMENTS:
        app = synthesized(environment)
        artifacts = json.loads((app.folder / "manifest.json").read_text())["artifacts"].values()
        stacks = [one["properties"] for one in artifacts if one["type"].endswith(":stack")]
        names += [one["stackName"] for one in stacks]
        names += [spec.fleet for spec in app.specs().values()]
    assert len(set(names)) == len(names)


def test_an_endpoint_serves_no_other_account(app: App) -> None:
    for endpoint in app.resources("AWS::EC2::VPCEndpoint").values():
        service = plain(endpoint["Properties"]["ServiceName"]).rpartition(".")[2]
        if service in {"ssmmessages", "ec2messages"}:
            continue
        own, *others = endpoint["Properties"]["PolicyDocument"]["Statement"]
        condition = own["Condition"]["StringEquals"]
        assert condition["aws:PrincipalAccount"] == {"Ref": "AWS::AccountId"}
        if service == "s3":
            assert condition["aws:ResourceAccount"] == {"Ref": "AWS::AccountId"}
            (packages,) = others
            assert packages["Action"] == "s3:GetObject"
            assert "al2023-repos-" in plain(packages["Resource"])
        else:
            assert not others


def test_instances_open_connections_for_https_only(app: App) -> None:
    groups = app.resources("AWS::EC2::SecurityGroup")
    rules = [
        rule
        for name, group in groups.items()
        if "Network" in name.partition("/")[2]
        for rule in group["Properties"]["SecurityGroupEgress"]
    ]
    assert len(rules) == len(FLEETS)
    assert {(one["IpProtocol"], one["FromPort"], one["ToPort"]) for one in rules} == {
        ("tcp", 443, 443)
    }
    used = json.dumps(app.resources("AWS::EC2::LaunchTemplate"))
    assert used.count("NetworkInstances") + used.count("NetworkInstance") >= len(FLEETS)


def test_uploads_carry_a_secret_that_relays_and_company_may_read(app: App) -> None:
    (secret,) = app.resources("AWS::SecretsManager::Secret")
    name = secret.partition("/")[2]
    grants = [
        statement["Resource"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for policy in app.resources(kind).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "secretsmanager:GetSecretValue" in statement["Action"]
    ]
    assert grants == [{"Ref": name}, {"Ref": name}]
    assert any(f"PEAKFLEET_UPLOAD_TOKEN='{name}'" in text for text in app.user_data().values())


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
        if (actions := one["Properties"].get("AlarmActions"))  # else it asks for a tick
        and actions[0].get("Ref") not in policies
    ]
    assert len({json.dumps(one["AlarmActions"]) for one in told}) == 1
    assert "Alarms" in plain(told[0]["AlarmActions"][0])
    assert all(one["AlarmDescription"] for one in told)


def test_resources_say_which_environment_they_belong_to(app: App) -> None:
    for bucket in app.resources("AWS::S3::Bucket").values():
        tags = {one["Key"]: one["Value"] for one in bucket["Properties"]["Tags"]}
        assert tags["environment"] == app.environment
