"""A CloudWatch dashboard of one fleet, or of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from peakfleet.fleet import BurstFleet, IntentFleet
from peakfleet_planner import SpecError

Fleet = BurstFleet | IntentFleet
_WHOLE, _HALF = 24, 12


class FleetDashboard(Construct):
    """A dashboard: for each fleet its demand, what serves it, what nobody serves, and its alarms.

    Defines one CloudWatch dashboard, which costs 3 USD by the month. CloudFormation names it.

    Args:
        fleets: Which, in the order in which they are shown; at least one.

    Raises:
        SpecError: There is no fleet.

    Limitations:
        The metrics are those that every fleet publishes by default. Fleets of other stacks are
        shown if they are in the same region and account.
    """

    def __init__(self, scope: Construct, construct_id: str, *, fleets: Sequence[Fleet]) -> None:
        super().__init__(scope, construct_id)
        if not fleets:
            raise SpecError(
                f"dashboard '{self.node.path}': fleets must name at least one, got none"
            )
        self._dashboard = cloudwatch.Dashboard(
            self, "Dashboard", widgets=[row for fleet in fleets for row in _rows(fleet)]
        )

    @property
    def dashboard(self) -> cloudwatch.Dashboard:
        """The dashboard, for widgets of your own."""
        return self._dashboard


_COLORS: Final = {
    "demand": cloudwatch.Color.BLUE,
    "baseline": cloudwatch.Color.GREY,
    "baseline and serving": cloudwatch.Color.GREEN,
    "unserved": cloudwatch.Color.RED,
}


def _rows(fleet: Fleet) -> Iterator[list[cloudwatch.IWidget]]:
    name = fleet.fleet_name
    yield [cloudwatch.TextWidget(markdown=f"## {name}", width=_WHOLE, height=1)]
    baseline, serving = fleet.metric_baseline_units(), fleet.metric_serving_units()
    carried = cloudwatch.MathExpression(
        expression="baseline + serving",
        using_metrics={"baseline": baseline, "serving": serving},
    )
    yield [
        cloudwatch.GraphWidget(
            title="Demand and what carries it, in units",
            width=_HALF,
            left=[
                _line("demand", fleet.metric_demand_units()),
                _line("baseline", baseline),
                _line("baseline and serving", carried),
            ],
        ),
        cloudwatch.GraphWidget(
            title="Burst that nothing served, in units",
            width=_HALF,
            left=[_line("unserved", fleet.metric_unserved_units())],
        ),
    ]
    yield [
        cloudwatch.AlarmStatusWidget(
            title=f"Alarms of {name}", alarms=[*fleet.alarms.values()], width=_WHOLE, height=3
        )
    ]


def _line(
    label: str, metric: cloudwatch.Metric | cloudwatch.MathExpression
) -> cloudwatch.Metric | cloudwatch.MathExpression:
    return metric.with_(label=label, color=_COLORS[label])
