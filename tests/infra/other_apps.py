"""Fleets, stacks and values as the tests of other teams' apps need them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import (
    Duration,
    Environment,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from peakfleet import (
    CapacityPool,
    DemandSignal,
    Foresight,
    QueueFleet,
    StreamFleet,
)
from tests.infra.fleets import (
    GRAVITON,
    metric,
    network,
)

HERE = Environment(account="111122223333", region="eu-west-1")
OTHER = "999900001111"
SQS = "arn:aws:sqs:{}:{}:jobs"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
TEMPLATE = "AWS::EC2::LaunchTemplate"
X86 = CapacityPool.x86("c7i.4xlarge", units_per_instance=12, max_instances=20)
NEURON = CapacityPool.inferentia("inf2.xlarge", max_instances=4, units_per_instance=800)


def graviton(**options: Any) -> CapacityPool:  # noqa: ANN401  a pool's own
    return CapacityPool.graviton(
        "c8g.4xlarge", **{"units_per_instance": 16, "max_instances": 50, **options}
    )


def queue_fleet(stack: Stack, name: str = "Jobs", **options: Any) -> QueueFleet:  # noqa: ANN401  a fleet's own
    defaults = {
        "vpc": options.pop("vpc", None) or network(stack),
        "pools": [GRAVITON],
        "seconds_per_message": 2,
        "drain_within": Duration.minutes(10),
    }
    return QueueFleet(stack, name, **{**defaults, **options})


def stream_fleet(stack: Stack, **options: Any) -> StreamFleet:  # noqa: ANN401  a fleet's own
    defaults = {
        "vpc": options.pop("vpc", None) or network(stack),
        "pools": [GRAVITON],
        "signals": [DemandSignal.metric(metric())],
        "on_premises_targets": ["10.64.0.4"],
        "foresight": Foresight.off(),
    }
    return StreamFleet(stack, "Web", **{**defaults, **options})


def refused(stack: Stack) -> str:
    """Return why the app of a stack cannot be synthesized."""
    with pytest.raises(RuntimeError, match="Validation failed") as found:
        Template.from_stack(stack)
    return str(found.value)


def network_of(stack: Stack) -> ec2.IVpc:
    """Return the network that a fleet of these stacks is in."""
    found = stack.node.find_child("Network")
    assert isinstance(found, ec2.Vpc)
    return found
