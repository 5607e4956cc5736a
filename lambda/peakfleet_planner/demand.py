"""Demand: what each signal asks for now, has asked for, and will ask for soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite

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
    """

    view: SignalView
    points: tuple[tuple[int, float], ...]


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
    ahead = units if isinstance(signal, BacklogSignal) else units + _rise(spec, points, now, period)
    doubtful = bool(rejected_times) and rejected_times[-1] > points[-1][0]
    view = SignalView(
        name=signal.name,
        state=SignalState.IMPLAUSIBLE if doubtful else SignalState.FRESH,
        units=units,
        ahead_units=ahead,
        rejected_samples=rejected,
    )
    return SignalDemand(view=view, points=points)


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
        units = signal.units(values, lead_seconds) if failed <= values.keys() else None
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


def _rise(spec: FleetSpec, points: Points, now: int, period: int) -> float:
    """Return by how much demand may rise until new capacity serves.

    It is the rise over one lead time that, in the history read, was exceeded no more often
    than the service level allows: with `unserved_cost` c, capacity is worth its price down to
    a chance of 1/c that it is needed (the newsvendor's critical fractile).
    """
    lead_seconds = now - (points[-1][0] + period) + spec.lead_seconds
    steps = max(1, ceil(lead_seconds / period))
    rises = sorted(
        later[1] - earlier[1] for earlier, later in zip(points, points[steps:], strict=False)
    )
    if len(rises) < FEW_RISES:
        return max([HEADROOM_WITHOUT_HISTORY * points[-1][1], *rises])
    quantile = 1 - 1 / spec.service_level.unserved_cost
    return max(0.0, rises[ceil(quantile * len(rises)) - 1])
