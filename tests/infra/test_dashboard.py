"""One dashboard for a fleet, or over all of them."""

from __future__ import annotations

import json

import pytest
from aws_cdk.assertions import Template

from peakfleet import FleetDashboard, SpecError
from tests.infra.fleets import burst_fleet, new_stack, only
from tests.infra.reference_app import plain


def test_each_fleet_is_shown_with_its_demand_what_serves_it_and_its_alarms() -> None:
    stack = new_stack()
    fleets = [burst_fleet(stack, "First"), burst_fleet(stack, "Second")]
    FleetDashboard(stack, "Fleets", fleets=fleets)

    found = only(Template.from_stack(stack), "AWS::CloudWatch::Dashboard")
    widgets = json.loads(plain(found["DashboardBody"]))["widgets"]

    assert "DashboardName" not in found
    text = [one["properties"]["markdown"] for one in widgets if one["type"] == "text"]
    assert text == ["## Media/First", "## Media/Second"]
    shown = json.dumps(widgets)
    for name in ("DemandUnits", "BaselineUnits", "ServingUnits", "UnservedUnits"):
        assert shown.count(f'"{name}"') >= 2
    alarms = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    assert [len(of) for of in alarms] == [len(fleet.alarms) for fleet in fleets]


def test_a_dashboard_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="must name at least one, got none"):
        FleetDashboard(new_stack(), "Fleets", fleets=[])
