"""Pressure: a signal that is read by the second does not wait for the next minute."""

from __future__ import annotations

import re

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from peakfleet.findings import acknowledge
from peakfleet.runbooks import runbook_page, with_runbook
from peakfleet.signals.demand_signal import DemandSignal
from peakfleet_planner import Metric, RateSignal, SpecError

_PERIODS_SECONDS = (10, 20, 30)
"""What an alarm may have below a minute."""
_COVERED = "covered"
_NAME = re.compile(r"[A-Za-z_]\w*")
_SAME_IN_CLOUDWATCH = frozenset({"ABS", "FILL"})


class PressureAlarm(Construct):
    """Goes off when demand exceeds what the baseline and the fleet cover, within seconds.

    Defines a high-resolution CloudWatch alarm over one signal and the fleet's own metric
    `CoveredUnits`, which every tick publishes for the minute to come. A fleet defines one for each
    signal that `is_possible_for`, and decides at once when it goes off. While demand stays
    above what may run the alarm stays on, and asks for nothing more.

    Args:
        signal: A live signal in periods of 10, 20 or 30 seconds.
        covered: What baseline and fleet cover, in units.
        fleet: Name of the fleet, for the alarm's description.

    Raises:
        SpecError: CloudWatch cannot watch this signal by the second.

    Limitations:
        An expression with `MIN` or `MAX` has no such alarm: CloudWatch reads them differently. Nor
        has a metric of another account, whose alarms need roles that CloudWatch assumes there.
        High-resolution alarms cost more than others.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        signal: DemandSignal,
        covered: cloudwatch.Metric,
        fleet: str,
    ) -> None:
        super().__init__(scope, construct_id)
        spec = signal.spec
        if not isinstance(spec, RateSignal) or not self.is_possible_for(signal):
            raise SpecError(
                f"signal '{signal.name}': a pressure alarm needs a live signal in periods of 10, "
                f"20 or 30 seconds, without MIN or MAX; got periods of {spec.period_seconds}"
            )
        self._alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            metric=_excess(spec, covered),
            alarm_description=with_runbook(
                runbook_page(self),
                "Pressure",
                f"The signal {signal.name} asks for more than the baseline and the fleet {fleet} "
                f"cover. This makes the fleet decide at once and needs nobody's attention; the "
                f"alarm LastingTrouble says when the fleet cannot follow.",
            ),
            evaluation_periods=1,
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        acknowledge(
            self._alarm,
            {"CloudWatchAlarmAction": "a rule of EventBridge hears of it; nobody need be told"},
        )

    @staticmethod
    def is_possible_for(signal: DemandSignal) -> bool:
        """Return whether CloudWatch can watch a signal by the second."""
        spec = signal.spec
        return (
            isinstance(spec, RateSignal)
            and spec.period_seconds in _PERIODS_SECONDS
            and set(_NAME.findall(spec.expression)) <= {*spec.metrics, *_SAME_IN_CLOUDWATCH}
            and all(one.account is None or one.reader for one in spec.metrics.values())
        )

    @property
    def alarm(self) -> cloudwatch.Alarm:
        """The alarm itself."""
        return self._alarm


def _excess(spec: RateSignal, covered: cloudwatch.Metric) -> cloudwatch.MathExpression:
    """Return demand in units above what is covered."""
    ids = {metric_id: f"m{index}" for index, metric_id in enumerate(spec.metrics)}
    period = Duration.seconds(spec.period_seconds)
    value = _NAME.sub(lambda name: ids.get(name[0], name[0]), spec.expression)
    return cloudwatch.MathExpression(
        expression=f"({value}) * {_plain(spec.units_per_value)} - {_COVERED}",
        using_metrics={
            **{ids[metric_id]: _metric(metric) for metric_id, metric in spec.metrics.items()},
            _COVERED: covered.with_(period=period),  # else the CDK warns that it does so itself
        },
        period=period,
        label=f"{spec.name} above what is covered",
    )


def _metric(read: Metric) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=read.namespace,
        metric_name=read.metric_name,
        dimensions_map=dict(read.dimensions),
        statistic=read.statistic,
        period=Duration.seconds(read.period_seconds),
    )


def _plain(number: float) -> str:
    """Return a number without an exponent, which CloudWatch need not know."""
    return f"{number:.12f}".rstrip("0").rstrip(".")
