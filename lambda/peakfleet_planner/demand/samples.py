"""The samples of a signal in units: by the minute or longer, and the newest by the second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from operator import lt
from statistics import fmean
from typing import Final

from peakfleet_planner.snapshot import WATCHED_MINUTES, SignalMemory
from peakfleet_planner.spec import MINUTE_SECONDS, BacklogSignal, MetricSeries, RateSignal, Signal

Points = tuple[tuple[int, float], ...]

MOST_UNITS: Final = 1e15
"""More than this is no demand, and arithmetic with it would no longer count whole units."""
_LEAST_SHARE: Final = 0.3
"""A sample that is less complete is not scaled up further: it says too little."""
NEWEST_SECONDS: Final = 30
"""Demand now is the mean of this long: one sample of ten seconds says little by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What a signal said.

    Args:
        points: Every plausible sample in units, oldest first; samples shorter than a minute as
            means of whole minutes.
        period_seconds: Length of one point.
        units: The newest demand; None if there is none.
        seen_until: Epoch seconds up to which demand was seen.
        sustained_units: What demand did not fall below in the last half minute; 0 where samples
            are not that short.
        complete_share: How complete the newest sample usually is when it is read; 1 where that is
            not known.
        rejected: Samples that cannot be true.
        doubtful: Whether one of those is the newest.
    """

    points: Points
    period_seconds: int
    units: float | None
    seen_until: int
    sustained_units: float = 0.0
    complete_share: float = 1.0
    rejected: int = 0
    doubtful: bool = False


def read_samples(
    signal: Signal,
    read: Mapping[str, MetricSeries],
    now: int,
    lead_seconds: float,
    memory: SignalMemory | None = None,
) -> Samples:
    """Return the samples of *signal* that can be true, and as what they will become.

    The newest may still fill when they are read. A sample that has not settled counts as what it
    usually becomes, and never as less than the one before it: a rise is believed at once, a fall
    when a minute later the sample says the same again. Demand by the second falls a minute late.

    Args:
        signal: The signal.
        read: What was read, by metric id.
        now: Epoch seconds of the decision; a later sample cannot be true.
        lead_seconds: From a change of demand until capacity for it serves.
        memory: How earlier ticks read them. Default: nobody did.
    """
    period = max(signal.period_seconds, MINUTE_SECONDS)
    points, rejected = in_units(signal, read, now, lead_seconds)
    newest, wrong = in_units(
        signal,
        {key: MetricSeries(points=one.newest, readable=one.readable) for key, one in read.items()},
        now,
        lead_seconds,
    )
    rejected = sorted((*rejected, *wrong))
    fills = isinstance(signal, RateSignal)
    if not newest:
        last = points[-1][0] if points else 0
        complete_share = 1.0
        if points and fills:
            points, complete_share = _completed(points, period, now, memory or SignalMemory())
        return Samples(
            points=points,
            period_seconds=period,
            units=points[-1][1] if points else None,
            seen_until=last + period,
            complete_share=complete_share,
            rejected=len(rejected),
            doubtful=bool(rejected) and rejected[-1] > last,
        )
    last = newest[-1][0]
    half_minute, before = (
        [units for time, units in newest if until - NEWEST_SECONDS < time <= until]
        for until in (last, last - MINUTE_SECONDS)
    )
    units = fmean(half_minute)
    seen_until = last + signal.period_seconds
    return Samples(
        points=_by_minute(
            points, newest, whole_until=seen_until + signal.delay_seconds, fills=fills
        ),
        period_seconds=period,
        units=max(units, fmean(before)) if fills and before else units,
        seen_until=seen_until,
        sustained_units=min(half_minute),
        rejected=len(rejected),
        doubtful=bool(rejected) and rejected[-1] > last,
    )


def largest(signals: Sequence[Points]) -> Points:
    """Return the largest request of several signals, whenever one of them says something.

    A signal counts as it last was, from its first sample on.

    >>> largest([((0, 5.0), (60, 5.0)), ((0, 1.0), (120, 9.0))])
    ((0, 5.0), (60, 5.0), (120, 9.0))
    """
    return _together(signals, max)


def total(signals: Sequence[Points]) -> Points:
    """Return what several signals ask for in all, otherwise as `largest`.

    >>> total([((0, 5.0), (60, 5.0)), ((0, 1.0), (120, 9.0))])
    ((0, 6.0), (60, 6.0), (120, 14.0))
    """
    return _together(signals, sum)


def _together(signals: Sequence[Points], combined: Callable[[Iterable[float]], float]) -> Points:
    if len(signals) == 1:
        return tuple(signals[0])
    asked = sorted((time, at, units) for at, points in enumerate(signals) for time, units in points)
    now: dict[int, float] = {}
    found: dict[int, float] = {}
    for time, at, units in asked:
        now[at] = units
        found[time] = combined(now.values())
    return tuple(found.items())


def _completed(points: Points, period: int, now: int, memory: SignalMemory) -> tuple[Points, float]:
    """Return the points as they will become, and how complete the newest usually is."""
    newest = list(points[-WATCHED_MINUTES - 1 :])
    complete_share = 1.0
    for index, (time, units) in enumerate(newest):
        minutes, complete_share = minutes_since_end(time, period, now), 1.0
        if memory.is_settled(time, minutes, units):
            continue
        complete_share = memory.complete_share(minutes) or 1.0
        before = newest[index - 1][1] if index else 0.0
        newest[index] = (time, max(units / max(complete_share, _LEAST_SHARE), before))
    if newest[-WATCHED_MINUTES:] == list(points[-WATCHED_MINUTES:]):
        return points, complete_share
    return (*points[: -len(newest)], *newest), complete_share


def minutes_since_end(time: int, period: int, now: int) -> int:
    """Return for how many whole minutes a sample has ended."""
    return max(0, now - time - period) // MINUTE_SECONDS


def _by_minute(points: Points, newest: Points, *, whole_until: int, fills: bool) -> Points:
    """Return the minutes with the newest of them as the means of their samples.

    A minute whose last sample alone is still to come counts as whole, but the newest minute never
    as less than the one before it while its samples may still fill.
    """
    minutes: dict[int, list[float]] = {}
    for time, units in newest:
        minutes.setdefault(time - time % MINUTE_SECONDS, []).append(units)
    means = {
        minute: fmean(values)
        for minute, values in minutes.items()
        if minute + MINUTE_SECONDS <= whole_until
    }
    found = sorted({**dict(points), **means}.items())
    if fills and len(found) > 1 and found[-1][0] + 2 * MINUTE_SECONDS > whole_until:
        found[-1] = (found[-1][0], max(found[-1][1], found[-2][1]))
    return tuple(found)


def in_units(
    signal: Signal, read: Mapping[str, MetricSeries], now: int, lead_seconds: float
) -> tuple[Points, list[int]]:
    """Return the samples in units, and the times of those that cannot be true.

    A metric whose read failed must not pass for nothing: a time without it has no value.
    """
    if plain := _as_read(signal, read, now):
        return plain, []
    failed = {key for key, series in read.items() if key in signal.metrics and not series.readable}
    points: list[tuple[int, float]] = []
    rejected: list[int] = []
    least = 0.0 if isinstance(signal, BacklogSignal) else -inf  # counts are never below none
    for time, values in _by_time(signal.metrics, read):
        if time > now or not all(isfinite(one) and one >= least for one in values.values()):
            rejected.append(time)
            continue
        complete = not failed or failed <= values.keys()
        units = signal.units(values, lead_seconds) if complete else None
        if units is None:
            continue
        if min(values.values()) < 0 and units < _without_negative(signal, values, lead_seconds):
            rejected.append(time)
        elif 0 <= units <= MOST_UNITS:
            points.append((time, units))
        else:
            rejected.append(time)
    return tuple(points), rejected


def _without_negative(signal: Signal, values: Mapping[str, float], lead_seconds: float) -> float:
    """Return the units if every negative value were none: no count makes another one less."""
    none_negative = {key: max(0.0, value) for key, value in values.items()}
    return signal.units(none_negative, lead_seconds) or 0.0


def _as_read(signal: Signal, read: Mapping[str, MetricSeries], now: int) -> Points:
    """Return the samples of one metric that is demand itself, if nothing is wrong with any.

    Most signals are like this, and a replay reads them at every minute.
    """
    if (
        not isinstance(signal, RateSignal)
        or signal.expression not in read
        or len(signal.metrics) > 1
    ):
        return ()
    series, each = read[signal.expression], signal.units_per_value
    times, values = [time for time, _ in series.points], [value for _, value in series.points]
    most = inf if signal.plausible_max is None else signal.plausible_max
    possible = (
        series.readable
        and bool(times)
        and times[-1] <= now
        and all(map(lt, times, times[1:]))
        and all(map(isfinite, values))
        and min(values) >= 0
        and max(values) <= most
        and max(values) * each <= MOST_UNITS
    )
    return tuple(zip(times, [value * each for value in values], strict=True)) if possible else ()


def _by_time(
    metric_ids: Iterable[str], read: Mapping[str, MetricSeries]
) -> list[tuple[int, dict[str, float]]]:
    by_time: dict[int, dict[str, float]] = {}
    for metric_id in metric_ids:
        for time, value in read.get(metric_id, MetricSeries()).points:
            by_time.setdefault(time, {})[metric_id] = value
    return sorted(by_time.items())
