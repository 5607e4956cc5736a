"""Metrics, read with GetMetricData."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_handlers.calls import Calls, Cause
from peakfleet_planner import Metric, MetricSeries

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import (
        GetMetricDataOutputTypeDef,
        MetricDataQueryTypeDef,
    )

QUERIES_PER_CALL = 500
OPERATION = "GetMetricData"


@dataclass(slots=True, kw_only=True)
class _Read:
    """What the pages have said of one metric so far."""

    points: dict[int, float] = field(default_factory=dict)
    status: str = "not answered"
    said: str = ""


def read_series(
    metrics: Mapping[str, Metric],
    *,
    now_epoch_seconds: int,
    history_seconds: int,
    cloudwatch: CloudWatchClient,
    calls: Calls,
) -> dict[str, MetricSeries]:
    """Return the newest *history_seconds* of each metric, by the id it was asked for.

    The window ends with the last period that is over: a period that still runs reads too
    low. A metric whose answer failed or is incomplete is marked as not readable.

    Args:
        metrics: What to read, by query id (a lower-case letter first).
        now_epoch_seconds: The tick's time.
        history_seconds: Length of the window.
        cloudwatch: Client to read with.
        calls: Where failures are noted.
    """
    reads = {query_id: _Read() for query_id in metrics}
    ids = list(metrics)
    for first in range(0, len(ids), QUERIES_PER_CALL):
        batch = {query_id: metrics[query_id] for query_id in ids[first : first + QUERIES_PER_CALL]}
        window = _window(batch.values(), now_epoch_seconds, history_seconds)
        _read_batch(batch, reads, window, cloudwatch, calls)
    return {
        query_id: MetricSeries(
            points=tuple(
                (time, value)
                for time, value in sorted(read.points.items())
                if time + metrics[query_id].period_seconds <= now_epoch_seconds
            ),
            readable=read.status == "Complete",
        )
        for query_id, read in reads.items()
    }


def _window(
    metrics: Collection[Metric], now: int, history_seconds: int
) -> tuple[datetime, datetime]:
    """Return start and end, each on the edge of a period."""
    periods = [metric.period_seconds for metric in metrics]
    end = now - now % min(periods)
    start = end - history_seconds
    return (
        datetime.fromtimestamp(start - start % max(periods), UTC),
        datetime.fromtimestamp(end, UTC),
    )


def _read_batch(
    batch: Mapping[str, Metric],
    reads: Mapping[str, _Read],
    window: tuple[datetime, datetime],
    cloudwatch: CloudWatchClient,
    calls: Calls,
) -> None:
    """Read one batch, page by page."""
    get_page = partial(
        cloudwatch.get_metric_data,
        MetricDataQueries=[_query(query_id, metric) for query_id, metric in batch.items()],
        StartTime=window[0],
        EndTime=window[1],
        ScanBy="TimestampAscending",
    )
    subject = f"{len(batch)} metrics"
    token = calls.attempt(OPERATION, subject, partial(_take, get_page, reads))
    while token:
        next_page = partial(get_page, NextToken=token)
        token = calls.attempt(OPERATION, subject, partial(_take, next_page, reads))
    if token is not None:
        _note_incomplete(batch, reads, calls)


def _take(get_page: Callable[[], GetMetricDataOutputTypeDef], reads: Mapping[str, _Read]) -> str:
    """Keep what a page says, and return the token of the next one, empty after the last."""
    page = get_page()
    for result in page.get("MetricDataResults", ()):
        read = reads[result["Id"]]
        read.status = result.get("StatusCode", "Complete")
        read.said = "; ".join(said.get("Value", "") for said in result.get("Messages", ()))
        read.points |= {
            int(time.timestamp()): value
            for time, value in zip(result["Timestamps"], result["Values"], strict=True)
        }
    return page.get("NextToken", "")


def _note_incomplete(batch: Mapping[str, Metric], reads: Mapping[str, _Read], calls: Calls) -> None:
    for query_id, metric in batch.items():
        read = reads[query_id]
        if read.status != "Complete":
            cause = Cause.NOT_AUTHORISED if read.status == "Forbidden" else Cause.UNREADABLE
            subject = f"{metric.namespace}/{metric.metric_name}"
            calls.note(OPERATION, subject, cause, f"{read.status}: {read.said}")


def _query(query_id: str, metric: Metric) -> MetricDataQueryTypeDef:
    return {
        "Id": query_id,
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
