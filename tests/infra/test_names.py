"""What a fleet and its pools may be called, in the apps of other teams."""

from __future__ import annotations

import json
import re

import pytest
from aws_cdk import (
    App,
    NestedStack,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from peakfleet import (
    CapacityPool,
    Checkpoints,
    Drain,
    EfficiencyLedger,
    Foresight,
    SpecError,
    TrainingFleet,
)
from peakfleet.fleet.checks import PARTS
from tests.infra.fleets import (
    GRAVITON,
    burst_fleet,
    network,
    new_stack,
    properties,
)
from tests.infra.other_apps import (
    X86,
    graviton,
)


@given(st.text(max_size=80))
@hypothesis(max_examples=200)
def test_a_pool_has_a_name_that_shells_tags_and_dimensions_hold_or_none_at_all(name: str) -> None:
    safe = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.=+@-]{0,63}", name, re.ASCII)
    if safe:
        assert graviton(name=name).name == name
        return
    with pytest.raises(SpecError) as found:
        graviton(name=name)
    assert repr(name) in str(found.value)


@pytest.mark.parametrize("name", ["R&D", "It's", 'Say "x"', "$HOME", "Café", "a`b`", "x=1"])
def test_a_fleet_whose_name_no_tag_or_namespace_holds_is_refused_with_the_way_out(
    name: str,
) -> None:
    with pytest.raises(SpecError, match=r"rename the construct without .+"):
        burst_fleet(new_stack(), name)


def test_a_fleet_whose_name_no_description_holds_is_refused() -> None:
    with pytest.raises(SpecError, match="has at most 180 characters, got 206"):
        burst_fleet(new_stack(), "x" * 200)
    burst_fleet(new_stack(), "x" * 150, efficiency=EfficiencyLedger(), pools=[GRAVITON, X86])


def test_no_pool_is_called_like_another_part_of_its_fleet() -> None:
    stack = new_stack()
    vpc = network(stack)
    burst = burst_fleet(
        stack,
        vpc=vpc,
        pools=[GRAVITON, X86],
        drain=Drain.when_idle(),
        efficiency=EfficiencyLedger(),
        foresight=Foresight.learned(),
    )
    training = TrainingFleet(
        stack,
        "Training",
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnets=[vpc.private_subnets[0]]),
        machines=CapacityPool.trainium("trn1.32xlarge", max_instances=2),
        command="x",
        checkpoints=Checkpoints.in_bucket(s3.Bucket(stack, "Bucket"), prefix="a/1"),
    )
    parts = {child.node.id for fleet in (burst, training) for child in fleet.node.children}
    assert parts - {"Graviton", "X86", "Trainium"} <= PARTS
    for name in (*PARTS, "Pressure Streams"):
        with pytest.raises(SpecError, match=f"pool '{name}': a part of the fleet has this name"):
            burst_fleet(new_stack(), pools=[graviton(name=name)])


@pytest.mark.parametrize("name", ["media-dev", "media-test"])
def test_what_a_fleet_publishes_and_keeps_has_the_name_of_its_stack(name: str) -> None:
    stack = Stack(App(), "Media", stack_name=name)
    fleet = burst_fleet(stack, efficiency=EfficiencyLedger(), pools=[GRAVITON, X86])
    assert fleet.fleet_name == f"{name}/Live"
    template = Template.from_stack(stack)
    for kind in ("AWS::CloudWatch::Alarm", "AWS::Scheduler::Schedule", "AWS::IAM::Policy"):
        written = json.dumps(properties(template, kind))
        assert f"{name}/Live" in written
        assert "Media/Live" not in written
    policies = json.dumps(properties(template, "AWS::IAM::Policy"))
    assert f"PeakFleet/Workers/{name}/Live" in policies


def test_a_fleet_in_a_nested_stack_has_a_name_that_is_known_at_synth() -> None:
    outer = Stack(App(), "Media", stack_name="media-dev")
    nested = NestedStack(outer, "Inner")
    assert burst_fleet(nested).fleet_name == "media-dev/Inner/Live"
    Template.from_stack(nested)
