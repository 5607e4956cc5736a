"""Demand: what each signal asks for now, has asked for, and will ask for soon."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from operator import sub
from typing import Final, NamedTuple, TypeVar

from peakfleet_planner.demand.queue import Queue, read_queue
from peakfleet_planner.demand.samples import Samples, read_samples
from peakfleet_planner.plan import SignalView
from peakfleet_planner.reasons import SignalState
from peakfleet_planner.snapshot import SignalMemory
from peakfleet_planner.spec import (
    WITNESS,
    BacklogSignal,
    FleetSpec,
    MetricSeries,
    RateSignal,
    Signal,
    SilenceRule,
    WhenSilent,
)

Points = Sequence[tuple[int, float]]
Number = TypeVar("Number", int, float)

FEW_RISES: Final = 10
"""Fewer observed rises than this say too little about how fast demand climbs."""
HEADROOM_WITHOUT_HISTORY: Final = 0.1
"""Share of the demand that is added while too little history has been read."""
NEW_HEIGHTS_SHARE: Final = 0.1
"""Demand that is so much above all that was before has left its usual range."""
_NEAR_ZERO_SAMPLES: Final = 3
NEAR_ZERO_SHARE: Final = 0.02
"""The last samples before silence were near zero if all were below this share of the highest."""
VANISHED_SECONDS: Final = 600
"""Demand that is near zero straight after it was high is doubted for so long."""
_GROWTH_WINDOW_SECONDS: Final = 300
"""The growth that a silent `grow` signal is taken to continue is measured over this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDemand:
    """One signal in units.

    Args:
        view: What the plan says of it.
        points: Every plausible sample read, in units, oldest first, by the minute or longer.
        keep_units: Units that may be needed before what is let go now could be back.
        surge_units: Units that are asked for if demand rises as much as it ever did in the history.
        sustained_units: What demand did not fall below in the last half minute; 0 where it is
            not read that finely.
        queue: The work that waits, where its age is known. Default: it is not.
    """

    view: SignalView
    points: tuple[tuple[int, float], ...]
    keep_units: float = 0.0
    surge_units: float = 0.0
    sustained_units: float = 0.0
    queue: Queue | None = None


def read_demand(
    spec: FleetSpec,
    signal: Signal,
    read: Mapping[str, MetricSeries],
    now: int,
    *,
    memory: SignalMemory | None = None,
    runs: bool = True,
) -> SignalDemand:
    """Return what *signal* asks for at *now*, by its freshness rule.

    Samples that cannot be true (not finite, negative, above the plausible maximum, from the
    future) are rejected and counted; while one is among the newest, the signal is not trusted.
    Nor is it for some minutes after demand has vanished as it never did before in the history
    read: what was served may be down, and everybody will be back at once.

    Args:
        spec: The fleet.
        signal: One of its signals.
        read: What was read for it, by metric id.
        now: Epoch seconds of the decision.
        memory: What is remembered of it. Default: nothing.
        runs: Whether more of the fleet runs than always does. Default: it does.
    """
    memory = memory or SignalMemory()
    lead_seconds = spec.lead_seconds_of(signal)
    samples = read_samples(signal, read, now, lead_seconds, memory)
    each = min(pool.units_per_capacity for pool in spec.pools)
    if samples.units is None or now - samples.seen_until > signal.when_silent.after_seconds:
        return _silent(signal, read, samples, now, memory=memory, each=each, runs=runs)
    is_doubtful = samples.doubtful or (
        isinstance(signal, RateSignal)
        and _has_vanished(samples, now, each=each)
        and not _agrees(signal.when_silent, read, now)
    )
    view = SignalView(
        name=signal.name,
        state=SignalState.IMPLAUSIBLE if is_doubtful else SignalState.FRESH,
        units=samples.units,
        ahead_units=samples.units,
        rejected_samples=samples.rejected,
        complete_share=samples.complete_share,
    )
    if isinstance(signal, BacklogSignal):
        return _queued(signal, read, samples, view)
    demand = live_demand(
        spec,
        view,
        samples.points,
        lead_seconds=now - samples.seen_until + lead_seconds,
        period=samples.period_seconds,
    )
    if not samples.sustained_units:
        return demand
    return replace(demand, sustained_units=samples.sustained_units)


def _queued(
    signal: BacklogSignal, read: Mapping[str, MetricSeries], samples: Samples, view: SignalView
) -> SignalDemand:
    """Return what a queue asks for, by the age of its work if that is known."""
    points = samples.points
    queue = read_queue(signal, read, (time for time, _ in points))
    if queue is None:
        return SignalDemand(view=view, points=points, keep_units=view.units or 0.0)
    units = queue.units()
    return SignalDemand(
        view=replace(view, units=units, ahead_units=units), points=points, queue=queue
    )


def live_demand(
    spec: FleetSpec, view: SignalView, points: Points, *, lead_seconds: float, period: int
) -> SignalDemand:
    """Return live demand with what it may rise to soon.

    Args:
        spec: The fleet.
        view: What is known of the signal so far: its newest demand.
        points: Every plausible sample, in units, oldest first.
        lead_seconds: From the newest demand until capacity for it serves.
        period: Seconds of one sample.
    """
    units = view.units or 0.0
    since = points[-1][0] - spec.service_level.history_seconds if points else 0
    recent = points[bisect_right(points, (since, inf)) :]
    rises = _rises(spec, recent, units, steps=max(1, ceil(lead_seconds / period)))
    return SignalDemand(
        view=replace(view, ahead_units=units + rises.usual),
        points=tuple(points),
        keep_units=units + rises.meanwhile,
        surge_units=units + rises.most,
    )


def _silent(
    signal: Signal,
    read: Mapping[str, MetricSeries],
    samples: Samples,
    now: int,
    *,
    memory: SignalMemory,
    each: float,
    runs: bool,
) -> SignalDemand:
    """Return what a silent signal is taken to ask for.

    Args:
        signal: The signal.
        read: What was read for it.
        samples: Those of it that can be true.
        now: Epoch seconds of the decision.
        memory: What is remembered of it.
        each: Units of one point of capacity: less than that is near zero.
        runs: Whether more of the fleet runs than always does.
    """
    points, rule = samples.points, signal.when_silent.rule
    readable = all(metric_id in read and read[metric_id].readable for metric_id in signal.metrics)
    last = samples.units if points else memory.units
    if rule is SilenceRule.ZERO and readable and not samples.rejected:
        newest = [units for _, units in points[-_NEAR_ZERO_SAMPLES:]]
        highest = max((units for _, units in points), default=0.0)
        # A queue is active as long as it holds anything: only an empty one falls silent.
        near_zero = (
            0.0 if isinstance(signal, BacklogSignal) else max(each, NEAR_ZERO_SHARE * highest)
        )
        was_near_zero = max(newest, default=inf if last is None else last) <= near_zero
        if last is None:  # nobody knows what was before, but nothing can be lost
            was_near_zero = not runs
        is_believed = was_near_zero and not _has_vanished(samples, now, each=each)
        if is_believed or _agrees(signal.when_silent, read, now):
            view = SignalView(name=signal.name, state=SignalState.FRESH, units=0.0)
            return SignalDemand(view=view, points=points)
    if points and last is not None and rule is SilenceRule.GROW:
        growth_per_second = max(0.0, _growth_per_second(points))
        grown = last + growth_per_second * (now - points[-1][0])
        last = min(grown, last * signal.when_silent.at_most)
    view = SignalView(
        name=signal.name,
        state=SignalState.SILENT,
        units=last,
        ahead_units=last or 0.0,
        rejected_samples=samples.rejected,
    )
    return SignalDemand(view=view, points=points)


def _has_vanished(samples: Samples, now: int, *, each: float) -> bool:
    """Return whether demand fell from high to near zero lately, and never did before."""
    units, points = samples.units or 0.0, samples.points
    since = bisect_left(points, (now - VANISHED_SECONDS,))
    high = max((value for _, value in points[since:]), default=0.0)
    near_zero = NEAR_ZERO_SHARE * high
    if high <= each or units > near_zero:
        return False
    return min((value for _, value in points[:since]), default=0.0) > near_zero


def _agrees(rule: WhenSilent, read: Mapping[str, MetricSeries], now: int) -> bool:
    """Return whether the witness says that silence means zero."""
    series = read.get(WITNESS)
    if rule.witness is None or series is None or not series.readable:
        return False
    said = [point for point in (*series.points, *series.newest) if point[0] <= now]
    if not said:
        return False
    time, value = max(said)
    is_fresh = now - (time + rule.witness.period_seconds) <= rule.after_seconds
    return is_fresh and (rule.witness_at_most is None or value <= rule.witness_at_most)


def _growth_per_second(points: Points) -> float:
    newest_time, newest = points[-1]
    window = [point for point in points if newest_time - point[0] <= _GROWTH_WINDOW_SECONDS]
    oldest_time, oldest = window[0]
    return (newest - oldest) / (newest_time - oldest_time) if newest_time > oldest_time else 0.0


class _Rises(NamedTuple):
    """By how much demand may rise until capacity serves.

    Args:
        usual: What the service level covers.
        meanwhile: The same of the highest demand on the way there.
        most: The largest rise in the history read.
    """

    usual: float
    meanwhile: float
    most: float


def _rises(spec: FleetSpec, points: Points, now_units: float, *, steps: int) -> _Rises:
    """Return by how much demand may rise within so many steps.

    What is usual was exceeded, in the history read, no more often than the service level allows.
    """
    units = [value for _, value in points]
    rises = sorted(map(sub, units[steps:], units))
    if len(rises) <= FEW_RISES:
        rise = max([HEADROOM_WITHOUT_HISTORY * now_units, *rises])
        return _Rises(rise, rise, rise)
    most = _most_rise(units[: -2 * steps], now_units)
    next_peaks = map(max, *(units[step:] for step in range(1, steps + 2)))
    peaks = sorted(map(sub, next_peaks, units))
    cost = spec.service_level.unserved_cost
    rise, peak = critical_fractile(rises, cost), critical_fractile(peaks, cost)
    return _Rises(min(most, max(0.0, rise)), min(most, max(0.0, rise, peak)), max(0.0, rises[-1]))


def _most_rise(earlier: Sequence[float], now_units: float) -> float:
    """Return by how much demand may rise at most.

    What rose from a trough to a crest does not come on top of a crest: as long as demand keeps
    within what it was earlier, it is expected to go on so.
    """
    crest = max(earlier, default=0.0)
    if now_units > (1 + NEW_HEIGHTS_SHARE) * crest:
        return inf
    return (1 + NEW_HEIGHTS_SHARE) * max(crest, now_units) - now_units


def critical_fractile(ascending: Sequence[Number], unserved_cost: float) -> Number:
    """Return the value that capacity is worth its price for (the newsvendor's critical fractile).

    An instance too many costs its boot and its hold beside the minutes in which it might be
    needed, about twice as much in all: with `unserved_cost` c, capacity is worth its price down
    to a chance of 2/c that it is needed.

    Args:
        ascending: What was observed, in ascending order, at least one value.
        unserved_cost: What a missed unit-minute is worth, in minutes of the capacity for it.

    >>> critical_fractile([1.0, 2.0, 3.0, 4.0, 5.0], unserved_cost=10)
    4.0
    """
    return ascending[ceil(max(0.5, 1 - 2 / unserved_cost) * len(ascending)) - 1]
