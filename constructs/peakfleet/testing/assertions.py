"""Promises of a template with fleets, checked; what is not kept is said in words."""

from __future__ import annotations

from aws_cdk.assertions import Template

from peakfleet.testing.plans import fleet_specs, plan_at
from peakfleet_planner import FleetSpec


def assert_deployments_keep_capacity(template: Template) -> None:
    """Check that a deployment of this template changes no running capacity of a fleet.

    Args:
        template: Of a stack with fleets.

    Raises:
        AssertionError: There is no fleet, or the group of a pool sets its desired capacity.
    """
    specs = fleet_specs(template)
    if not specs:
        raise AssertionError("the template has no fleet: no schedule in it sends a specification")
    groups = template.find_resources("AWS::AutoScaling::AutoScalingGroup")
    for fleet in specs.values():
        for pool in fleet.pools:
            # A group that exists already is in no template.
            if "DesiredCapacity" in groups.get(pool.group, {}).get("Properties", ()):
                raise AssertionError(
                    f"fleet '{fleet.fleet}', pool '{pool.name}': its group sets DesiredCapacity, "
                    f"so each deployment would reset what the fleet has decided"
                )


def assert_serves(
    spec: FleetSpec, *, demand_units: float, baseline_units: float | None = None
) -> None:
    """Check that the pools of a fleet are large enough for a steady demand.

    Args:
        spec: The fleet.
        demand_units: Demand in units.
        baseline_units: What the own side carries. Default: what it declares.

    Raises:
        AssertionError: Some of it could not be served; the message says how much, and why.
    """
    plan = plan_at(
        spec,
        demand_units=demand_units,
        baseline_units=baseline_units,
        desired={pool.name: pool.max_capacity for pool in spec.pools},
    )
    if plan.unserved_units:
        raise AssertionError(
            f"fleet '{spec.fleet}' at its maximum leaves {plan.unserved_units:g} of "
            f"{demand_units:g} units unserved: {plan.explain()}"
        )
