"""What a burst leans on, and how much of it the fleet may use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from peakfleet._values import known_number, seconds
from peakfleet.signals.metrics import ReadMetric, read
from peakfleet_planner import DownstreamLimitSpec

if TYPE_CHECKING:  # a service of many types, for one annotation
    from aws_cdk import aws_rds as rds

_CALM = Duration.minutes(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamLimit:
    """A load that the fleet must not drive over a bound: connections, a store's load, a link.

    At the bound nothing is added; at the critical one a tenth of the fleet is let go each minute.
    Both end once the load has stayed a tenth below the bound for a while. Without a fresh value
    nothing is added and nothing is cut. Below the bound a step is as large as what a unit was seen
    to load.

    Use `of` or `rds_proxy`.

    Args:
        spec: The limit as the planner reads it.
        read: Its metric.

    Limitations:
        A cut leaves demand unserved, and the alarm on that goes off. Retries of clients look like
        more demand. Several fleets on one store see one load, and may grow in the same minute:
        leave room for that.
    """

    spec: DownstreamLimitSpec
    read: ReadMetric

    def seen_from(self, stack: Stack) -> DownstreamLimitSpec:
        """Return the limit as a fleet in *stack* reads it: a metric of another account names it.

        Raises:
            SpecError: Its metric is of another region.
        """
        owner = f"downstream limit '{self.spec.name}'"
        return replace(self.spec, metric=self.read.seen_from(owner, stack))

    @classmethod
    def of(
        cls,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        at_most: float,
        critical: float | None = None,
        load_per_unit: float | None = None,
        calm_for: Duration = _CALM,
    ) -> DownstreamLimit:
        """Limit a fleet by any metric.

        Args:
            name: Unique within the fleet.
            metric: A plain metric: the load.
            at_most: The bound, in its unit. Leave out what operators and others need.
            critical: At this much the fleet is cut. Default: never.
            load_per_unit: Load of one unit of the fleet; what is measured counts from this to four
                times this. Default: not known, so that the first step is not bounded, and each
                later one takes half of the room that is left.
            calm_for: How long the load must stay below. Default: 5 minutes.

        Raises:
            SpecError: A number is out of range, or it is a math or search expression.
        """
        owner = f"downstream limit '{name}'"
        for what, value in (
            ("at_most", at_most),
            ("critical", critical),
            ("load_per_unit", load_per_unit),
        ):
            if value is not None:
                known_number(owner, what, value)
        found = read(owner, metric)
        return cls(
            read=found,
            spec=DownstreamLimitSpec(
                name=name,
                metric=found.metric,
                at_most=at_most,
                critical=critical,
                load_per_unit=load_per_unit,
                calm_seconds=seconds(owner, "calm_for", calm_for),
                fresh_seconds=max(300, found.metric.period_seconds),
            ),
        )

    @classmethod
    def rds_proxy(
        cls,
        proxy: rds.IDatabaseProxy,
        *,
        at_most: float,
        critical: float | None = None,
        load_per_unit: float | None = None,
        calm_for: Duration = _CALM,
    ) -> DownstreamLimit:
        """Limit a fleet by the connections that a proxy has borrowed from its database.

        Args:
            proxy: In front of the database.
            at_most: Connections, see `of`.
            critical: As in `of`.
            load_per_unit: Connections of one unit, as in `of`.
            calm_for: As in `of`.

        Raises:
            SpecError: A number is out of range.
        """
        borrowed = cloudwatch.Metric(
            namespace="AWS/RDS",
            metric_name="DatabaseConnectionsCurrentlyBorrowed",
            dimensions_map={"ProxyName": proxy.db_proxy_name},
            statistic="Sum",  # each node of the proxy publishes its own
            period=Duration.minutes(1),
        )
        return cls.of(
            proxy.node.id,
            borrowed,
            at_most=at_most,
            critical=critical,
            load_per_unit=load_per_unit,
            calm_for=calm_for,
        )
