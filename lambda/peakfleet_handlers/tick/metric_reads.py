"""The metrics of a decision: from the reading that fleets share, or read by the tick itself.

A reading is never relied on. Whatever is not there, not whole, too old or silent by it is read as
if there were no reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from peakfleet_handlers.aws import Calls, Clients, read_before, read_series, window_start
from peakfleet_handlers.fleet_metrics import FleetMetrics, MetricGroup, metrics_of
from peakfleet_handlers.state import Known
from peakfleet_planner import MetricSeries
from peakfleet_table import NewestTick, SharedReading

MOST_AGE_SECONDS: Final = 90
"""A reader runs every minute, and needs some seconds."""
MOST_AHEAD_SECONDS: Final = 60
"""A tick with a flexible time window runs up to a minute after its own time."""
SAME_MOMENT_SECONDS: Final = 15
"""A reading so shortly before the tick before says what that one could read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricReads:
    """What was read for a decision.

    Args:
        metrics: Which.
        series: By query id.
        own: How many metrics the tick read itself.
        read_at: When the reading was read from which the others are, in epoch seconds; None if no
            metric is from one.
        unused: Why the fleet's reading was not used. Default: it was, or there is none.
    """

    metrics: FleetMetrics
    series: Mapping[str, MetricSeries]
    own: int
    read_at: int | None = None
    unused: str | None = None

    def to_json(self, now_epoch_seconds: int) -> dict[str, Any]:
        """Return what the log says of it; ages are in seconds."""
        age = None if self.read_at is None else now_epoch_seconds - self.read_at
        return {
            "own": self.own,
            "shared": len(self.series) - self.own,
            "shared_age_seconds": age,
            "shared_unused": self.unused,
        }


def read_metrics(
    metrics: FleetMetrics,
    now_epoch_seconds: int,
    known: Known,
    *,
    clients: Clients,
    calls: Calls,
) -> MetricReads:
    """Return every metric; what cannot be read is marked, never raised.

    Args:
        metrics: What to read.
        now_epoch_seconds: The tick's time.
        known: What is remembered, with the reading that was found there.
        clients: AWS.
        calls: Where failures are noted.
    """
    every = metrics_of(metrics.groups)
    reading, now = known.reading, now_epoch_seconds
    since = window_start(every.values(), now, metrics.history_seconds)
    unused = None if reading is None else why_unused(reading, known.claim.newest, now, since=since)
    shared: dict[str, MetricSeries] = {}
    if reading is not None and unused is None:
        ahead = bool(metrics.ahead_seconds)
        for group in metrics.groups:
            shared |= _taken(group, reading, now, since=since, ahead=ahead) or {}
        unused = None if shared else "nothing-usable"
    own = {query_id: metric for query_id, metric in every.items() if query_id not in shared}
    read: Mapping[str, MetricSeries] = {}
    if own:
        read = read_series(
            own,
            now_epoch_seconds=now,
            history_seconds=metrics.history_seconds,
            ahead_seconds=metrics.ahead_seconds,
            cloudwatch=clients.cloudwatch,
            calls=calls,
        )
    return MetricReads(
        metrics=metrics,
        series={**shared, **read},
        own=len(own),
        read_at=reading.read_at if reading and shared else None,
        unused=unused,
    )


def why_unused(
    reading: SharedReading, newest: NewestTick | None, now_epoch_seconds: int, *, since: int
) -> str | None:
    """Return why a reading cannot be used at all; None if it can.

    A tick compares what it reads with what the tick before read. So no reading counts twice, and
    none that knows less than the tick before could know.

    Args:
        reading: The reading.
        newest: What the newest tick has left; None: nothing, or it cannot be read.
        now_epoch_seconds: The tick's time.
        since: Where the tick's own window begins.
    """
    age = now_epoch_seconds - reading.read_at
    if age > MOST_AGE_SECONDS:
        return "too-old"
    if age < -MOST_AHEAD_SECONDS:
        return "too-new"
    if reading.since > since:
        return "too-short"
    if newest is not None and (
        reading.read_at <= (newest.read_at or 0)
        or reading.read_at < newest.tick - SAME_MOMENT_SECONDS
    ):
        return "not-newer"
    return None


def _taken(
    group: MetricGroup, reading: SharedReading, now: int, *, since: int, ahead: bool
) -> dict[str, MetricSeries] | None:
    """Return a group's series from a reading; None if the tick must read them itself."""
    series: dict[str, MetricSeries] = {}
    ended_since = False
    for query_id, metric in group.metrics.items():
        found = reading.of(metric)
        if found is None:
            return None
        seen = read_before(
            found, metric, read_at=reading.read_at, now_epoch_seconds=now, since=since
        )
        series[query_id] = seen if ahead else MetricSeries(points=seen.points)
        ended_since |= now // metric.period_seconds > reading.read_at // metric.period_seconds
    # What has come since the reading may be what ends a silence: that is not taken on trust.
    return None if ended_since and group.is_silent(series, now) else series
