"""Metrics that every fleet publishes."""

from __future__ import annotations

from functools import cached_property
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IConstruct, Node

from peakfleet._tree import identity_of, path_of, stack_of

METRIC_NAMESPACE = "PeakFleet"
_MINUTE = Duration.minutes(1)


def name_of_fleet(scope: IConstruct) -> str:
    """Return the name of a fleet: the name of its stack, and its path within it.

    A stack's name is its own in an account and region, a construct path is not: two environments
    of one app have the same. Constructs named by intent call their `BurstFleet` "Default", the id
    that CloudFormation hides too.
    """
    own = identity_of(stack_of(scope))
    within = path_of(scope).removeprefix(own.outermost_path).removesuffix("/Default")
    return f"{own.outermost_name}{within}"


class FleetMetrics:
    """The metrics of one fleet, ready for alarms and dashboards."""

    node: Node

    @cached_property
    def fleet_name(self) -> str:
        """Name of the fleet in metrics, state and logs: its stack, and its path within it."""
        return name_of_fleet(cast("IConstruct", self))

    def metric(
        self, metric_name: str, *, statistic: str = "Maximum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics that every tick publishes, for example `MissingUnits`.

        Args:
            metric_name: Its name in the namespace `PeakFleet`.
            statistic: Default: `Maximum`.
            period: Default: a minute.
        """
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"Fleet": self.fleet_name},
            statistic=statistic,
            period=period or _MINUTE,
        )

    def metric_demand_units(self) -> cloudwatch.Metric:
        """Units asked for."""
        return self.metric("DemandUnits")

    def metric_baseline_units(self) -> cloudwatch.Metric:
        """Units that the on-premises side carries."""
        return self.metric("BaselineUnits", statistic="Minimum")

    def metric_burst_units(self) -> cloudwatch.Metric:
        """Units of demand above the baseline."""
        return self.metric("BurstUnits")

    def metric_serving_units(self) -> cloudwatch.Metric:
        """Units that the instances in service carry."""
        return self.metric("ServingUnits", statistic="Minimum")

    def metric_covered_units(self) -> cloudwatch.Metric:
        """Units that the baseline carries and the pools are asked to supply.

        Only a fleet with a signal in periods shorter than a minute publishes it.
        """
        return self.metric("CoveredUnits")

    def metric_unserved_units(self) -> cloudwatch.Metric:
        """Units of burst that nothing served."""
        return self.metric("UnservedUnits")
