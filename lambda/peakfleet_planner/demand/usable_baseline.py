"""How much of the baseline may be counted on, and why no more."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite

from peakfleet_planner.plan import SiteView
from peakfleet_planner.reasons import BaselineCause, BaselineState
from peakfleet_planner.spec import (
    HEARTBEAT,
    MINUTE_SECONDS,
    REPORT,
    BaselineSpec,
    FixedBaseline,
    MaintenanceSpec,
    MetricSeries,
    ReportedBaseline,
    site_read,
)
from peakfleet_planner.spec.metrics import SUMS

_NOTHING = MetricSeries()
Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsableBaseline:
    """The baseline now, and what it reported before.

    Args:
        units: Units it carries now.
        state: How it is now.
        reports: When a report began to count and the units it then carried, oldest first.
        fresh_seconds: How long a report counts.
        cause: Why it carries less than it should. Default: it does not.
        carried_units: What it should carry. Default: what it does.
        sites: The sites that it consists of. Default: it is one.
    """

    units: float
    state: BaselineState
    reports: Points = ()
    fresh_seconds: int = 0
    cause: BaselineCause | None = None
    carried_units: float | None = None
    sites: tuple[tuple[str, UsableBaseline], ...] = ()

    def of_sites(self, sites: tuple[tuple[str, UsableBaseline], ...]) -> UsableBaseline:
        """Return it as the sum of these sites, as well as the worst of them."""
        return replace(
            self,
            units=sum(site.units for _, site in sites),
            state=max((site.state for _, site in sites), key=list(BaselineState).index),
            sites=sites,
        )

    def part(self, share: float) -> UsableBaseline:
        """Return this share of it."""
        if share == 1:
            return self
        reports = tuple((time, share * units) for time, units in self.reports)
        sites = tuple((name, site.part(share)) for name, site in self.sites)
        return replace(self, units=share * self.units, reports=reports, sites=sites)

    def units_at(self, epoch_seconds: int) -> float:
        """Return what the baseline carried then; what it carries now if it did not say."""
        if self.sites:
            return sum(site.units_at(epoch_seconds) for _, site in self.sites)
        index = bisect_right(self.reports, (epoch_seconds, inf)) - 1
        if index < 0 or epoch_seconds - self.reports[index][0] > self.fresh_seconds:
            return self.units
        return self.reports[index][1]

    def views(self) -> tuple[SiteView, ...]:
        """Return what a plan says of it, by site."""
        return tuple(
            SiteView(
                name=name,
                state=site.state,
                cause=site.cause,
                units=site.units,
                carried_units=site.units if site.carried_units is None else site.carried_units,
            )
            for name, site in (self.sites or (("", self),))
        )


def usable_baseline(
    spec: BaselineSpec, reads: Mapping[str, MetricSeries], now: int, *, lead_seconds: float = 0
) -> UsableBaseline:
    """Return what the on-premises side carries.

    Unknown never means zero demand and never a full baseline.

    Args:
        spec: What it is.
        reads: What was read of it, by the ids of `reads`.
        now: Epoch seconds of the decision.
        lead_seconds: Maintenance counts this long before it begins. Default: from its beginning.

    >>> usable_baseline(FixedBaseline(units=400, usable_fraction=0.5), {}, 0).units
    200.0
    """
    if isinstance(spec, FixedBaseline):
        side = UsableBaseline(units=spec.carried_units, state=BaselineState.HEALTHY)
        return _maintained(side, spec, spec.maintenance, now + lead_seconds, now)
    if isinstance(spec, ReportedBaseline):
        report, beats = reads.get(REPORT, _NOTHING), reads.get(HEARTBEAT, _NOTHING)
        side = _reported(spec, report, beats, now)
        return _maintained(side, spec, spec.maintenance, now + lead_seconds, now)
    sites = tuple(
        (
            site.name,
            usable_baseline(
                site.baseline,
                {
                    id_: reads.get(site_read(site.name, id_), _NOTHING)
                    for id_ in (REPORT, HEARTBEAT)
                },
                now,
                lead_seconds=lead_seconds,
            ),
        )
        for site in spec.sites
    )
    whole = UsableBaseline(units=0.0, state=BaselineState.HEALTHY, carried_units=spec.carried_units)
    return whole.of_sites(sites)


def without_dead_targets(
    baseline: UsableBaseline, dead: Collection[str], now: int
) -> UsableBaseline:
    """Return a baseline of which a load balancer finds no server healthy at these sites.

    That is known, whatever its reporter says or does not say.

    Args:
        baseline: As it is reported.
        dead: Names of the sites; the empty one is all of the baseline.
        now: Epoch seconds of the decision.
    """
    if not dead:
        return baseline
    if not baseline.sites:
        return _dead(baseline, now)
    sites = tuple(
        (name, _dead(site, now) if name in dead or "" in dead else site)
        for name, site in baseline.sites
    )
    return baseline.of_sites(sites)


def _dead(side: UsableBaseline, now: int) -> UsableBaseline:
    if not side.units and (not side.carried_units or side.cause is BaselineCause.MAINTENANCE):
        return side
    reports = tuple(one for one in side.reports if one[0] < now)
    return replace(
        side,
        units=0.0,
        state=BaselineState.DEGRADED,
        cause=BaselineCause.TARGETS,
        reports=(*reports, (now, 0.0)) if reports else (),
    )


def _maintained(
    side: UsableBaseline,
    spec: FixedBaseline | ReportedBaseline,
    windows: tuple[MaintenanceSpec, ...],
    until: float,
    now: int,
) -> UsableBaseline:
    """Return a side under its maintenance that is on now, or begins by then."""
    side = replace(side, carried_units=spec.carried_units)
    shares = [
        window.remaining_fraction
        for window in windows
        if window.expected_at(now, lead_seconds=until - now)
    ]
    if not shares:
        return side
    most = min(shares) * spec.carried_units
    if most >= side.units > 0:
        return side
    # Nothing is counted on, so that nothing is unknown.
    state = BaselineState.DEGRADED if most == 0 else max_state(side.state, BaselineState.DEGRADED)
    return replace(side, units=min(side.units, most), state=state, cause=BaselineCause.MAINTENANCE)


def max_state(one: BaselineState, other: BaselineState) -> BaselineState:
    """Return the worse of two states."""
    return max(one, other, key=list(BaselineState).index)


def _reported(
    spec: ReportedBaseline, read: MetricSeries, beats: MetricSeries, now: int
) -> UsableBaseline:
    reports = tuple(
        (time, min(value, spec.declared_units) * spec.usable_fraction)
        for time, value in _by_time(read)
        if isfinite(value) and value >= 0 and time <= now
    )
    if spec.metric.statistic in SUMS:
        whole = now - spec.metric.period_seconds - MINUTE_SECONDS
        reports = _as_whole(reports, settled_until=whole)
    counts_seconds = spec.fresh_seconds + spec.metric.period_seconds
    steady = _steady(reports, counts_seconds, spec.steady_seconds)
    cause = _unknown_because(spec, read, beats, reports, now)
    if cause is None and steady is not None:
        healthy_units = spec.carried_units * spec.healthy_fraction
        units, is_healthy = steady, steady >= healthy_units
        state = BaselineState.HEALTHY if is_healthy else BaselineState.DEGRADED
        cause = None if is_healthy else BaselineCause.DEGRADED
    else:
        most = spec.carried_units * spec.unknown_fraction
        last = [units for _, units in reports[-1:]] if steady is None else [steady]
        units, state = min([most, *last]), BaselineState.UNKNOWN
        cause = cause or BaselineCause.RETURNING
    return UsableBaseline(
        units=units, state=state, reports=reports, fresh_seconds=counts_seconds, cause=cause
    )


def _by_time(read: MetricSeries) -> Points:
    return tuple(sorted({**dict(read.points), **dict(read.newest)}.items()))


def _steady(reports: Points, counts_seconds: int, steady_seconds: int) -> float | None:
    """Return the least of the newest reports; None if they came back too lately to count."""
    if not reports:
        return None
    newest = reports[-1][0]
    least, after = reports[-1][1], newest
    for time, units in reversed(reports):
        if after - time > counts_seconds:
            return None  # silence was not long ago
        if newest - time >= steady_seconds:
            break
        least, after = min(least, units), time
    return least


def _unknown_because(
    spec: ReportedBaseline, read: MetricSeries, beats: MetricSeries, reports: Points, now: int
) -> BaselineCause | None:
    """Return why the reports do not say what the baseline carries now; None if they do."""
    period = spec.metric.period_seconds
    if read.ahead_seconds > period:
        return BaselineCause.CLOCK
    is_fresh = bool(reports) and now - (reports[-1][0] + period) <= spec.fresh_seconds
    if spec.heartbeat is None:
        lost = BaselineCause.LINK if read.readable else BaselineCause.UNREADABLE
        return None if is_fresh else lost
    since = now - spec.fresh_seconds - spec.heartbeat.period_seconds
    beating = [value for time, value in _by_time(beats) if since <= time <= now]
    if not beating:
        readable = read.readable and beats.readable
        return BaselineCause.LINK if readable else BaselineCause.UNREADABLE
    if is_fresh:
        return None
    return BaselineCause.CLOCK if max(beating) > 0 else BaselineCause.SOURCE


def _as_whole(
    reports: tuple[tuple[int, float], ...], *, settled_until: int
) -> tuple[tuple[int, float], ...]:
    """Return the reports with none of those that may still fill below the last whole one.

    What servers report one by one is added up over more than a minute.
    """
    newer = bisect_right(reports, (settled_until, inf))
    least = reports[newer - 1][1] if newer else 0.0
    return (*reports[:newer], *((time, max(units, least)) for time, units in reports[newer:]))
