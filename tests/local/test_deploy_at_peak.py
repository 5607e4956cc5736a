"""Deployments at peak: what runs goes on running, and nothing busy is ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk.assertions as cdk
import pytest
from aws_cdk import aws_ec2 as ec2

from peakfleet import CapacityPool, Drain, Purchase, Readiness
from peakfleet_local import LocalAws
from peakfleet_local.cloudformation import references
from peakfleet_local.world import Behaviour
from tests.infra.fleets import burst_fleet, new_stack
from tests.local.stacks import change, network

GROUP = "AWS::AutoScaling::AutoScalingGroup"
STACK = "Media"
UNITS = {"c8g.4xlarge": 16.0, "c8g.2xlarge": 8.0, "c8g.8xlarge": 32.0, "c7g.4xlarge": 13.0}


def pool(*types: str, factor: float = 1, **options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.graviton(
        *(types or ("c8g.4xlarge",)),
        units_per_instance={one: factor * UNITS[one] for one in types or ("c8g.4xlarge",)},
        max_instances=20,
        **options,
    )


def deploy(aws: LocalAws, *pools: CapacityPool, **options: Any) -> None:  # noqa: ANN401  a fleet's own
    """Deploy the groups of a fleet with all that they need, as CloudFormation gets them."""
    stack = new_stack(STACK)
    vpc = ec2.Vpc(stack, "Network", max_azs=2, nat_gateways=0)
    burst_fleet(stack, vpc=vpc, pools=pools, vpc_subnets=None, **options)
    template = cdk.Template.from_stack(stack).to_json()
    resources: Mapping[str, Any] = template["Resources"]
    needed = {name for name, one in resources.items() if one["Type"] == GROUP}
    while more := set().union(*(references(resources[one]) for one in needed)) & (
        resources.keys() - needed
    ):
        needed |= more
    change(
        aws,
        STACK,
        {name: one for name, one in resources.items() if name in needed},
        Parameters=template["Parameters"],
    )


def groups(aws: LocalAws) -> dict[str, dict[str, Any]]:
    """Return the groups by the name of their pool."""
    found = aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    tag = {one["AutoScalingGroupName"]: dict(_tags(one)) for one in found}
    return {tag[one["AutoScalingGroupName"]]["Name"].split()[-1]: one for one in found}


def _tags(group: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [(tag["Key"], tag["Value"]) for tag in group["Tags"]]


def at_peak(aws: LocalAws, size: int = 10) -> set[str]:
    """Let every group run so many instances, all of them busy; return their ids."""
    for one in groups(aws).values():
        name = one["AutoScalingGroupName"]
        aws.client("autoscaling").set_desired_capacity(
            AutoScalingGroupName=name, DesiredCapacity=size
        )
        aws.world.set_behaviour(name, Behaviour(drain_seconds=1000))
    aws.world.advance(600)
    for one in groups(aws).values():
        aws.world.set_busy(one["AutoScalingGroupName"], share=1)
    return set(aws.world.machines)


def idle_at_peak(aws: LocalAws, size: int = 10) -> set[str]:
    running = at_peak(aws, size)
    for one in groups(aws).values():
        aws.world.set_busy(one["AutoScalingGroupName"], share=0)
    return running


@pytest.mark.slow
@pytest.mark.parametrize("purchase", [Purchase.on_demand(), Purchase.spot()])
def test_no_change_of_types_or_units_changes_what_runs(aws: LocalAws, purchase: Purchase) -> None:
    """Not even what is idle, which nothing protects."""
    deploy(aws, pool(name="P", purchase=purchase))
    running = idle_at_peak(aws, 20)
    for after in (
        pool("c8g.4xlarge", "c8g.2xlarge", name="P", purchase=purchase),
        pool("c8g.2xlarge", "c8g.4xlarge", name="P", purchase=purchase),
        pool("c8g.4xlarge", "c7g.4xlarge", "c8g.8xlarge", name="P", purchase=purchase),
        pool("c8g.4xlarge", "c8g.8xlarge", name="P", purchase=purchase, factor=0.3),
        pool("c8g.4xlarge", name="P", purchase=purchase, factor=7),
        pool("c8g.2xlarge", name="P", purchase=purchase),
    ):
        deploy(aws, after)
        aws.world.advance(1800)
        assert set(aws.world.machines) == running
        assert aws.world.endings == []


@pytest.mark.slow
def test_a_pool_is_renamed_by_retiring_the_old_one(aws: LocalAws) -> None:
    old = pool(name="Old")
    deploy(aws, old, drain=Drain.when_idle())
    running = at_peak(aws)
    deploy(aws, pool(name="New"), old.retired(), drain=Drain.when_idle())
    aws.world.advance(1800)
    assert set(aws.world.machines) == running
    assert {name: one["DesiredCapacity"] for name, one in groups(aws).items()} == {
        "New": 0,
        "Old": 10,
    }


@pytest.mark.slow
@pytest.mark.parametrize("readiness", [Readiness.in_service(), Readiness.signalled()])
def test_what_leaves_a_template_or_goes_with_its_stack_finishes_its_work(
    aws: LocalAws, readiness: Readiness
) -> None:
    options = {"drain": Drain.when_idle(), "readiness": readiness}
    deploy(aws, pool(name="A"), pool(name="B"), pool(name="C"), **options)
    at_peak(aws)
    name = groups(aws)["A"]["AutoScalingGroupName"]
    deploy(aws, pool(name="A"), pool(name="Renamed"), **options)
    assert set(groups(aws)) == {"A", "Renamed"}
    assert len(aws.world.machines_of(name)) == 10
    assert len(aws.world.endings) == 20
    change(aws, STACK, network())  # the fleet is removed
    assert groups(aws) == {}
    assert len(aws.world.endings) == 30
    deploy(aws, pool(name="A"), **options)
    at_peak(aws)
    aws.client("cloudformation").delete_stack(StackName=STACK)
    assert len(aws.world.endings) == 40
    assert aws.world.machines == {}
    assert [one for one in aws.world.endings if one.busy] == []


@pytest.mark.slow
def test_another_way_of_buying_keeps_the_group_and_what_is_busy(aws: LocalAws) -> None:
    deploy(aws, pool(), drain=Drain.when_idle())
    running = at_peak(aws)
    before = {name: one["AutoScalingGroupName"] for name, one in groups(aws).items()}
    deploy(aws, pool(purchase=Purchase.spot()), drain=Drain.when_idle())
    aws.world.advance(1800)
    assert {name: one["AutoScalingGroupName"] for name, one in groups(aws).items()} == before
    assert running <= set(aws.world.machines)
    assert [one for one in aws.world.endings if one.busy] == []
