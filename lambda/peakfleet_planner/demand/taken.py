"""What the workers of the baseline take of a queue, as measured, in the place of what is declared.

SQS says how many messages were deleted, not by whom; so whoever counts on the company's own workers
must be told by them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import isfinite
from typing import Final

from peakfleet_planner.demand.live import SignalDemand
from peakfleet_planner.demand.queue import Queue
from peakfleet_planner.demand.usable_baseline import UsableBaseline, max_state
from peakfleet_planner.reasons import BaselineCause, BaselineState
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import (
    MINUTE_SECONDS,
    TAKEN,
    FleetSpec,
    MetricSeries,
    ReportedBaseline,
    sides_of,
    site_read,
)

FEWEST_MINUTES: Final = 5
"""Fewer than this say nothing: items end in lumps."""
MOST_MINUTES: Final = 30


def with_measured_take(
    spec: FleetSpec,
    snapshot: Snapshot,
    baseline: UsableBaseline,
    demands: Collection[SignalDemand],
) -> UsableBaseline:
    """Return a baseline that counts for what its workers are seen to take, where that is less.

    Only minutes count in which more items waited than the baseline has units: else its workers may
    have found nothing. Without enough of them what is reported stands.

    Args:
        spec: The fleet.
        snapshot: What was read.
        baseline: As it is reported.
        demands: What its signals ask for; the queue is that of its only one.
    """
    queue = next((demand.queue for demand in demands if demand.queue), None)
    if queue is None:
        return baseline
    reads, sides = snapshot.baseline, sides_of(spec.baseline)
    if not baseline.sites:
        taken = reads.get(TAKEN, MetricSeries())
        return _bounded(sides.get(""), baseline, taken, queue)
    sites = tuple(
        (
            name,
            _bounded(
                sides.get(name), site, reads.get(site_read(name, TAKEN), MetricSeries()), queue
            ),
        )
        for name, site in baseline.sites
    )
    return baseline.of_sites(sites)


def _bounded(
    spec: object, side: UsableBaseline, taken: MetricSeries, queue: Queue
) -> UsableBaseline:
    if not isinstance(spec, ReportedBaseline) or spec.taken is None:
        return side
    units = _taken_units(taken, queue, enough_items=spec.declared_units)
    if units is None or units >= side.units:
        return side
    state, cause = side.state, side.cause
    if units < spec.healthy_fraction * side.units:
        state = max_state(state, BaselineState.DEGRADED)
        cause = cause or BaselineCause.TAKES_LESS
    return replace(
        side,
        units=units,
        state=state,
        cause=cause,
        reports=tuple((time, min(units, reported)) for time, reported in side.reports),
    )


def _taken_units(taken: MetricSeries, queue: Queue, *, enough_items: float) -> float | None:
    """Return the units that were kept busy while there was enough to take; None if unknown."""
    found = [
        items * queue.seconds_per_item / MINUTE_SECONDS
        for time, items in taken.points
        if isfinite(items) and items >= 0 and _least_waiting(queue, time) >= enough_items
    ][-max(MOST_MINUTES, _minutes(queue)) :]
    if len(found) < max(FEWEST_MINUTES, _minutes(queue)):
        return None
    return sum(found) / len(found)


def _minutes(queue: Queue) -> int:
    """Return over how many minutes items that end in lumps make an even number: two items long."""
    return int(2 * queue.seconds_per_item // MINUTE_SECONDS)


def _least_waiting(queue: Queue, time: int) -> float:
    """Return the fewest items that waited around a minute; none where that is not known."""
    first, last = time - queue.period_seconds, time + MINUTE_SECONDS
    seen: Sequence[float] = [
        waiting
        for end, waiting in zip(queue.ends, queue.waiting, strict=True)
        if first <= end <= last
    ]
    return min(seen) if len(seen) > 1 else 0.0
