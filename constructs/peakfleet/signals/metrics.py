"""Metrics of the CDK as a tick reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from aws_cdk import IResource, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from peakfleet._values import check_kind, is_elsewhere, is_known, seconds
from peakfleet_planner import Metric, SpecError

_STATISTICS = {
    **dict.fromkeys(("average", "avg", "mean"), "Average"),
    **dict.fromkeys(("maximum", "max"), "Maximum"),
    **dict.fromkeys(("minimum", "min"), "Minimum"),
    **dict.fromkeys(("samplecount", "n", "count"), "SampleCount"),
    "sum": "Sum",
    "iqm": "IQM",
}
_PERCENT = r"(100|\d{1,2}(\.\d{1,10})?)"
_RANGE = r"\(\d*(\.\d+)?%?:\d*(\.\d+)?%?\)"
_EXTENDED = re.compile(rf"(p|tm|wm|tc|ts){_PERCENT}|(PR|TM|WM|TC|TS){_RANGE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMetric:
    """A metric to read, and where it is published.

    Args:
        metric: What to read.
        account: Its account; None if it is the reader's.
        region: Its region; None if it is the reader's.
    """

    metric: Metric
    account: str | None = None
    region: str | None = None

    def seen_from(self, owner: str, stack: Stack) -> Metric:
        """Return the metric as a function in *stack* reads it: with its account, if not its own.

        Raises:
            SpecError: It is of another region, where CloudWatch reads nothing.
        """
        if self.region and is_elsewhere(self.region, stack.region):
            raise SpecError(
                f"{owner}: metric '{self.metric.namespace}/{self.metric.metric_name}' is of "
                f"region {self.region}, but the fleet reads in {stack.region}; define the fleet "
                f"there, or publish the metric in {stack.region}"
            )
        if self.account is None or self.account == stack.account or not is_known(self.account):
            return self.metric
        reader = None if is_known(stack.account) else stack.account
        return replace(self.metric, account=self.account, reader=reader)


def read(
    owner: str,
    metric: cloudwatch.IMetric,
    *,
    statistic: str | None = None,
    of: IResource | None = None,
) -> ReadMetric:
    """Return what to read for a metric of the CDK.

    Args:
        owner: Whose metric it is, for messages.
        metric: A plain metric.
        statistic: Used instead of its own.
        of: What publishes it; the metric of an imported resource does not say where that is.

    Raises:
        SpecError: It is a math or search expression.
    """
    check_kind(owner, "metric", metric, cloudwatch.IMetric)
    stat: cloudwatch.Metric | cloudwatch.MetricStatConfig | None
    if isinstance(metric, cloudwatch.Metric):  # says itself what its configuration would
        stat, dimensions = metric, dict(sorted((metric.dimensions or {}).items()))
    else:
        stat = metric.to_metric_config().metric_stat
        if stat is None:
            raise SpecError(
                f"{owner}: a plain metric is needed, got a math or search expression; "
                f"use DemandSignal.metric_math(expression, metrics=...)"
            )
        dimensions = {one.name: one.value for one in stat.dimensions or ()}
    return ReadMetric(
        metric=Metric(
            namespace=stat.namespace,
            metric_name=stat.metric_name,
            dimensions={name: str(value) for name, value in dimensions.items()},
            statistic=checked_statistic(owner, statistic or stat.statistic),
            period_seconds=seconds(owner, "period", stat.period),
        ),
        account=of.env.account if of else stat.account,
        region=of.env.region if of else stat.region,
    )


def checked_statistic(owner: str, statistic: str) -> str:
    """Return a statistic as GetMetricData spells it.

    Raises:
        SpecError: CloudWatch has no such statistic, or only the deployment knows it.
    """
    plain = _STATISTICS.get(str(statistic).lower())
    if plain is None and not _EXTENDED.fullmatch(str(statistic)):
        raise SpecError(
            f"{owner}: statistic must be one of {', '.join(sorted(set(_STATISTICS.values())))} or "
            f"an extended one such as p99 or tm90, got {statistic!r}"
        )
    return plain or statistic
