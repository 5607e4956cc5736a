"""StreamFleet: one statement deploys servers behind a balancer that fills the baseline first."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from peakfleet import Baseline, DemandSignal, Site, SpecError, StreamFleet
from peakfleet.testing import fleet_specs
from tests.infra.fleets import GRAVITON, metric, network, new_stack, only, properties

TARGETS, LISTENER = (
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
)


def stream_fleet(stack: Stack, **options: Any) -> StreamFleet:  # noqa: ANN401  a fleet's own
    given = {
        "vpc": options.get("vpc") or network(stack),
        "pools": [GRAVITON],
        "signals": [DemandSignal.metric(metric())],
        "on_premises_targets": ["10.9.0.4", "10.9.0.5"],
        **options,
    }
    return StreamFleet(stack, "Edge", **given)


@pytest.fixture(name="template", scope="module")
def _template() -> Template:
    stack = new_stack()
    stream_fleet(stack)
    return Template.from_stack(stack)


def by_kind(template: Template) -> dict[str, dict[str, Any]]:
    return {group["TargetType"]: group for group in properties(template, TARGETS)}


def test_the_load_balancer_is_internal_and_hard_to_lose(template: Template) -> None:
    balancer = only(template, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Scheme"] == "internal"
    attributes = {item["Key"]: item["Value"] for item in balancer["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == "true"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"


def test_on_premises_servers_are_targets_by_address(template: Template) -> None:
    assert by_kind(template)["ip"]["Targets"] == [
        {"AvailabilityZone": "all", "Id": address, "Port": 8080}
        for address in ("10.9.0.4", "10.9.0.5")
    ]


def test_instances_join_the_other_target_group_and_its_health_checks(template: Template) -> None:
    assert "Targets" not in by_kind(template)["instance"]
    group = only(template, "AWS::AutoScaling::AutoScalingGroup")
    (joined,) = group["TargetGroupARNs"]
    assert template.find_resources(TARGETS)[joined["Ref"]]["Properties"]["TargetType"] == "instance"
    assert group["HealthCheckType"] == "ELB"


def test_both_sides_are_asked_for_their_health(template: Template) -> None:
    assert {group["HealthCheckPath"] for group in properties(template, TARGETS)} == {"/healthz"}


def test_until_the_first_tick_the_baseline_gets_everything(template: Template) -> None:
    (action,) = only(template, LISTENER)["DefaultActions"]
    weights = {
        template.find_resources(TARGETS)[group["TargetGroupArn"]["Ref"]]["Properties"][
            "TargetType"
        ]: group["Weight"]
        for group in action["ForwardConfig"]["TargetGroups"]
    }
    assert weights == {"ip": 100, "instance": 0}


def test_the_load_balancer_may_reach_both_sides_and_nothing_else(template: Template) -> None:
    groups = properties(template, "AWS::EC2::SecurityGroup")
    reached = [
        (rule["CidrIp"], rule["FromPort"])
        for group in groups
        for rule in group.get("SecurityGroupEgress", [])
        if rule["IpProtocol"] == "tcp"
    ]
    assert reached == [("10.9.0.4/32", 8080), ("10.9.0.5/32", 8080)]
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupEgress", {"FromPort": 8080, "ToPort": 8080}
    )


def test_clients_come_from_the_network_unless_you_say_otherwise() -> None:
    stack = new_stack()
    vpc = network(stack)
    stream_fleet(stack, vpc=vpc)
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::SecurityGroup",
        {
            "SecurityGroupIngress": [
                Match.object_like({"CidrIp": stack.resolve(vpc.vpc_cidr_block), "FromPort": 8080})
            ]
        },
    )


def test_a_certificate_makes_the_listener_speak_tls() -> None:
    stack = new_stack()
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:eu-west-1:111122223333:certificate/a"
    )
    stream_fleet(stack, certificate=certificate, clients=ec2.Peer.ipv4("10.9.0.0/16"))
    listener = only(Template.from_stack(stack), LISTENER)
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13")


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ([], "Media/Edge: on_premises_targets must name at least one server"),
        (["edge-1"], "on_premises_targets must be IPv4 addresses, got 'edge-1'"),
        (["8.8.8.8"], r"must be in 10\.0\.0\.0/8, 100\.64\.0\.0/10, .* got 8\.8\.8\.8"),
    ],
)
def test_servers_that_a_load_balancer_cannot_reach_are_refused(
    addresses: list[str], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        stream_fleet(new_stack(), on_premises_targets=addresses)


def test_each_site_has_its_own_targets_and_its_share_of_the_traffic() -> None:
    stack = new_stack()
    stream_fleet(
        stack,
        on_premises_targets={"fra": ["10.9.0.4"], "ams": ["10.8.0.4"]},
        baseline=Baseline.sites(Site("fra", Baseline.fixed(200)), Site("ams", Baseline.fixed(100))),
    )
    template = Template.from_stack(stack)
    (action,) = only(template, LISTENER)["DefaultActions"]
    assert [one["Weight"] for one in action["ForwardConfig"]["TargetGroups"]] == [50, 50, 0]
    (spec,) = fleet_specs(template).values()
    assert spec.traffic is not None
    assert set(spec.traffic.sides) == {"fra", "ams"}


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"fra": []}, "at least one server of site 'fra'"),
        ({}, "at least one server"),
        ({f"s{n}": ["10.9.0.4"] for n in range(5)}, "at most 4 sites"),
        ({"fra": ["10.9.0.4"]}, "among the sites of its baseline, ams, fra; got fra"),
    ],
)
def test_sites_that_no_listener_can_split_are_refused(
    targets: dict[str, list[str]], message: str
) -> None:
    stack = new_stack()
    sites = Baseline.sites(Site("fra", Baseline.fixed(2)), Site("ams", Baseline.fixed(1)))
    with pytest.raises(SpecError, match=message):
        _ = stream_fleet(stack, on_premises_targets=targets, baseline=sites).fleet.spec
