"""Two weeks of a fleet's demand, read a week at a time."""

from __future__ import annotations

from peakfleet_handlers.aws import Calls, Clients, read_series
from peakfleet_planner import FleetSpec, MetricSeries
from peakfleet_planner.demand import read_demand

WEEKS = 2
"""CloudWatch keeps datapoints of a minute for 15 days."""
WEEK_SECONDS = 7 * 24 * 3600
"""What is read at once: each request is billed for each metric, however long its time is."""

Points = tuple[tuple[int, float], ...]


def read_history(
    spec: FleetSpec, now_epoch_seconds: int, *, clients: Clients, calls: Calls
) -> Points | None:
    """Return the demand of the fleet's first signal in units, oldest first.

    Samples become units, and are rejected, by the rules of the tick. None if a week could not be
    read: a gap would be learned as if demand had stood still.

    Args:
        spec: The fleet.
        now_epoch_seconds: End of the two weeks.
        clients: AWS.
        calls: Where failures are noted.
    """
    signal = spec.signals[0]
    ids = {metric_id: f"m{i}" for i, metric_id in enumerate(signal.metrics)}
    points: dict[str, list[tuple[int, float]]] = {metric_id: [] for metric_id in ids}
    end = now_epoch_seconds - now_epoch_seconds % 60
    for week in reversed(range(WEEKS)):
        series = read_series(
            {query_id: signal.metrics[metric_id] for metric_id, query_id in ids.items()},
            now_epoch_seconds=end - week * WEEK_SECONDS,
            history_seconds=WEEK_SECONDS,
            cloudwatch=clients.cloudwatch,
            calls=calls,
            newest_seconds=0,
        )
        if not all(read.readable for read in series.values()):
            return None
        for metric_id, query_id in ids.items():
            points[metric_id].extend(series[query_id].points)
    read = {metric_id: MetricSeries(points=tuple(found)) for metric_id, found in points.items()}
    return read_demand(spec, signal, read, now_epoch_seconds).points
