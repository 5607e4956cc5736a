"""Two weeks of a fleet's demand, read a week at a time."""

from __future__ import annotations

from peakfleet_handlers.aws import Calls, Clients, read_series
from peakfleet_planner import FleetSpec, MetricSeries
from peakfleet_planner.demand import learned_demand
from peakfleet_planner.forecast import learned_signals

WEEKS = 2
"""CloudWatch keeps datapoints of a minute for 15 days."""
WEEK_SECONDS = 7 * 24 * 3600
"""What is read at once: each request is billed for each metric, however long its time is."""

Points = tuple[tuple[int, float], ...]


def read_history(
    spec: FleetSpec, now_epoch_seconds: int, *, clients: Clients, calls: Calls
) -> Points | None:
    """Return the demand of the fleet as it is learned, in units, oldest first.

    None if a week could not be
    read: a gap would be learned as if demand had stood still.

    Args:
        spec: The fleet.
        now_epoch_seconds: End of the two weeks.
        clients: AWS.
        calls: Where failures are noted.
    """
    metrics = {
        f"m{at}_{index}": (signal.name, metric_id, metric)
        for at, signal in enumerate(learned_signals(spec))
        for index, (metric_id, metric) in enumerate(signal.metrics.items())
    }
    points: dict[str, list[tuple[int, float]]] = {query_id: [] for query_id in metrics}
    end = now_epoch_seconds - now_epoch_seconds % 60
    for week in reversed(range(WEEKS)):
        series = read_series(
            {query_id: metric for query_id, (_, _, metric) in metrics.items()},
            now_epoch_seconds=end - week * WEEK_SECONDS,
            history_seconds=WEEK_SECONDS,
            cloudwatch=clients.cloudwatch,
            calls=calls,
            newest_seconds=0,
        )
        if not all(read.readable for read in series.values()):
            return None
        for query_id, found in points.items():
            found.extend(series[query_id].points)
    read: dict[str, dict[str, MetricSeries]] = {signal.name: {} for signal in learned_signals(spec)}
    for query_id, (name, metric_id, _) in metrics.items():
        read[name][metric_id] = MetricSeries(points=tuple(points[query_id]))
    return learned_demand(spec, read, now_epoch_seconds)
