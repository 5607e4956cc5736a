"""Demand: what each signal asks for now, has asked for, and will ask for soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from operator import sub

from peakfleet_planner.metrics import MetricSeries
from peakfleet_planner.plan import SignalState, SignalView
from peakfleet_planner.signals import BacklogSignal, Signal, SilenceRule
from peakfleet_planner.spec import FleetSpec

Points = Sequence[tuple[int, float]]

FEW_RISES = 10
"""Fewer observed rises than this say too little about how fast demand climbs."""
HEADROOM_WITHOUT_HISTORY = 0.1
"""Share of the demand that is added while too little history has been read."""
MOST_UNITS = 1e15
"""More than this is no demand, and arithmetic with it would no longer count whole units."""
GROWTH_WINDOW_SECONDS = 300
"""The growth that a silent `grow` signal is taken to continue is measured over this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDemand:
    """One signal in units.

    Args:
        view: What the plan says of it.
        points: Every plausible sample read, in units, oldest first.
        keep_units: Units that may be needed before what is let go now could be back.
    """

    view: SignalView
    points: tuple[tuple[int, float], ...]
    keep_units: float = 0.0


def read_demand(
    spec: FleetSpec, signal: Signal, read: Mapping[str, MetricSeries], now: int
) -> SignalDemand:
    """Return what *signal* asks for at *now*, by its freshness rule.

    Samples that cannot be true (not finite, negative, above the plausible maximum, from the
    future) are rejected and counted; while one is among the newest, the signal is not trusted.
    """
    period = next(iter(signal.metrics.values())).period_seconds
    points, rejected_times = _in_units(signal, read, now, spec.lead_seconds)
    rejected = len(rejected_times)
    if not points or now - (points[-1][0] + period) > signal.when_silent.after_seconds:
        return _silent(signal, read, points, rejected, now)
    units = points[-1][1]
    doubtful = bool(rejected_times) and rejected_times[-1] > points[-1][0]
    view = SignalView(
        name=signal.name,
        state=SignalState.IMPLAUSIBLE if doubtful else SignalState.FRESH,
        units=units,
        ahead_units=units,
        rejected_samples=rejected,
    )
    if isinstance(signal, BacklogSignal):
        return SignalDemand(view=view, points=points, keep_units=units)
    return live_demand(spec, view, points, now=now, period=period)


def live_demand(
    spec: FleetSpec, view: SignalView, points: Points, *, now: int, period: int
) -> SignalDemand:
    """Return live demand with what it may rise to soon.

    Args:
        spec: The fleet.
        view: What is known of the signal so far.
        points: Every plausible sample, in units, oldest first; at least one.
        now: Epoch seconds of the decision.
        period: Seconds of one sample.
    """
    rise, peak = _rises(spec, points, now, period)
    units = points[-1][1]
    return SignalDemand(
        view=replace(view, ahead_units=units + rise), points=tuple(points), keep_units=units + peak
    )


def _in_units(
    signal: Signal, read: Mapping[str, MetricSeries], now: int, lead_seconds: float
) -> tuple[tuple[tuple[int, float], ...], list[int]]:
    """Return the samples in units, and the times of those that cannot be true.

    A metric whose read failed must not pass for nothing: a time without it has no value.
    """
    failed = {metric_id for metric_id, series in read.items() if not series.readable}
    by_time: dict[int, dict[str, float]] = {}
    for metric_id in signal.metrics:
        for time, value in read.get(metric_id, MetricSeries()).points:
            by_time.setdefault(time, {})[metric_id] = value
    points: list[tuple[int, float]] = []
    rejected: list[int] = []
    for time in sorted(by_time):
        values = by_time[time]
        if time > now or not all(map(isfinite, values.values())):
            rejected.append(time)
            continue
        complete = not failed or failed <= values.keys()
        units = signal.units(values, lead_seconds) if complete else None
        if units is None:
            continue
        if 0 <= units <= MOST_UNITS:
            points.append((time, units))
        else:
            rejected.append(time)
    return tuple(points), rejected


def _silent(
    signal: Signal,
    read: Mapping[str, MetricSeries],
    points: tuple[tuple[int, float], ...],
    rejected: int,
    now: int,
) -> SignalDemand:
    rule = signal.when_silent.rule
    readable = all(metric_id in read and read[metric_id].readable for metric_id in signal.metrics)
    if rule is SilenceRule.ZERO and readable and not rejected:
        view = SignalView(name=signal.name, state=SignalState.FRESH, units=0.0)
        return SignalDemand(view=view, points=points)
    units = points[-1][1] if points else None
    if units is not None and rule is SilenceRule.GROW:
        growth_per_second = max(0.0, _growth_per_second(points))
        grown = units + growth_per_second * (now - points[-1][0])
        units = min(grown, units * signal.when_silent.at_most)
    view = SignalView(
        name=signal.name,
        state=SignalState.SILENT,
        units=units,
        ahead_units=units or 0.0,
        rejected_samples=rejected,
    )
    return SignalDemand(view=view, points=points)


def _growth_per_second(points: Points) -> float:
    newest_time, newest = points[-1]
    window = [point for point in points if newest_time - point[0] <= GROWTH_WINDOW_SECONDS]
    oldest_time, oldest = window[0]
    return (newest - oldest) / (newest_time - oldest_time) if newest_time > oldest_time else 0.0


def _rises(spec: FleetSpec, points: Points, now: int, period: int) -> tuple[float, float]:
    """Return by how much demand may rise until new capacity serves, and at most meanwhile.

    Each is the rise that, in the history read, was exceeded no more often than the service
    level allows. An instance too many costs its boot and its hold beside the minutes in which
    it might be needed, about twice as much in all: with `unserved_cost` c, capacity is worth
    its price down to a chance of 2/c that it is needed (the newsvendor's critical fractile).
    """
    lead_seconds = now - (points[-1][0] + period) + spec.lead_seconds
    steps = max(1, ceil(lead_seconds / period))
    units = [value for _, value in points]
    rises = sorted(map(sub, units[steps:], units))
    if len(rises) <= FEW_RISES:
        rise = max([HEADROOM_WITHOUT_HISTORY * units[-1], *rises])
        return rise, rise
    next_peaks = map(max, *(units[step:] for step in range(1, steps + 2)))
    peaks = sorted(map(sub, next_peaks, units))
    allowed = max(0.5, 1 - 2 / spec.service_level.unserved_cost)
    rise, peak = (some[ceil(allowed * len(some)) - 1] for some in (rises, peaks))
    return max(0.0, rise), max(0.0, rise, peak)
