"""Lambda entry point: read the metrics of all fleets of a control plane, once for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peakfleet_handlers import aws
from peakfleet_handlers.aws import Calls, Deadline, logger, read_series
from peakfleet_handlers.fleet_metrics import FAST_CLOCK_SECONDS, FleetMetrics, metrics_of
from peakfleet_handlers.schedule_payload import read_several
from peakfleet_handlers.state import Recorded, StateTable
from peakfleet_planner import FleetSpec, Metric, MetricSeries, SpecError
from peakfleet_planner.spec import MINUTE_SECONDS
from peakfleet_table import MOST_PACKED_BYTES, SERIES, SharedReading, can_be_kept, metric_key

SPECS: Final = "specs"
"""Where the event has the specifications."""


class ReadingError(RuntimeError):
    """AWS refused a call, so that fleets have no new reading; raised once all else is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """What the reader knows of a fleet.

    Args:
        spec: Its specification.
        history_seconds: How far back its ticks read.
        metrics: What of it may be read for it, by key.
    """

    spec: FleetSpec
    history_seconds: int
    metrics: Mapping[str, Metric]

    @classmethod
    def of(cls, spec: FleetSpec) -> _Fleet:
        reads = FleetMetrics.of(spec)
        shared = metrics_of(group for group in reads.groups if group.may_be_shared)
        return cls(
            spec=spec,
            history_seconds=reads.history_seconds,
            metrics={metric_key(metric): metric for metric in shared.values()},
        )


def handler(event: object, context: object = None) -> dict[str, Any]:
    """Read the metrics of several fleets, and leave each what is its own.

    Args:
        event: What the schedule sends: `{"scheduled_time": <ISO-8601>, "specs": [<fleet spec>]}`.
        context: Lambda's, for the time that is left. Default: there is time for everything.

    Returns:
        `metrics`, how many were read; `written`, for how many fleets; `failed`, the fleets that
        have no new reading; `skipped`, why specifications were not read; `failed_calls`.

    Raises:
        SpecError: The event is not such a document; the message names the field.
        ReadingError: AWS refused a call, so that a fleet has no new reading.
    """
    return run(event, clients=aws.clients(), deadline=Deadline.of(context))


def run(event: object, *, clients: aws.Clients, deadline: Deadline) -> dict[str, Any]:
    """Read against *clients*; the handler without Lambda.

    Raises:
        SpecError: As `handler`.
        ReadingError: As `handler`.
    """
    documents, now = read_several(event, SPECS)
    calls = Calls(deadline=deadline)
    fleets, skipped = _fleets(documents)
    read, since = _read(fleets, now, clients=clients, calls=calls)
    outcomes = {
        one.spec.fleet: _keep(one, read, now, since=since, clients=clients, calls=calls)
        for one in fleets
    }
    failed = [fleet for fleet, outcome in outcomes.items() if outcome is Recorded.LOST]
    said = {
        "metrics": len(read),
        "written": sum(outcome is Recorded.WRITTEN for outcome in outcomes.values()),
        "failed": failed,
        "skipped": skipped,
    }
    log = logger().warning if calls.failed or skipped else logger().info
    log(
        "read the metrics of the fleets of a control plane",
        extra={"reading": now, **said, "failed_calls": calls.to_json()},
    )
    if failed:
        raise ReadingError(
            f"{len(failed)} of {len(fleets)} fleets have no new reading, first '{failed[0]}'; "
            f"their ticks read for themselves. {len(calls.failed)} calls failed, see the log"
        )
    return {**said, "failed_calls": len(calls.failed)}


def _fleets(documents: Sequence[object]) -> tuple[list[_Fleet], list[str]]:
    """Return the fleets that can be read, and why the others cannot."""
    fleets: list[_Fleet] = []
    skipped: list[str] = []
    for at, document in enumerate(documents):
        try:
            fleets.append(_Fleet.of(_spec(document)))
        except Exception as error:  # noqa: BLE001  no fleet may stop another, whatever is wrong
            skipped.append(f"{SPECS}[{at}]: {type(error).__name__}: {error}")
    return fleets, skipped


def _spec(document: object) -> FleetSpec:
    if not isinstance(document, Mapping):
        raise SpecError(f"must be an object, got {document!r:.100}")
    return FleetSpec.from_json(document)


def _read(
    fleets: Iterable[_Fleet], now: int, *, clients: aws.Clients, calls: Calls
) -> tuple[dict[str, MetricSeries], int]:
    """Return what could be read whole, by key, and since when; equal metrics are read once.

    Metrics of each other account are read by themselves: one that may not be read may have its
    whole request refused.
    """
    metrics: dict[str, Metric] = {}
    history_seconds = 0
    for fleet in fleets:
        metrics |= fleet.metrics
        history_seconds = max(history_seconds, fleet.history_seconds)
    longest = max((one.period_seconds for one in metrics.values()), default=MINUTE_SECONDS)
    # A tick's own window begins on the edge of a period, and the tick may be a minute earlier.
    history_seconds += 2 * longest + MINUTE_SECONDS
    found: dict[str, MetricSeries] = {}
    for account in {metric.other_account: None for metric in metrics.values()}:
        ids = {
            f"m{at}": key
            for at, (key, metric) in enumerate(metrics.items())
            if metric.other_account == account
        }
        series = read_series(
            {query_id: metrics[key] for query_id, key in ids.items()},
            now_epoch_seconds=now,
            history_seconds=history_seconds,
            ahead_seconds=FAST_CLOCK_SECONDS,
            cloudwatch=clients.cloudwatch,
            calls=calls,
        )
        found |= {ids[query_id]: one for query_id, one in series.items() if can_be_kept(one)}
    return found, now - history_seconds


def _keep(
    fleet: _Fleet,
    read: Mapping[str, MetricSeries],
    now: int,
    *,
    since: int,
    clients: aws.Clients,
    calls: Calls,
) -> Recorded:
    """Write what was read for a fleet; return what became of that."""
    table = StateTable.of(fleet.spec.state_table, fleet.spec.fleet, clients, calls)
    if table is None or not fleet.metrics:
        return Recorded.NOT_KEPT
    series = {key: read[key] for key in fleet.metrics if key in read}
    if not series:
        return Recorded.LOST
    item = SERIES.item(fleet.spec.fleet, SharedReading(read_at=now, since=since, series=series))
    size = len(item["packed"]["B"])
    if size > MOST_PACKED_BYTES:
        calls.note(
            "PutItem",
            fleet.spec.fleet,
            aws.Cause.BOUNDS,
            f"its reading of {size} bytes is above {MOST_PACKED_BYTES}: it reads for itself",
        )
        return Recorded.NOT_KEPT
    return table.put(item)
