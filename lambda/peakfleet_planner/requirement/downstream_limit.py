"""How far the fleet may grow before it breaks what it leans on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor, inf, isfinite

from peakfleet_planner.plan import DownstreamView
from peakfleet_planner.reasons import DownstreamState
from peakfleet_planner.requirement.live_requirement import Need
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import DownstreamLimitSpec, FleetSpec, MetricSeries

_NOTHING = MetricSeries()
_MOST_TIMES = 4.0
"""A unit is taken to load at most this multiple of what was declared."""
_UNSURE_SHARE = 0.5
"""Of the room that is left so much is taken in a step where the load of a unit was measured."""
Points = Sequence[tuple[int, float]]


def downstream_views(spec: FleetSpec, snapshot: Snapshot) -> tuple[DownstreamView, ...]:
    """Return what each limit allows."""
    if not spec.downstream:
        return ()
    asked, serving = _units(spec, snapshot)
    least = min(pool.units_per_capacity for pool in spec.pools)
    return tuple(
        _view(
            limit,
            snapshot.downstream.get(limit.name, _NOTHING),
            snapshot.now_epoch_seconds,
            asked=asked,
            serving=serving,
            least=least,
        )
        for limit in spec.downstream
    )


def within_limits(
    spec: FleetSpec, snapshot: Snapshot, need: Need, views: Sequence[DownstreamView]
) -> Need:
    """Return *need* as far as every limit allows, so that whole instances exceed none."""
    most = min((inf if view.most_units is None else view.most_units for view in views), default=inf)
    if most == inf:
        return need
    asked, _ = _units(spec, snapshot)
    if most > asked:
        most = asked + _in_whole_points(most - asked, [p.units_per_capacity for p in spec.pools])
    return replace(need, grow_to=min(need.grow_to, most), keep=min(need.keep, most))


def _units(spec: FleetSpec, snapshot: Snapshot) -> tuple[float, float]:
    """Return what the pools are asked to supply, and what they supply."""
    each = {pool.name: pool.units_per_capacity for pool in spec.pools}
    return (
        sum(each[one.name] * one.desired_capacity for one in snapshot.pools),
        sum(each[one.name] * one.in_service_capacity for one in snapshot.pools),
    )


def _view(
    limit: DownstreamLimitSpec,
    read: MetricSeries,
    now: int,
    *,
    asked: float,
    serving: float,
    least: float,
) -> DownstreamView:
    values = sorted({**dict(read.points), **dict(read.newest)}.items())
    known = [(at, value) for at, value in values if at <= now and isfinite(value) and value >= 0]
    period = limit.metric.period_seconds
    load = known[-1][1] if known else None
    is_fresh = bool(known) and now - (known[-1][0] + period) <= limit.fresh_seconds
    state = DownstreamState.FREE
    if (known and not is_fresh) or not read.readable:
        state, most = DownstreamState.UNKNOWN, asked
    elif load is None:  # never used yet, as far as was read
        each = limit.load_per_unit
        most = max(asked, inf if each is None else limit.at_most / each)
    elif _is_in_force(limit, known):
        state, most = DownstreamState.IN_FORCE, asked
        if limit.critical is not None and load >= limit.critical:
            state = DownstreamState.CRITICAL
            most = max(0.0, asked - max(least, limit.step_fraction * asked))
    else:
        each = _load_of_a_unit(limit, load, serving)
        room = (limit.at_most - load) / each if each else inf
        if each != limit.load_per_unit:
            room *= _UNSURE_SHARE
        elif each:  # the load is late: what serves since then is in no value yet
            room = min(room, limit.at_most / each - serving)
        most = max(asked, serving + room)
    bound = None if most == inf else most  # a plan is JSON, which has no infinity
    return DownstreamView(name=limit.name, state=state, load=load, most_units=bound)


def _load_of_a_unit(limit: DownstreamLimitSpec, load: float, serving: float) -> float | None:
    """Return what one unit of the fleet loads, rather too much than too little.

    All of the load is taken for the fleet's, for nobody says which part is: a step is then too
    short where others load as well, and the next one follows. The load is read a minute late, so
    that it seems too little while instances begin to serve: it is never less than declared, and
    where it is more a step takes half of the room.
    """
    declared = limit.load_per_unit
    if not serving or not load:
        return declared
    seen = load / serving
    return seen if declared is None else max(declared, min(seen, _MOST_TIMES * declared))


def _is_in_force(limit: DownstreamLimitSpec, values: Points) -> bool:
    """Return whether the bound was met, and the load has not been calm for long enough since."""
    in_force, calm_since = False, -inf
    for at, value in values:
        if value >= limit.resume_fraction * limit.at_most:
            calm_since = inf
        elif calm_since == inf:
            calm_since = at
        if value >= limit.at_most:
            in_force = True
        elif in_force and at - calm_since >= limit.calm_seconds:
            in_force = False
    return in_force


def _in_whole_points(room: float, points: Sequence[float]) -> float:
    """Return how much may be asked for, so that whole instances do not exceed the room."""
    largest = max(points)
    if len(set(points)) == 1:
        return largest * floor(room / largest + 1e-9)
    return max(0.0, room - largest)
