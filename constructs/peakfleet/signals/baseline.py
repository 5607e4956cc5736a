"""The baseline: what the company's own side carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration

from peakfleet._values import known_number, seconds
from peakfleet.signals.metrics import checked_statistic
from peakfleet_planner import BaselineSpec, FixedBaseline, Metric, ReportedBaseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Units that the company's own servers carry, so that only what is above them bursts.

    Use `none`, `fixed` or `reported`.

    Args:
        spec: The baseline as the planner reads it.
    """

    spec: BaselineSpec

    @classmethod
    def none(cls) -> Baseline:
        """Nothing runs on premises: the fleet carries all demand."""
        return cls(spec=FixedBaseline(units=0))

    @classmethod
    def fixed(cls, units: float, *, usable_fraction: float = 1) -> Baseline:
        """Take the baseline to be up always.

        Args:
            units: Units it carries.
            usable_fraction: Share of them that may be counted on. Default: 1.

        Raises:
            SpecError: A number is out of range.
        """
        for field, value in (("units", units), ("usable_fraction", usable_fraction)):
            known_number("baseline", field, value)
        return cls(spec=FixedBaseline(units=units, usable_fraction=usable_fraction))

    @classmethod
    def reported(
        cls,
        *,
        namespace: str,
        metric_name: str,
        declared_units: float,
        dimensions: Mapping[str, str] | None = None,
        period: Duration | None = None,
        statistic: str = "Minimum",
        usable_fraction: float = 1,
        healthy_fraction: float = 0.95,
        unknown_fraction: float = 0.5,
        fresh_for: Duration | None = None,
    ) -> Baseline:
        """Read the healthy units from a metric that the on-premises side publishes.

        Args:
            namespace: CloudWatch namespace of the report.
            metric_name: Its name. The value is in units.
            declared_units: Units when all is well. A higher report counts as this much.
            dimensions: Its dimensions. Default: none.
            period: How often it is published. Default: a minute.
            statistic: How several reports of one period are combined. Default: `Minimum`.
            usable_fraction: Share of the healthy units that may be counted on. Default: 1.
            healthy_fraction: Degraded below this share of the declared units. Default: 0.95.
            unknown_fraction: Share of the declared units that is assumed at most while no
                report comes. Default: 0.5.
            fresh_for: A newest report older than this means unknown. Default: 5 minutes.

        Raises:
            SpecError: A number is out of range.
        """
        for field, value in (
            ("declared_units", declared_units),
            ("usable_fraction", usable_fraction),
            ("healthy_fraction", healthy_fraction),
            ("unknown_fraction", unknown_fraction),
        ):
            known_number("baseline", field, value)
        period_seconds = seconds("baseline", "period", period or Duration.minutes(1))
        return cls(
            spec=ReportedBaseline(
                metric=Metric(
                    namespace=namespace,
                    metric_name=metric_name,
                    dimensions=dict(dimensions or {}),
                    statistic=checked_statistic("baseline", statistic),
                    period_seconds=period_seconds,
                ),
                declared_units=declared_units,
                usable_fraction=usable_fraction,
                healthy_fraction=healthy_fraction,
                unknown_fraction=unknown_fraction,
                fresh_seconds=seconds("baseline", "fresh_for", fresh_for or Duration.minutes(5)),
            )
        )
