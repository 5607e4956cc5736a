"""Who may report for the company's side, and the way to it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template

from peakfleet import (
    Baseline,
    HybridNetwork,
    Link,
    Maintenance,
    OwnRecord,
    ReporterIdentity,
    ReporterTrust,
    Site,
    SpecError,
    WeightedRecords,
)
from peakfleet.testing import fleet_specs, plan_at
from peakfleet_planner import SitesBaseline
from tests.infra.fleets import burst_fleet, new_stack, only, properties

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
NAMESPACE = "OnPrem/live/fra"
ONLY_THIS = {
    "Action": "cloudwatch:PutMetricData",
    "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    "Effect": "Allow",
    "Resource": "*",
}


def identity(stack: Stack, trust: ReporterTrust, **options: Any) -> ReporterIdentity:  # noqa: ANN401  its own
    given = {"site": "fra", "namespace": NAMESPACE, **options}
    return ReporterIdentity(stack, "Reporter", trust=trust, **given)


@pytest.fixture(scope="module")
def certified() -> Template:
    stack = new_stack()
    topic = sns.Topic(stack, "Topic")
    identity(stack, ReporterTrust.certificates(PEM), alarm_topic=topic)
    return Template.from_stack(stack)


def test_a_reporter_may_publish_its_namespace_and_nothing_else(certified: Template) -> None:
    (policy,) = properties(certified, "AWS::IAM::Policy")
    assert policy["PolicyDocument"]["Statement"] == [ONLY_THIS]
    role = only(certified, "AWS::IAM::Role")
    assert "ManagedPolicyArns" not in role
    profile = only(certified, "AWS::RolesAnywhere::Profile")
    assert json.loads(profile["SessionPolicy"])["Statement"] == [ONLY_THIS]
    assert profile["DurationSeconds"] == 3600


def test_only_a_certificate_of_this_anchor_and_site_becomes_the_role(certified: Template) -> None:
    statements = only(certified, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    (anchor,) = certified.find_resources("AWS::RolesAnywhere::TrustAnchor")
    actions = set()
    for one in statements:
        assert one["Principal"] == {"Service": "rolesanywhere.amazonaws.com"}
        assert one["Condition"] == {
            "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [anchor, "TrustAnchorArn"]}},
            "StringEquals": {"aws:PrincipalTag/x509Subject/CN": "fra"},
        }
        actions |= {one["Action"]} if isinstance(one["Action"], str) else {*one["Action"]}
    assert actions == {"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}


def test_a_certificate_that_expires_is_told(certified: Template) -> None:
    assert only(certified, "AWS::Events::Rule")["EventPattern"]["source"] == ["aws.rolesanywhere"]


def test_managed_nodes_report_without_a_certificate() -> None:
    stack = new_stack()
    made = identity(stack, ReporterTrust.managed_nodes())
    template = Template.from_stack(stack)
    assert (made.trust_anchor_arn, made.profile_arn) == (None, None)
    template.resource_count_is("AWS::RolesAnywhere::Profile", 0)
    (trusted,) = only(template, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "ssm.amazonaws.com"}
    assert "aws:SourceAccount" in trusted["Condition"]["StringEquals"]


def test_sites_may_share_an_anchor() -> None:
    stack = new_stack()
    first = identity(stack, ReporterTrust.certificates(PEM))
    trust = ReporterTrust.anchor(str(first.trust_anchor_arn))
    ReporterIdentity(stack, "Ams", site="ams", namespace="OnPrem/live/ams", trust=trust)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::RolesAnywhere::TrustAnchor", 1)
    template.resource_count_is("AWS::RolesAnywhere::Profile", 2)


def network(stack: Stack, link: Link, **options: Any) -> HybridNetwork:  # noqa: ANN401  its own
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        ip_addresses=ec2.IpAddresses.cidr("10.20.0.0/20"),
        max_azs=2,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Fleet", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        ],
    )
    given = {"on_premises_cidrs": ["10.64.0.0/12", "192.168.0.0/16"], **options}
    return HybridNetwork(stack, "Hybrid", vpc=vpc, subnets=vpc.isolated_subnets, link=link, **given)


def test_every_subnet_has_a_route_to_every_network_of_the_company() -> None:
    stack = new_stack()
    network(stack, Link.vpn("203.0.114.9", asn=65_010))
    template = Template.from_stack(stack)
    routes = properties(template, "AWS::EC2::Route")
    assert len({str((one["RouteTableId"], one["DestinationCidrBlock"])) for one in routes}) == 4
    (attachment,) = properties(template, "AWS::EC2::TransitGatewayVpcAttachment")
    assert len(attachment["SubnetIds"]) == 2
    vpn = only(template, "AWS::EC2::VPNConnection")
    assert (vpn["StaticRoutesOnly"], vpn["PreSharedKeyStorage"]) == (False, "SecretsManager")
    assert only(template, "AWS::EC2::CustomerGateway")["BgpAsn"] == 65_010


def test_direct_connect_announces_the_vpc_and_no_more() -> None:
    stack = new_stack()
    network(stack, Link.direct_connect())
    template = Template.from_stack(stack)
    association = only(template, "AWS::DirectConnect::DirectConnectGatewayAssociation")
    announced = association["AllowedPrefixesToDirectConnectGateway"]
    assert announced == [{"Fn::GetAtt": ["Vpc8378EB38", "CidrBlock"]}]
    gateway = only(template, "AWS::DirectConnect::DirectConnectGateway")
    assert gateway["AmazonSideAsn"] == "64513"


def test_a_direct_connect_gateway_that_exists_is_taken() -> None:
    stack = new_stack()
    network(stack, Link.direct_connect("0f1e"))
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::DirectConnect::DirectConnectGateway", 0)


def test_reporters_reach_the_endpoints_and_may_only_publish_there() -> None:
    stack = new_stack()
    network(stack, Link.vpn("203.0.114.9"))
    template = Template.from_stack(stack)
    endpoints = properties(template, "AWS::EC2::VPCEndpoint")
    policies = [one["PolicyDocument"] for one in endpoints if "PolicyDocument" in one]
    (statement,) = policies[0]["Statement"]
    assert (len(endpoints), statement["Action"]) == (2, "cloudwatch:PutMetricData")
    groups = properties(template, "AWS::EC2::SecurityGroup")
    rules = [rule for group in groups for rule in group.get("SecurityGroupIngress", ())]
    assert {rule["CidrIp"] for rule in rules} == {"10.64.0.0/12", "192.168.0.0/16"}


def test_an_endpoint_that_exists_is_opened_and_not_made_twice() -> None:
    stack = new_stack()
    vpc = ec2.Vpc(stack, "Other", max_azs=2)
    service = ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING
    existing = vpc.add_interface_endpoint("Metrics", service=service, open=False)
    hybrid = network(stack, Link.vpn("203.0.114.9"), existing_endpoints={"Monitoring": existing})
    assert set(hybrid.endpoints) == {"RolesAnywhere"}
    template = Template.from_stack(stack)
    opened = properties(template, "AWS::EC2::SecurityGroup")
    assert sum("SecurityGroupIngress" in group for group in opened) == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda stack: network(stack, Link.direct_connect(), asn=64_513), "must differ"),
        (
            lambda stack: network(stack, Link.direct_connect(), vpc_cidr="10.64.0.0/16"),
            "networks that overlap cannot be routed",
        ),
        (
            lambda stack: network(stack, Link.vpn("203.0.114.9"), on_premises_cidrs=["company"]),
            "must be an IPv4 network",
        ),
        (
            lambda stack: network(stack, Link.vpn("203.0.114.9"), on_premises_cidrs=[]),
            "at least one network",
        ),
        (lambda _: Link.vpn("10.0.0.1"), "must be a public IPv4 address"),
        (lambda _: Link.vpn("203.0.114.9", asn=0), "asn must be between"),
        (lambda _: ReporterTrust.certificates("hello"), "certificates in PEM form"),
        (lambda _: ReporterTrust.certificates(f"{PEM}PRIVATE KEY"), "got a private key"),
        (
            lambda stack: identity(stack, ReporterTrust.certificates(PEM), namespace="AWS/EC2"),
            "must be one of your own",
        ),
        (
            lambda stack: identity(
                stack, ReporterTrust.certificates(PEM), session_duration=Duration.minutes(5)
            ),
            "session_duration must be between 900 and 43200",
        ),
    ],
)
def test_what_cannot_work_is_refused(make: Any, words: str) -> None:  # noqa: ANN401  any of the above
    with pytest.raises(SpecError, match=words):
        make(new_stack())


def site(name: str, units: float, **options: Any) -> Site:  # noqa: ANN401  of a baseline
    return Site(
        name,
        Baseline.reported(
            namespace=f"OnPrem/live/{name}",
            metric_name="HealthyUnits",
            declared_units=units,
            heartbeat="Reporting",
            **options,
        ),
    )


def test_a_fleet_reads_each_site_and_its_heartbeat() -> None:
    stack = new_stack()
    burst_fleet(stack, baseline=Baseline.sites(site("fra", 300), site("ams", 100)))
    (spec,) = fleet_specs(Template.from_stack(stack)).values()
    assert isinstance(spec.baseline, SitesBaseline)
    assert set(spec.baseline.reads) == {
        "fra/report",
        "fra/heartbeat",
        "ams/report",
        "ams/heartbeat",
    }
    plan = plan_at(spec, demand_units=600)
    assert (plan.baseline_units, plan.burst_units) == (400, 200)
    assert plan_at(spec, demand_units=600, baseline_units=200).baseline_units == 200


def test_maintenance_is_written_in_local_time() -> None:
    work = Maintenance(
        "switches", start=datetime(2027, 3, 5, 2, tzinfo=UTC), duration=Duration.hours(2)
    )
    baseline = Baseline.fixed(400, maintenance=[work]).spec
    (window,) = baseline.maintenance  # type: ignore[union-attr]  # it is fixed
    assert window.end_epoch_seconds - window.start_epoch_seconds == 7200


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Baseline.sites, "at least one site"),
        (lambda: Baseline.sites(site("fra", 1), site("fra", 2)), "site names must differ"),
        (lambda: Site("both", Baseline.sites(site("fra", 1))), "must be one place"),
        (
            lambda: Maintenance("x", start=datetime(2027, 3, 5), duration=Duration.hours(1)),  # noqa: DTZ001  refused for that
            "must have a time zone",
        ),
        (
            lambda: Maintenance(
                "x",
                start=datetime(2027, 3, 5, tzinfo=UTC),
                duration=Duration.hours(1),
                remaining_fraction=2,
            ),
            "remaining_fraction must be between 0 and 1",
        ),
    ],
)
def test_a_baseline_that_cannot_be_is_refused(make: Any, words: str) -> None:  # noqa: ANN401  any of the above
    with pytest.raises(SpecError, match=words):
        make()


ADDRESSES = route53.RecordTarget.from_ip_addresses("192.0.2.7", "192.0.2.8")


def own_record(stack: Stack, name: str = "Own") -> OwnRecord:
    check = route53.HealthCheck(
        stack, f"{name}Check", type=route53.HealthCheckType.HTTPS, fqdn="fra.example.com"
    )
    return OwnRecord(target=ADDRESSES, health_check=check)


def weighted(stack: Stack, **options: Any) -> WeightedRecords:  # noqa: ANN401  its own
    zone = route53.PublicHostedZone(stack, "Zone", zone_name="example.com")
    cloud = route53.RecordTarget.from_ip_addresses("198.51.100.4")
    given = {"own": own_record(stack), "cloud": cloud, "record_name": "live", **options}
    return WeightedRecords(stack, "Records", zone=zone, **given)


def test_a_fleet_may_weigh_the_records_of_its_name_and_no_others() -> None:
    stack = new_stack()
    records = weighted(stack)
    fleet = burst_fleet(stack, traffic=records.traffic, baseline=Baseline.fixed(100))
    template = Template.from_stack(stack)
    by_side = {one["SetIdentifier"]: one for one in properties(template, "AWS::Route53::RecordSet")}
    assert {side: one["Weight"] for side, one in by_side.items()} == {
        "on-premises": 255,
        "cloud": 0,
    }
    assert "HealthCheckId" in by_side["on-premises"]
    statements = [
        one
        for policy in properties(template, "AWS::IAM::Policy")
        for one in policy["PolicyDocument"]["Statement"]
        if "route53:ChangeResourceRecordSets" in str(one["Action"])
    ]
    (statement,) = statements
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["live.example.com"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["A"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT"],
        }
    }
    assert fleet.spec.records == records.traffic
    assert fleet.spec.lead_seconds == replace(fleet.spec, records=None).lead_seconds + 60


def test_an_alias_is_kept_for_a_minute_whatever_one_asks_for() -> None:
    stack = new_stack()
    alias = route53.RecordTarget.from_alias(
        route53_targets.Route53RecordTarget(
            route53.ARecord(
                stack,
                "Entry",
                zone=route53.PublicHostedZone(stack, "Other", zone_name="example.org"),
                target=ADDRESSES,
            )
        )
    )
    assert weighted(stack, cloud=alias, ttl=Duration.seconds(10)).traffic.ttl_seconds == 60


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"own": {}}, "own must name at least one site"),
        ({"ttl": Duration.hours(2)}, "ttl_seconds"),
    ],
)
def test_records_that_cannot_be_split_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        weighted(new_stack(), **options)
