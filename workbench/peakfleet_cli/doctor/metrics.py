"""Whether demand and baseline arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from peakfleet_cli.account import Account
from peakfleet_cli.doctor.finding import Finding, error, good, warning
from peakfleet_planner import FleetSpec, Metric, SilenceRule
from peakfleet_planner.spec import REPORT

_LOOK_BACK: Final = timedelta(hours=3)
_LATE: Final = timedelta(minutes=5)
_QUERIES: Final = 500


def on_metrics(account: Account, fleets: Iterable[FleetSpec]) -> Iterator[Finding]:
    """Yield how old the newest datapoint of each signal and baseline is.

    Needs `cloudwatch:GetMetricData`.

    Args:
        account: Where.
        fleets: As they are deployed, so that the names of queues are known.
    """
    asked = [one for fleet in fleets for one in _metrics(fleet)]
    now = datetime.now(UTC)
    for first in range(0, len(asked), _QUERIES):
        some = asked[first : first + _QUERIES]
        pages = (
            account.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=[
                    _query(f"q{i}", metric) for i, (_, metric, _) in enumerate(some)
                ],
                StartTime=now - _LOOK_BACK,
                EndTime=now,
                ScanBy="TimestampDescending",
            )
        )
        newest = {
            result["Id"]: result["Timestamps"][0]
            for page in pages
            for result in page["MetricDataResults"]
            if result["Timestamps"]
        }
        for i, (about, metric, may_be_silent) in enumerate(some):
            yield _finding(about, metric, newest.get(f"q{i}"), now, may_be_silent=may_be_silent)


def _metrics(fleet: FleetSpec) -> Iterator[tuple[str, Metric, bool]]:
    """Yield what a metric is for, the metric, and whether its silence means zero."""
    for signal in fleet.signals:
        silent = getattr(signal, "when_silent", None)
        zero = silent is not None and silent.rule is SilenceRule.ZERO
        for metric in signal.metrics.values():
            yield f"signal {signal.name} of {fleet.fleet}", metric, zero
    for name, metric in fleet.baseline.reads.items():
        about = "baseline" if name == REPORT else f"baseline {name}"
        yield f"{about} of {fleet.fleet}", metric, False
    for limit in fleet.downstream:  # what nobody uses reports nothing
        yield f"downstream limit {limit.name} of {fleet.fleet}", limit.metric, True


def _finding(
    about: str, metric: Metric, newest: datetime | None, now: datetime, *, may_be_silent: bool
) -> Finding:
    dimensions = ", ".join(f"{k}={v}" for k, v in metric.dimensions.items())
    name = f"{metric.namespace}/{metric.metric_name}" + (f" ({dimensions})" if dimensions else "")
    fix = "make its publisher report, and compare namespace, name and dimensions letter by letter"
    if newest is None:
        says = f"{name} has had no datapoint for 3 hours"
        return (
            good(about, f"{says}, which means zero") if may_be_silent else error(about, says, fix)
        )
    age = now - newest
    says = f"{name}: the newest datapoint is {age.total_seconds() / 60:.0f} minutes old"
    if age > max(_LATE, timedelta(seconds=3 * metric.period_seconds)) and not may_be_silent:
        return warning(about, says, fix)
    return good(about, says)


def _query(name: str, metric: Metric) -> dict[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.metric_name,
                "Dimensions": [{"Name": k, "Value": v} for k, v in metric.dimensions.items()],
            },
            "Period": metric.period_seconds,
            "Stat": metric.statistic,
        },
    }
