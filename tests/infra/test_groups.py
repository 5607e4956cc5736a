"""A pool's group is production grade without being asked."""

from __future__ import annotations

from typing import Any, cast

import pytest
from aws_cdk import CfnResource, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.assertions import Template
from hypothesis import given, settings
from hypothesis import strategies as st

from peakfleet import CapacityPool, Purchase
from peakfleet._tree import identity_of
from tests.infra.fleets import GRAVITON, SPOT, burst_fleet, network, new_stack, only, properties

GROUP, TEMPLATE = "AWS::AutoScaling::AutoScalingGroup", "AWS::EC2::LaunchTemplate"


def rendered(*pools: CapacityPool, **options: Any) -> Template:  # noqa: ANN401  a fleet's own
    stack = new_stack()
    burst_fleet(stack, pools=pools, **options)
    return Template.from_stack(stack)


def launch(template: Template) -> dict[str, Any]:
    data: dict[str, Any] = only(template, TEMPLATE)["LaunchTemplateData"]
    return data


def test_metadata_is_read_with_a_session_token_and_from_the_instance_only() -> None:
    options = launch(rendered(GRAVITON))["MetadataOptions"]
    assert options == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def test_the_root_volume_is_encrypted_gp3() -> None:
    (device,) = launch(rendered(GRAVITON))["BlockDeviceMappings"]
    assert device == {
        "DeviceName": "/dev/xvda",
        "Ebs": {"Encrypted": True, "VolumeSize": 20, "VolumeType": "gp3"},
    }


def test_instances_have_no_public_address_and_no_ssh_key() -> None:
    data = launch(rendered(GRAVITON))
    assert [card["AssociatePublicIpAddress"] for card in data["NetworkInterfaces"]] == [False]
    assert "KeyName" not in data


def instance_permissions(template: Template) -> list[str]:
    """Return every action that the instances of the one fleet may do."""
    ((role, worker),) = (
        (name, found["Properties"])
        for name, found in template.find_resources("AWS::IAM::Role").items()
        if "ec2.amazonaws.com" in str(found)
    )
    assert "ManagedPolicyArns" not in worker
    return [
        action
        for policy in properties(template, "AWS::IAM::Policy")
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    ]


def test_instances_are_reached_with_session_manager_and_read_no_parameters() -> None:
    allowed = instance_permissions(rendered(GRAVITON))
    assert {"ssmmessages:OpenDataChannel", "ssm:UpdateInstanceInformation"} <= set(allowed)
    assert not [action for action in allowed if "Parameter" in action]


def test_nobody_reaches_instances_where_session_manager_is_off() -> None:
    stack = new_stack()
    burst_fleet(stack, session_manager=False)
    assert instance_permissions(Template.from_stack(stack)) == []


def test_instances_are_watched_every_minute() -> None:
    template = rendered(GRAVITON)
    assert launch(template)["Monitoring"] == {"Enabled": True}  # its safety net reads CPU
    assert only(template, GROUP)["MetricsCollection"] == [{"Granularity": "1Minute"}]


@pytest.mark.parametrize(
    ("pool", "mark"),
    [
        (GRAVITON, "arm64"),
        (CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1), "x86_64"),
    ],
)
def test_instances_boot_amazon_linux_2023_of_their_architecture(
    pool: CapacityPool, mark: str
) -> None:
    template = rendered(pool)
    parameter = template.to_json()["Parameters"][launch(template)["ImageId"]["Ref"]]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert parameter["Default"].startswith("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel")
    assert parameter["Default"].endswith(mark)


def test_every_fleet_has_a_security_group_of_its_own() -> None:
    stack = new_stack()
    first, second = burst_fleet(stack, "First"), burst_fleet(stack, "Second")
    first.connections.allow_to(ec2.Peer.ipv4("10.0.0.0/8"), ec2.Port.tcp(2049))
    assert first.connections.security_groups[0] is not second.connections.security_groups[0]
    groups = [card["Groups"] for card in _cards(Template.from_stack(stack))]
    assert groups[0] != groups[1]


def _cards(template: Template) -> list[dict[str, Any]]:
    return [
        found["LaunchTemplateData"]["NetworkInterfaces"][0]
        for found in properties(template, TEMPLATE)
    ]


def test_instances_run_in_private_subnets() -> None:
    stack = new_stack()
    vpc = network(stack)
    burst_fleet(stack)
    subnets = only(Template.from_stack(stack), GROUP)["VPCZoneIdentifier"]
    assert subnets == [stack.resolve(subnet.subnet_id) for subnet in vpc.private_subnets]


def test_instances_run_in_isolated_subnets_where_nothing_needs_the_internet() -> None:
    stack = new_stack()
    vpc = ec2.Vpc(
        stack,
        "Closed",
        max_azs=2,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="In", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        ],
    )
    burst_fleet(stack, vpc=vpc)
    subnets = only(Template.from_stack(stack), GROUP)["VPCZoneIdentifier"]
    assert subnets == [stack.resolve(subnet.subnet_id) for subnet in vpc.isolated_subnets]


def test_a_deployment_never_sets_the_desired_capacity() -> None:
    for group in properties(rendered(GRAVITON, SPOT), GROUP):
        assert "DesiredCapacity" not in group


def test_a_group_keeps_the_minimum_and_stays_below_the_maximum() -> None:
    pool = CapacityPool.graviton(
        "c8g.large", units_per_instance=2, min_instances=3, max_instances=9
    )
    group = only(rendered(pool), GROUP)
    assert (group["MinSize"], group["MaxSize"]) == ("3", "9")


def test_new_instances_count_after_their_boot_time() -> None:
    pool = CapacityPool.graviton(
        "c8g.large", units_per_instance=2, max_instances=9, boot=Duration.minutes(7)
    )
    group = only(rendered(pool), GROUP)
    assert (group["DefaultInstanceWarmup"], group["HealthCheckGracePeriod"]) == (420, 420)


def test_replacements_are_launched_before_an_instance_is_terminated() -> None:
    policy = only(rendered(GRAVITON), GROUP)["InstanceMaintenancePolicy"]
    assert policy == {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110}


def test_spot_buys_what_is_cheap_and_unlikely_to_be_taken_back() -> None:
    group = only(rendered(SPOT), GROUP)
    assert "CapacityRebalance" not in group  # the scaler replaces what is at risk, on any pool
    assert group["MixedInstancesPolicy"]["InstancesDistribution"] == {
        "OnDemandBaseCapacity": 0,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }


def test_several_types_on_demand_are_tried_in_order() -> None:
    pool = CapacityPool.graviton("c8g.large", "c7g.large", units_per_instance=2, max_instances=9)
    group = only(rendered(pool), GROUP)
    assert "CapacityRebalance" not in group
    mixed = group["MixedInstancesPolicy"]
    assert mixed["InstancesDistribution"] == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandPercentageAboveBaseCapacity": 100,
    }
    assert mixed["LaunchTemplate"]["Overrides"] == [
        {"InstanceType": "c8g.large"},
        {"InstanceType": "c7g.large"},
    ]


def test_one_type_on_demand_needs_no_mixed_group() -> None:
    group = only(rendered(GRAVITON), GROUP)
    assert "LaunchTemplate" in group
    assert "MixedInstancesPolicy" not in group


_SIZES = {"c8g.4xlarge": 16, "c8g.2xlarge": 8, "c7g.4xlarge": 13, "c8g.8xlarge": 32}


@given(
    before=st.lists(st.sampled_from(sorted(_SIZES)), min_size=1, unique=True),
    after=st.lists(st.sampled_from(sorted(_SIZES)), min_size=1, unique=True),
    tuned=st.floats(min_value=0.01, max_value=1000),
    purchase=st.sampled_from([Purchase.spot(), Purchase.on_demand()]),
)
@settings(max_examples=8, deadline=None)
def test_neither_types_nor_units_change_what_a_size_of_a_group_means(
    before: list[str], after: list[str], tuned: float, purchase: Purchase
) -> None:
    def sizes(types: list[str], tuned: float) -> tuple[object, ...]:
        group = only(
            rendered(
                CapacityPool.graviton(
                    *types,
                    units_per_instance={kind: tuned * _SIZES[kind] for kind in types},
                    max_instances=10,
                    min_instances=2,
                    purchase=purchase,
                )
            ),
            GROUP,
        )
        mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
        weights = {one.get("WeightedCapacity", "1") for one in mixed.get("Overrides", [{}])}
        return weights, group["MinSize"], group["MaxSize"]

    assert sizes(before, 1) == sizes(after, tuned) == ({"1"}, "2", "10")


def test_weights_that_an_app_writes_are_refused() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack, pools=[SPOT])
    resource = cast("CfnResource", fleet.groups[SPOT.name].node.default_child)
    path = "MixedInstancesPolicy.LaunchTemplate.Overrides.0.WeightedCapacity"
    resource.add_property_override(path, "2")
    with pytest.raises(RuntimeError, match="the group of pool 'Graviton' has weights"):
        Template.from_stack(stack)


def test_a_load_balancer_decides_about_health_where_there_is_one() -> None:
    stack = new_stack()
    vpc = network(stack)
    burst_fleet(stack, "Alone")
    balanced = burst_fleet(stack, "Balanced")
    targets = elbv2.NetworkTargetGroup(stack, "Targets", vpc=vpc, port=80)
    balanced.groups["Graviton"].attach_to_network_target_group(targets)
    types = {
        str(group["Tags"]): group["HealthCheckType"]
        for group in properties(Template.from_stack(stack), GROUP)
    }
    assert sorted(types.values()) == ["EC2", "ELB"]
    assert all(("Balanced" in tags) == (kind == "ELB") for tags, kind in types.items())


def test_the_group_stays_open_to_what_we_did_not_think_of() -> None:
    stack = new_stack()
    fleet = burst_fleet(stack)
    fleet.groups["Graviton"].add_user_data("systemctl start edge")
    data = launch(Template.from_stack(stack))
    assert "systemctl start edge" in str(data["UserData"])


def test_user_data_may_be_written_once_more_is_known() -> None:
    stack = new_stack()
    own = ec2.UserData.for_linux()
    own.add_commands("own script")
    pool = CapacityPool.x86("c7i.large", units_per_instance=1, max_instances=1, user_data=own)
    fleet = burst_fleet(stack, pools=[GRAVITON, pool])
    fleet.user_data.add_commands("fleet script")
    scripts = [
        str(found["LaunchTemplateData"]["UserData"])
        for found in properties(Template.from_stack(stack), TEMPLATE)
    ]
    assert sorted("fleet script" in script for script in scripts) == [False, True]
    assert sorted("own script" in script for script in scripts) == [False, True]


def test_the_arn_of_a_group_is_what_the_cdk_says_of_it() -> None:
    """Policies name groups by it; the library writes it itself, to ask the CDK less often."""
    fleet = burst_fleet(new_stack())
    stack = Stack.of(fleet)
    for group in fleet.groups.values():
        written = identity_of(stack).group_arn(group.auto_scaling_group_name)
        assert stack.resolve(written) == stack.resolve(group.auto_scaling_group_arn)
