"""Metrics, read with GetMetricData."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from peakfleet_handlers.aws.calls import Calls, Cause
from peakfleet_planner import Metric, MetricSeries
from peakfleet_planner.spec import MINUTE_SECONDS, SUMS

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

QUERIES_PER_CALL = 500
NEWEST_SECONDS = 300
"""So much is read in periods shorter than a minute."""
OPERATION = "GetMetricData"


@dataclass(slots=True, kw_only=True)
class _Answer:
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
    newest_seconds: int = NEWEST_SECONDS,
    ahead_seconds: int = 0,
) -> dict[str, MetricSeries]:
    """Return the newest *history_seconds* of each metric, by the id it was asked for.

    The window ends with the last period that is over: a period that still runs reads too
    low. A metric whose answer failed or is incomplete is marked as not readable.

    A metric with periods shorter than a minute is read by the minute, which CloudWatch keeps for
    15 days, and its last minutes in its own period, which CloudWatch keeps for 3 hours. Those
    end one period earlier, because the last may not have come from everywhere yet; if they
    cannot be read, the minutes alone count.

    Args:
        metrics: What to read, by query id (a lower-case letter first).
        now_epoch_seconds: The tick's time.
        history_seconds: Length of the window.
        cloudwatch: Client to read with.
        calls: Where failures are noted.
        newest_seconds: How much is read in periods shorter than a minute; 0 for nothing.
        ahead_seconds: How far beyond now is looked, to tell a publisher whose clock is fast.
            Default: not at all.
    """
    fast = {query_id: metric for query_id, metric in metrics.items() if metric.is_fast}
    minutes = {query_id: by_the_minute(metric) for query_id, metric in metrics.items()}
    read = partial(_read, now=now_epoch_seconds, cloudwatch=cloudwatch, calls=calls)
    lag = dict.fromkeys(minutes, 0)
    history = read(minutes, history_seconds, lag=lag, ahead=ahead_seconds)
    newest: Mapping[str, MetricSeries] = {}
    if fast and newest_seconds:
        lag = {query_id: metric.period_seconds for query_id, metric in fast.items()}
        newest = read(fast, newest_seconds, lag=lag)
    return {
        query_id: replace(
            _as_own_period(series, metrics[query_id]),
            newest=newest[query_id].points if query_id in newest else (),
        )
        for query_id, series in history.items()
    }


def read_before(
    series: MetricSeries,
    metric: Metric,
    *,
    read_at: int,
    now_epoch_seconds: int,
    since: int,
) -> MetricSeries:
    """Return what was read at another time as a read at this one would return it.

    What has come since then is missing, of course. The metric's period is a minute or more.

    Args:
        series: What was read.
        metric: What it is of.
        read_at: When, in epoch seconds.
        now_epoch_seconds: The time to which it is turned.
        since: Where its window begins then, see `window_start`.
    """
    return replace(
        series,
        points=tuple(
            (time, value)
            for time, value in series.points
            if since <= time and time + metric.period_seconds <= now_epoch_seconds
        ),
        ahead_seconds=max(0, series.ahead_seconds + read_at - now_epoch_seconds)
        if series.ahead_seconds
        else 0,
    )


def window_start(metrics: Collection[Metric], now_epoch_seconds: int, history_seconds: int) -> int:
    """Return where the window begins in which these metrics are read, in epoch seconds."""
    start, _ = _window([*map(by_the_minute, metrics)], now_epoch_seconds, history_seconds)
    return int(start.timestamp())


def by_the_minute(metric: Metric) -> Metric:
    """Return *metric* in periods of a minute if its own are shorter."""
    return replace(metric, period_seconds=max(metric.period_seconds, MINUTE_SECONDS))


def _as_own_period(series: MetricSeries, metric: Metric) -> MetricSeries:
    """Return what was read by the minute as it would be in a shorter period."""
    if not metric.is_fast or metric.statistic not in SUMS:
        return series
    share = metric.period_seconds / MINUTE_SECONDS
    return replace(series, points=tuple((time, share * value) for time, value in series.points))


def _read(
    metrics: Mapping[str, Metric],
    seconds: int,
    *,
    lag: Mapping[str, int],
    ahead: int = 0,
    now: int,
    cloudwatch: CloudWatchClient,
    calls: Calls,
) -> dict[str, MetricSeries]:
    """Return each metric in its own period, up to so many seconds before its newest one."""
    reads = {query_id: _Answer() for query_id in metrics}
    ids = list(metrics)
    for first in range(0, len(ids), QUERIES_PER_CALL):
        batch = {query_id: metrics[query_id] for query_id in ids[first : first + QUERIES_PER_CALL]}
        start, end = _window(batch.values(), now, seconds)
        span = (start, end + timedelta(seconds=ahead))
        _read_batch(batch, reads, span, cloudwatch, calls)
    return {
        query_id: MetricSeries(
            points=tuple(
                (time, value)
                for time, value in sorted(read.points.items())
                if time + metrics[query_id].period_seconds + lag[query_id] <= now
            ),
            readable=read.status == "Complete",
            ahead_seconds=max(0, max(read.points, default=0) - now),
        )
        for query_id, read in reads.items()
    }


def _window(
    metrics: Collection[Metric], now: int, history_seconds: int
) -> tuple[datetime, datetime]:
    """Return start and end, each on the edge of a period, and the start on that of a minute."""
    periods = [metric.period_seconds for metric in metrics]
    end = now - now % min(periods)
    start = end - history_seconds
    return (
        datetime.fromtimestamp(start - start % max(*periods, MINUTE_SECONDS), UTC),
        datetime.fromtimestamp(end, UTC),
    )


def _read_batch(
    batch: Mapping[str, Metric],
    reads: Mapping[str, _Answer],
    window: tuple[datetime, datetime],
    cloudwatch: CloudWatchClient,
    calls: Calls,
) -> None:
    """Read one batch, page by page."""
    subject = f"{len(batch)} metrics"
    listed = calls.listed(
        OPERATION,
        subject,
        cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(query_id, metric) for query_id, metric in batch.items()],
            StartTime=window[0],
            EndTime=window[1],
            ScanBy="TimestampAscending",
        ),
        "MetricDataResults",
    )
    for result in listed.found:
        if not calls.reading(OPERATION, subject, partial(_take, result, reads)):
            reads.get(str(result.get("Id")), _Answer()).status = "of an unknown shape"
    if listed.complete:
        _note_incomplete(batch, reads, calls)


def _take(result: MetricDataResultTypeDef, reads: Mapping[str, _Answer]) -> bool:
    """Keep what a page says of one metric."""
    read = reads[result["Id"]]
    points = {
        int(time.timestamp()): float(value)
        for time, value in zip(result["Timestamps"], result["Values"], strict=True)
    }
    read.status = result.get("StatusCode", "Complete")
    read.said = "; ".join(said.get("Value", "") for said in result.get("Messages", ()))
    read.points |= points
    return True


def _note_incomplete(
    batch: Mapping[str, Metric], reads: Mapping[str, _Answer], calls: Calls
) -> None:
    for query_id, metric in batch.items():
        read = reads[query_id]
        if read.status != "Complete":
            cause = Cause.NOT_AUTHORISED if read.status == "Forbidden" else Cause.UNREADABLE
            subject = f"{metric.namespace}/{metric.metric_name}"
            calls.note(OPERATION, subject, cause, f"{read.status}: {read.said}")


def _query(query_id: str, metric: Metric) -> MetricDataQueryTypeDef:
    query: MetricDataQueryTypeDef = {
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
    if metric.other_account is not None:
        query["AccountId"] = metric.other_account
    return query
