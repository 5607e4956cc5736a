"""Stacks with fleets, and what is in their templates."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from peakfleet import BurstFleet, CapacityPool, DemandSignal, Foresight, Purchase

GRAVITON = CapacityPool.graviton("c8g.4xlarge", units_per_instance=16, max_instances=50)
SPOT = CapacityPool.graviton(
    "c8g.4xlarge",
    "c7g.4xlarge",
    units_per_instance=16,
    max_instances=50,
    purchase=Purchase.spot(),
)


def metric(name: str = "Streams", **options: Any) -> cloudwatch.Metric:  # noqa: ANN401  the CDK's
    return cloudwatch.Metric(
        namespace="Live", metric_name=name, **{"period": Duration.minutes(1), **options}
    )


def new_stack(name: str = "Media", *, env: Environment | None = None) -> Stack:
    """Return a stack of an app of its own, which copies no Lambda code: that takes longest."""
    return Stack(App(context={"aws:cdk:disable-asset-staging": True}), name, env=env)


def network(stack: Stack) -> ec2.Vpc:
    return ec2.Vpc(stack, "Network", max_azs=2)


def burst_fleet(stack: Stack, name: str = "Live", **options: Any) -> BurstFleet:  # noqa: ANN401  a fleet's own
    """Return a fleet of one pool and one live signal, without a learner unless it is given."""
    existing = stack.node.try_find_child("Network")
    given = {
        "vpc": existing or network(stack),
        "pools": [GRAVITON],
        "signals": [DemandSignal.metric(metric())],
        "foresight": Foresight.off(),
        **options,
    }
    return BurstFleet(stack, name, **given)


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the properties of every resource of a type."""
    return [found["Properties"] for found in template.find_resources(kind).values()]


def function(template: Template, module: str) -> tuple[str, dict[str, Any]]:
    """Return logical id and properties of the function whose code begins in a module."""
    handler = {"Properties": {"Handler": f"peakfleet_handlers.{module}.handler"}}
    ((logical_id, found),) = template.find_resources("AWS::Lambda::Function", handler).items()
    return logical_id, found["Properties"]


def only(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of a type."""
    (found,) = properties(template, kind)
    return found


def hooks_of(template: Template) -> list[dict[str, Any]]:
    """Return the lifecycle hooks of every group."""
    groups = properties(template, "AWS::AutoScaling::AutoScalingGroup")
    return [hook for group in groups for hook in group.get("LifecycleHookSpecificationList", ())]
