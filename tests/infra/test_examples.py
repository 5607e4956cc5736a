"""Every example is one screen, and synthesizes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Match, Template

from peakfleet.testing import assert_deployments_keep_capacity, fleet_specs
from peakfleet_planner.spec import SitesBaseline

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))
MOST_LINES = 70


def stack_of(name: str) -> Stack:
    """Return the stack of an example, which copies no Lambda code: that takes longest."""
    module = importlib.import_module(f"examples.{name}")
    kind = getattr(module, "".join(part.capitalize() for part in name.split("_")))
    stack: Stack = kind(App(context={"aws:cdk:disable-asset-staging": True}), kind.__name__)
    return stack


@pytest.mark.parametrize("name", NAMES)
def test_an_example_synthesizes_and_keeps_running_capacity(name: str) -> None:
    template = Template.from_stack(stack_of(name))
    if name == "training":  # a gang, which has no fleet's specification
        template.resource_count_is("AWS::Scheduler::Schedule", 1)
    else:
        assert_deployments_keep_capacity(template)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_one_screen(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= MOST_LINES


def test_two_sites_report_under_identities_that_may_write_one_namespace_each() -> None:
    template = Template.from_stack(stack_of("two_sites"))
    (fleet,) = fleet_specs(template).values()
    assert isinstance(fleet.baseline, SitesBaseline)
    assert [site.name for site in fleet.baseline.sites] == ["fra", "ams"]
    template.resource_count_is("AWS::RolesAnywhere::TrustAnchor", 1)
    template.resource_count_is("AWS::RolesAnywhere::Profile", 2)


def test_fleets_that_share_a_limit_share_the_table_that_keeps_it() -> None:
    fleets = fleet_specs(Template.from_stack(stack_of("shared_spend_limit"))).values()
    assert len({fleet.state_table for fleet in fleets}) == 1
    shared = [one for fleet in fleets for one in fleet.spend_limits if one.shared == "media"]
    assert {one.priority for one in shared} == {"live", "batch"}
    assert {one.usd_per_hour for one in shared} == {60}


def test_ecs_places_tasks_on_a_fleet_and_never_sizes_it() -> None:
    template = Template.from_stack(stack_of("ecs_cluster"))
    template.has_resource_properties(
        "AWS::ECS::CapacityProvider",
        {
            "AutoScalingGroupProvider": {
                "ManagedDraining": "ENABLED",
                "ManagedScaling": {"Status": "DISABLED"},
                "ManagedTerminationProtection": "DISABLED",
            }
        },
    )
    template.has_resource_properties(
        "AWS::AutoScaling::AutoScalingGroup",
        {"NewInstancesProtectedFromScaleIn": Match.absent(), "DesiredCapacity": Match.absent()},
    )
    (launch,) = template.find_resources("AWS::EC2::LaunchTemplate").values()
    assert "ECS_CLUSTER=" in str(launch["Properties"]["LaunchTemplateData"]["UserData"])
