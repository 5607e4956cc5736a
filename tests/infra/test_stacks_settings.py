"""Settings of the reference app: what `cdk.json` may say, and how a mistake is reported."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from peakfleet import SpecError
from peakfleet.testing import fleet_specs
from stacks._pools import pools_of
from stacks.context import read_settings, settings_from_context
from stacks.inference import InferenceStack
from stacks.media import MediaStack
from stacks.network import NetworkStack
from stacks.settings import Settings
from stacks.storage import StorageStack

CONTEXT = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the dev block with the entry at *path*, such as `live.pools.0.chip`, replaced."""
    return changed_in(copy.deepcopy(CONTEXT["environments"]["dev"]), path, value)


def changed_in(block: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return *block* with the entry at *path* replaced, in place."""
    *folders, last = path.split(".")
    entry: Any = block
    for name in folders:
        entry = entry[int(name)] if name.isdecimal() else entry[name]
    entry[last] = value
    return block


@pytest.mark.parametrize("environment", sorted(CONTEXT["environments"]))
def test_every_environment_of_cdk_json_can_be_read(environment: str) -> None:
    app = cdk.App(context={**CONTEXT, "environment": environment})
    assert settings_from_context(app.node).environment == environment


CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0f1e"


def storage_with(**changes: object) -> Template:
    """Return the storage stack of dev with other settings, dots written as two underscores."""
    block = copy.deepcopy(CONTEXT["environments"]["dev"])
    for name, value in changes.items():
        block = changed_in(block, name.replace("__", "."), value)
    app = cdk.App(context={**CONTEXT, "aws:cdk:disable-asset-staging": True})
    settings = read_settings("dev", block, CONTEXT["prices"])
    network = NetworkStack(app, "Network", settings=settings)
    return Template.from_stack(StorageStack(app, "Storage", settings=settings, network=network))


def test_with_a_certificate_uploads_arrive_over_tls() -> None:
    (listener,) = (
        storage_with(certificate_arn=CERTIFICATE)
        .find_resources("AWS::ElasticLoadBalancingV2::Listener")
        .values()
    )
    properties = listener["Properties"]
    assert (properties["Protocol"], properties["Port"]) == ("TLS", 443)
    assert properties["Certificates"] == [{"CertificateArn": CERTIFICATE}]


def test_with_the_prefix_list_of_s3_instances_reach_nothing_but_the_vpc_and_s3() -> None:
    template = storage_with(network__s3_prefix_list="pl-0f1e")
    rules = [
        rule
        for name, group in template.find_resources("AWS::EC2::SecurityGroup").items()
        if "Network" in name
        for rule in group["Properties"]["SecurityGroupEgress"]
    ] + [
        rule["Properties"]
        for rule in template.find_resources("AWS::EC2::SecurityGroupEgress").values()
        if "DestinationPrefixListId" in rule["Properties"]
    ]
    assert len(rules) == 4  # two for each fleet
    reached = {rule.get("CidrIp") or rule.get("DestinationPrefixListId") for rule in rules}
    assert reached == {CONTEXT["environments"]["dev"]["network"]["cidr"], "pl-0f1e"}


def test_without_a_choice_the_environment_is_dev() -> None:
    context = {key: CONTEXT[key] for key in ("environments", "prices")}
    assert settings_from_context(cdk.App(context=context).node).environment == "dev"


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    app = cdk.App(context={**CONTEXT, "environment": "staging"})
    expected = "context 'environment' must be one of dev, prod, got 'staging'"
    with pytest.raises(SpecError, match=expected):
        settings_from_context(app.node)


def test_an_app_without_environments_says_so() -> None:
    with pytest.raises(SpecError, match="must be one of none, got 'dev'"):
        settings_from_context(cdk.App().node)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "certificate_arn",
            "cert-1",
            "dev.certificate_arn must be the ARN of a certificate in ACM",
        ),
        ("network.s3_prefix_list", "s3", r"s3_prefix_list must be an id such as pl-0f1e, got 's3'"),
        ("transcode.pools", [], "environments.dev.transcode.pools must have at least one pool"),
        (
            "transcode.pools.0.max_instances",
            0,
            "environments.dev.transcode.pools[0].max_instances must be at least 1, got 0",
        ),
        (
            "live.pools.0.units_per_instance",
            0.5,
            "environments.dev.live.pools[0].units_per_instance must be at least 1, got 0.5",
        ),
        (
            "ingest.baseline_units",
            -1,
            "environments.dev.ingest.baseline_units must be at least 0, got -1",
        ),
        (
            "sync.baseline_units",
            float("nan"),
            "environments.dev.sync.baseline_units must be at least 0, got nan",
        ),
        (
            "sync.baseline_units",
            "many",
            "environments.dev.sync.baseline_units must be a float, got 'many'",
        ),
        (
            "sync.pools.0.chip",
            "arm",
            "pools[0].chip must be one of graviton, x86, inferentia, trainium, got 'arm'",
        ),
        (
            "sync.pools.0.purchase",
            "reserved",
            "pools[0].purchase must be one of on_demand, spot, got 'reserved'",
        ),
        (
            "sync.pools.0.instance_types",
            ["c9g.large"],
            "pools[0].instance_types: prices.usd_per_hour has no c9g.large; known: c7g.4xlarge",
        ),
        (
            "transcode.pools.0.instance_types",
            ["c8gn.large"],
            "pools[0].instance_types: prices.spot_saving has no c8gn.large; known: c7g.4xlarge",
        ),
        (
            "sync.pools.0.instance_types",
            [],
            "environments.dev.sync.pools[0].instance_types must name at least one type",
        ),
        ("network.cidr", "10.0.0.0/8", "environments.dev.network.cidr must be a /16 to a /22"),
        ("network.cidr", "10.0.0.0/24", "environments.dev.network.cidr must be a /16 to a /22"),
        (
            "network.cidr",
            "8.8.0.0/16",
            "network.cidr must be a private IPv4 network (RFC 1918), got '8.8.0.0/16'",
        ),
        (
            "network.cidr",
            "our office",
            "network.cidr must be an IPv4 network such as 10.20.0.0/16, got 'our office'",
        ),
        (
            "network.cidr",
            "10.64.0.0/16",
            "network.cidr must not overlap on_premises_cidr 10.64.0.0/12, got 10.64.0.0/16",
        ),
        (
            "live.on_premises_edges",
            ["10.64.10.11", "edge-2"],
            "live.on_premises_edges[1] must be a private IPv4 address, got 'edge-2'",
        ),
        (
            "live.on_premises_edges",
            [],
            "live.on_premises_edges must name at least one address, got none",
        ),
        ("live.baseline", 4, "environments.dev.live: unknown field baseline; known: "),
        ("prices", {}, "environments.dev: prices belongs beside environments, not in it"),
    ],
)
def test_a_mistake_is_refused_with_its_key_its_value_and_what_is_allowed(
    path: str, value: object, message: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        read_settings("dev", changed(path, value), CONTEXT["prices"])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pools", [], "environments.prod.inference.pools must have at least one pool"),
        ("latency_goal_ms", 0, "environments.prod.inference.latency_goal_ms must be at least 1"),
        ("on_premises_servers", ["gpu-1"], "on_premises_servers[0] must be a private IPv4 address"),
    ],
)
def test_a_mistake_in_a_stack_that_may_be_left_out_is_refused_as_well(
    field: str, value: object, message: str
) -> None:
    block = copy.deepcopy(CONTEXT["environments"]["prod"])
    block["inference"][field] = value
    with pytest.raises(SpecError, match=re.escape(message)):
        read_settings("prod", block, CONTEXT["prices"])


def test_a_missing_key_is_named() -> None:
    block = changed("live", {})
    with pytest.raises(SpecError, match=r"environments\.dev\.live: missing field baseline_units"):
        read_settings("dev", block, CONTEXT["prices"])


def test_an_environment_that_is_no_block_is_refused() -> None:
    with pytest.raises(SpecError, match=r"environments\.dev must be a dict, got 'large'"):
        read_settings("dev", "large", CONTEXT["prices"])


def test_missing_prices_are_named() -> None:
    with pytest.raises(SpecError, match=r"environments\.dev\.prices must be a dict, got None"):
        read_settings("dev", CONTEXT["environments"]["dev"], None)


def test_whoever_the_settings_name_is_told_of_alarms() -> None:
    told = read_settings("dev", changed("alarm_email", "on-call@example.com"), CONTEXT["prices"])
    template = Template.from_stack(NetworkStack(cdk.App(), "Network", settings=told))
    template.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "on-call@example.com"}
    )


def test_a_canary_share_of_the_settings_reaches_its_pool() -> None:
    places = [pool["chip"] for pool in CONTEXT["environments"]["dev"]["transcode"]["pools"]]
    place = places.index("x86")
    block = changed(f"transcode.pools.{place}.canary_share", 0.05)
    app = cdk.App(context={**CONTEXT, "environments": {"dev": block}, "environment": "dev"})
    settings = settings_from_context(app.node)
    shares = [pool.canary_share for pool in pools_of(settings.transcode, settings.prices)]
    assert shares == [0.05 if chip == "x86" else 0 for chip in places]


def networks_with(tmp_path: Path, **network: str) -> tuple[Template, Template]:
    """Return the network and storage stacks of dev with an authority and a link."""
    authority = tmp_path / "authority.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    block = changed("reporter_authority", str(authority))
    block["network"] |= network
    app = cdk.App(context={**CONTEXT, "aws:cdk:disable-asset-staging": True})
    settings = read_settings("dev", block, CONTEXT["prices"])
    stack = NetworkStack(app, "Network", settings=settings)
    storage = StorageStack(app, "Storage", settings=settings, network=stack)
    return Template.from_stack(stack), Template.from_stack(storage)


def test_the_way_to_the_company_is_complete_when_it_is_on_and_absent_when_it_is_off(
    tmp_path: Path,
) -> None:
    network, storage = networks_with(tmp_path, vpn_router="203.0.114.9")
    network.resource_count_is("AWS::EC2::VPNConnection", 1)
    to_company = {"DestinationCidrBlock": "10.64.0.0/12"}
    routes = network.find_resources("AWS::EC2::Route", {"Properties": to_company})
    assert len(routes) == 3
    network.resource_count_is("AWS::EC2::VPCEndpoint", 10)
    storage.resource_count_is("AWS::RolesAnywhere::Profile", 1)
    without, _ = networks_with(tmp_path)
    without.resource_count_is("AWS::EC2::TransitGateway", 0)


def test_both_fleets_are_limited_by_the_metadata_store_where_there_is_one() -> None:
    metadata = {
        "least_capacity_units": 0.5,
        "most_capacity_units": 8,
        "busy_connections": 600,
        "most_connections": 800,
        "connections_per_unit": 2,
    }
    template = storage_with(metadata=metadata)
    template.resource_count_is("AWS::RDS::DBProxy", 1)
    for spec in fleet_specs(template).values():
        (limit,) = spec.downstream
        assert (limit.at_most, limit.critical, limit.load_per_unit) == (600, 800, 2)
        assert limit.metric.metric_name == "DatabaseConnectionsCurrentlyBorrowed"
        assert set(limit.metric.dimensions) == {"ProxyName"}


def test_two_ways_to_the_company_are_refused() -> None:
    block = changed("network.vpn_router", "203.0.114.9")
    block["network"]["direct_connect_gateway"] = "0f1e"
    with pytest.raises(SpecError, match="vpn_router or direct_connect_gateway, got both"):
        read_settings("dev", block, CONTEXT["prices"])


def test_who_reports_for_inference_needs_no_key_either(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    authority.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    prod = copy.deepcopy(CONTEXT["environments"]["prod"])
    block = changed_in(prod, "reporter_authority", str(authority))
    app = cdk.App(context={**CONTEXT, "aws:cdk:disable-asset-staging": True})
    settings = read_settings("prod", block, CONTEXT["prices"])
    assert settings.inference is not None
    stack = InferenceStack(
        app,
        "Inference",
        settings=settings.inference,
        app=settings,
        network=NetworkStack(app, "Network", settings=settings),
    )
    (profile,) = Template.from_stack(stack).find_resources("AWS::RolesAnywhere::Profile").values()
    assert "OnPrem/Inference-prod" in profile["Properties"]["SessionPolicy"]


REGIONS = [
    {"region": "us-east-1", "share": 0.6, "cidr": "10.30.0.0/16"},
    {"region": "us-west-2", "share": 0.4, "cidr": "10.31.0.0/16"},
]
NAME = {"zone_id": "Z0FE", "zone_name": "example.com", "record_name": "live"}


def in_region(region: str) -> tuple[Settings, Template]:
    """Return the settings and the media stack of a region of dev."""
    block = changed_in(changed("regions", REGIONS), "live_name", NAME)
    environments = {"dev": block}
    off = {"aws:cdk:disable-asset-staging": True}
    app = cdk.App(context={**CONTEXT, **off, "environments": environments, "region": region})
    settings = settings_from_context(app.node)
    network = NetworkStack(app, "Network", settings=settings)
    stack = MediaStack(app, "Media", settings=settings, network=network)
    assert stack.region == region
    return settings, Template.from_stack(stack)


def test_regions_share_the_baseline_and_each_has_a_record_of_the_name() -> None:
    found = {one["region"]: in_region(str(one["region"])) for one in REGIONS}
    whole = read_settings("dev", changed("alarm_email", None), CONTEXT["prices"])
    for fleet in ("ingest", "sync", "transcode", "live"):
        units = [getattr(one, fleet).baseline_units for one, _ in found.values()]
        assert sum(units) == pytest.approx(getattr(whole, fleet).baseline_units)
    weights = {}
    for region, (settings, template) in found.items():
        (record,) = template.find_resources("AWS::Route53::RecordSet").values()
        weights[record["Properties"]["SetIdentifier"]] = record["Properties"]["Weight"]
        specs = {name.partition("/")[2]: one for name, one in fleet_specs(template).items()}
        live = specs["Live"]
        assert live.region is not None
        assert live.region.own == region
        assert live.baseline.declared_units == settings.live.baseline_units
        assert specs["Transcode"].region is None
    assert weights == {"us-east-1": 153, "us-west-2": 102}


def test_a_region_that_is_none_of_the_settings_is_refused() -> None:
    with pytest.raises(SpecError, match="one of us-east-1, us-west-2, got 'eu-north-1'"):
        in_region("eu-north-1")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("regions.1.share", 0.5, "at most 1 together"),
        ("regions.1.region", "us-east-1", "each region once"),
        ("regions.1.cidr", "10.30.8.0/21", "must not overlap another region's"),
        ("regions.1.cidr", "10.64.0.0/16", "must not overlap on_premises_cidr"),
        ("regions", [], "of several regions"),
    ],
)
def test_regions_that_cannot_stand_beside_each_other_are_refused(
    path: str, value: object, message: str
) -> None:
    block = changed_in(changed("regions", copy.deepcopy(REGIONS)), "live_name", NAME)
    with pytest.raises(SpecError, match=message):
        read_settings("dev", changed_in(block, path, value), CONTEXT["prices"])
