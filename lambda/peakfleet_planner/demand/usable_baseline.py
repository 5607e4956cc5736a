"""How much of the baseline may be counted on."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from math import inf, isfinite

from peakfleet_planner.plan import BaselineState
from peakfleet_planner.spec import (
    MINUTE_SECONDS,
    BaselineSpec,
    FixedBaseline,
    MetricSeries,
    ReportedBaseline,
)
from peakfleet_planner.spec.metrics import SUMS


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableBaseline:
    """The baseline now, and what it reported before.

    Args:
        units: Units it carries now.
        state: How it is now.
        reports: When a report began to count and the units it then carried, oldest first.
        fresh_seconds: How long a report counts.
    """

    units: float
    state: BaselineState
    reports: tuple[tuple[int, float], ...] = ()
    fresh_seconds: int = 0

    def part(self, share: float) -> UsableBaseline:
        """Return this share of it."""
        if share == 1:
            return self
        reports = tuple((time, share * units) for time, units in self.reports)
        return replace(self, units=share * self.units, reports=reports)

    def units_at(self, epoch_seconds: int) -> float:
        """Return what the baseline carried then; what it carries now if it did not say."""
        index = bisect_right(self.reports, (epoch_seconds, inf)) - 1
        if index < 0 or epoch_seconds - self.reports[index][0] > self.fresh_seconds:
            return self.units
        return self.reports[index][1]


def usable_baseline(spec: BaselineSpec, read: MetricSeries, now: int) -> UsableBaseline:
    """Return what the on-premises side carries.

    Unknown never means zero demand and never a full baseline.

    >>> usable_baseline(FixedBaseline(units=400, usable_fraction=0.5), MetricSeries(), 0).units
    200.0
    """
    if isinstance(spec, FixedBaseline):
        return UsableBaseline(units=spec.units * spec.usable_fraction, state=BaselineState.HEALTHY)
    reports = tuple(
        (time, min(value, spec.declared_units) * spec.usable_fraction)
        for time, value in sorted({**dict(read.points), **dict(read.newest)}.items())
        if isfinite(value) and value >= 0 and time <= now
    )
    period = spec.metric.period_seconds
    if spec.metric.statistic in SUMS:
        reports = _as_whole(reports, settled_until=now - period - MINUTE_SECONDS)
    if reports and now - (reports[-1][0] + period) <= spec.fresh_seconds:
        units = reports[-1][1]
        state = _health(spec, units)
    else:
        most = spec.declared_units * spec.unknown_fraction * spec.usable_fraction
        units = min(reports[-1][1], most) if reports else most
        state = BaselineState.UNKNOWN
    return UsableBaseline(
        units=units, state=state, reports=reports, fresh_seconds=spec.fresh_seconds + period
    )


def _as_whole(
    reports: tuple[tuple[int, float], ...], *, settled_until: int
) -> tuple[tuple[int, float], ...]:
    """Return the reports with none of those that may still fill below the last whole one.

    What servers report one by one is added up over more than a minute.
    """
    newer = bisect_right(reports, (settled_until, inf))
    least = reports[newer - 1][1] if newer else 0.0
    return (*reports[:newer], *((time, max(units, least)) for time, units in reports[newer:]))


def _health(spec: ReportedBaseline, units: float) -> BaselineState:
    healthy_units = spec.declared_units * spec.healthy_fraction * spec.usable_fraction
    return BaselineState.HEALTHY if units >= healthy_units else BaselineState.DEGRADED
