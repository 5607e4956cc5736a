"""How many units the pools should supply: by the reactive rule, or by foresight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Final, Literal

from peakfleet_planner.demand import (
    Queue,
    SignalDemand,
    UsableBaseline,
    largest,
    learned_demand,
    total,
)
from peakfleet_planner.forecast import (
    DemandModel,
    ForecastSizes,
    RolledModel,
    Service,
    basis_of,
    forecast_sizes,
    grow_quantile,
    roll,
)
from peakfleet_planner.pools import known_growth
from peakfleet_planner.reasons import SignalState
from peakfleet_planner.requirement.queue_requirement import (
    Capacity,
    but_for_idle,
    capacity_of,
    queue_need,
)
from peakfleet_planner.snapshot import Growth, PoolReading, Snapshot
from peakfleet_planner.spec import MINUTE_SECONDS, BacklogSignal, FleetSpec

_LASTING_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Units that the pools should supply.

    Args:
        burst: Demand now above the baseline.
        ahead: Demand expected by the time that new capacity serves.
        grow_to: Less than this must grow.
        keep: More than this may be let go.
        rule: What says so. Default: reactive.
        known_peak: Whether a known peak has raised it. Default: no.
        warm_units: Units that should wait in warm pools; None leaves them as they are.
        idle_units: Units that serve and take no work although items wait. Default: none.
    """

    burst: float
    ahead: float
    grow_to: float
    keep: float
    rule: Literal["reactive", "foresight"] = "reactive"
    known_peak: bool = False
    warm_units: float | None = None
    idle_units: float = 0.0


def reactive_need(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    now: int,
    *,
    pools: Sequence[PoolReading] = (),
    growth: Mapping[str, Growth] | None = None,
    shrinkage: Mapping[str, Growth] | None = None,
    foreseen: tuple[float, float] | None = None,
) -> Need:
    """Return the largest need of any signal: a queue may wait, everything else may not.

    Queues that share their workers count together, each with its part of what there is.

    Args:
        spec: The fleet.
        demands: What each signal asks for.
        baseline: What the company's own side carries.
        now: Epoch seconds of the decision.
        pools: The groups as they were seen. Default: nothing works on a queue.
        growth: When each pool was asked for more lately. Default: not known.
        shrinkage: When each pool was asked for less. Default: not known.
        foreseen: What is to arrive in the queues, see `queue_need`. Default: as it came lately.
    """
    adding, others = _adding_up(spec, demands)
    parts = parts_of(adding)
    capacity = capacity_of(
        spec, pools, baseline, growth=growth or {}, shrinkage=shrinkage or {}, now=now
    )
    needs = [
        _queue_need(
            spec,
            demand.queue,
            capacity.part(part),
            baseline.part(part),
            now,
            foreseen=(part * foreseen[0], part * foreseen[1]) if foreseen else None,
        )
        if demand.queue
        else _prompt_need(spec, [demand], baseline.part(part), now)
        for demand, part in zip(adding, parts, strict=True)
    ]
    if len(needs) > 1:
        needs = [_together(needs)]
    needs += [
        _queue_need(spec, demand.queue, capacity, baseline, now, foreseen=foreseen)
        for demand in others
        if demand.queue
    ]
    if prompt := [demand for demand in others if not demand.queue]:
        needs.append(_prompt_need(spec, prompt, baseline, now))
    waits = [one.warm_units for one in needs if one.warm_units is not None]
    return Need(
        burst=max(one.burst for one in needs),
        ahead=max(one.ahead for one in needs),
        grow_to=max(one.grow_to for one in needs),
        keep=max(one.keep for one in needs),
        warm_units=max(waits, default=None),
        idle_units=max(one.idle_units for one in needs),
    )


def asked_units(spec: FleetSpec, demands: Sequence[SignalDemand]) -> float:
    """Return demand now: the largest request, where that of queues that share workers is one."""
    adding, others = _adding_up(spec, demands)
    total = sum(one.view.units or 0.0 for one in adding)
    return max([total, *(one.view.units or 0.0 for one in others)])


def lasts_unserved(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    serving_units: float,
    now: int,
) -> bool:
    """Return whether what serves has been too little for longer than new capacity takes.

    Live demand was above it all the while, or queued work has been late for so long.
    """
    since = now - spec.lead_seconds - _LASTING_SECONDS
    for demand in demands:
        if demand.queue:
            work = demand.queue.outstanding()
            if work and work[0][0] < now - _LASTING_SECONDS:
                return True
            continue
        recent = [point for point in demand.points if point[0] >= since]
        begins = bool(recent) and recent[0][0] <= since + _LASTING_SECONDS
        if begins and all(units - baseline.units_at(at) > serving_units for at, units in recent):
            return True
    return False


def _adding_up(
    spec: FleetSpec, demands: Sequence[SignalDemand]
) -> tuple[list[SignalDemand], list[SignalDemand]]:
    """Return the queues that share workers, whether or not they are known well, and the rest."""
    queues = {one.name for one in spec.signals if isinstance(one, BacklogSignal)}
    adding: list[SignalDemand] = []
    others: list[SignalDemand] = []
    for demand in demands:
        adds = spec.queues_share_workers and demand.view.name in queues
        (adding if adds else others).append(demand)
    return adding, others


def parts_of(demands: Sequence[SignalDemand]) -> list[float]:
    """Return which part of the workers that they share each of several queues may count on."""
    asked = [
        max(one.queue.units(), one.queue.in_flight[-1]) if one.queue else one.view.units or 0.0
        for one in demands
    ]
    total = sum(asked)
    return [units / total if total else 1 / len(asked) for units in asked]


def _together(needs: Sequence[Need]) -> Need:
    return Need(
        burst=sum(one.burst for one in needs),
        ahead=sum(one.ahead for one in needs),
        grow_to=sum(one.grow_to for one in needs),
        keep=sum(one.keep for one in needs),
        idle_units=sum(one.idle_units for one in needs),
    )


def _queue_need(
    spec: FleetSpec,
    queue: Queue,
    capacity: Capacity,
    baseline: UsableBaseline,
    now: int,
    *,
    foreseen: tuple[float, float] | None,
) -> Need:
    units = queue.units()
    found = queue_need(
        queue,
        capacity,
        now,
        unserved_cost=spec.service_level.unserved_cost,
        baseline=baseline,
        foreseen=foreseen,
    )
    found = but_for_idle(found, queue, capacity)
    return Need(
        burst=max(0.0, units - baseline.units),
        ahead=max(units, found.grow_units + baseline.units) if found.grow_units else units,
        grow_to=found.grow_units,
        keep=found.keep_units,
        idle_units=found.idle_units,
    )


def _prompt_need(
    spec: FleetSpec, demands: Sequence[SignalDemand], baseline: UsableBaseline, now: int
) -> Need:
    """Return the burst now, expected, and within the hold window.

    Expected demand counts only while demand is above the baseline already: at or below it
    nothing bursts. What demand may need beyond that, if it rises as it did at most, should wait.
    """
    burst = max(0.0, max((d.view.units or 0.0) for d in demands) - baseline.units)
    expected = max(d.view.ahead_units for d in demands)
    ahead = max(0.0, expected - baseline.units) if burst else 0.0
    since = now - spec.service_level.hold_seconds
    held = (
        units - baseline.units_at(time)
        for demand in demands
        for time, units in demand.points
        if time >= since
    )
    grow_to = max(burst, ahead)
    soon = max(demand.keep_units for demand in demands) - baseline.units
    surge = max(demand.surge_units for demand in demands) - baseline.units
    is_sure = all(demand.view.state is SignalState.FRESH for demand in demands)
    return Need(
        burst=burst,
        ahead=expected,
        grow_to=grow_to,
        keep=max(grow_to, soon, *held, 0.0),
        warm_units=max(0.0, surge - grow_to) if is_sure else None,
    )


def forecast_need(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    snapshot: Snapshot,
) -> Need | None:
    """Return what the learned model says; None if there is none, or this fleet cannot rely on it.

    It must be trusted and of this very fleet, and each signal fresh: silence is met by the
    reactive rule. Demand that is expected may be grown for before it has come. Of a queue only
    what is to arrive is foreseen; what that needs is a matter of its deadline, as ever.

    Args:
        spec: The fleet.
        demands: What each signal asks for.
        baseline: What the company's own side carries.
        snapshot: What was seen, with the model in its memory.
    """
    model, now = _usable_model(spec, snapshot), snapshot.now_epoch_seconds
    if model is None:
        return None
    for signal, demand in zip(spec.signals, demands, strict=True):
        silent_since = now - signal.when_silent.after_seconds
        if demand.view.state is not SignalState.FRESH or not demand.points:
            return None
        if demand.points[-1][0] < silent_since:  # silence that means nothing is asked for
            return None
    queues = [demand.queue.arrivals for demand in demands if demand.queue]
    points = total(queues) if queues else largest([demand.points for demand in demands])
    sizes = forecast_sizes(
        model, points, baseline_units=baseline.units, now=now, rolled=snapshot.rolled
    )
    if sizes is None:
        return None
    if queues:
        need = reactive_need(
            spec,
            demands,
            baseline,
            now,
            pools=snapshot.pools,
            growth=known_growth(snapshot),
            shrinkage=snapshot.recalled.shrinkage,
            foreseen=(sizes.grow_level_units, sizes.keep_level_units),
        )
        return replace(need, rule="foresight")
    # A model goes from minute to minute: what rose since is served by what it needs in full.
    unit = model.basis.layer_units
    sustained = max(demand.sustained_units for demand in demands)
    here = unit * floor(max(0.0, sustained - baseline.units) / unit)
    grow_to = max(_grow_units(spec, sizes, snapshot.pools), here)
    return Need(
        burst=max(0.0, asked_units(spec, demands) - baseline.units),
        ahead=sizes.ahead_units,
        grow_to=grow_to,
        keep=max(sizes.keep_units, grow_to),
        rule="foresight",
        warm_units=sizes.warm_units,
    )


def service_of(spec: FleetSpec, snapshot: Snapshot) -> Service | None:
    """Return how the asked share of missed burst is kept; None if none is, or nothing is known."""
    model, asked = snapshot.recalled.model, spec.service_level.miss_at_most
    if model is None or asked is None or not model.basis.fits(basis_of(spec)):
        return None
    found = model.service
    return found if found and found.asked == asked else None


def with_service(spec: FleetSpec, service: Service | None) -> FleetSpec:
    """Return *spec* with missed work at the worth that keeps the asked share."""
    if service is None:
        return spec
    level = replace(spec.service_level, unserved_cost=service.unserved_cost)
    return replace(spec, service_level=level)


def roll_forecast(
    spec: FleetSpec, snapshot: Snapshot, *, onward: RolledModel | None = None
) -> RolledModel | None:
    """Return the learned model over all minutes that were read, for `Snapshot.rolled`.

    A decision does this by itself. Whoever makes one every minute does it before, with the
    result of the minute before, and saves the minutes between.

    Args:
        spec: The fleet.
        snapshot: What was seen, with the model in its memory.
        onward: What this function returned before; it is used up. Default: nothing.
    """
    if (model := _usable_model(spec, snapshot)) is None:
        return None
    points = learned_demand(
        spec,
        snapshot.signals,
        snapshot.now_epoch_seconds,
        memory=snapshot.recalled.signals,
    )
    try:
        return roll(model, points, onward=onward)
    except (ArithmeticError, ValueError):  # beyond what numbers can hold: no forecast
        return None


def _usable_model(spec: FleetSpec, snapshot: Snapshot) -> DemandModel | None:
    """Return what was learned, if it is trusted and of this very fleet."""
    model = snapshot.recalled.model
    if model is None or not model.trusted or not model.basis.fits(basis_of(spec)):
        return None
    return model


def _grow_units(spec: FleetSpec, sizes: ForecastSizes, pools: Sequence[PoolReading]) -> float:
    """Return how much should run, given what waits.

    What waits serves so soon that it is started late, when more is known. What is needed
    beyond it boots, and must be started early.
    """
    if sizes.warm_grow_units is None:
        return sizes.grow_units
    each = {pool.name: pool.units_per_capacity for pool in spec.pools}
    reach = sum(
        each.get(pool.name, 0) * (pool.desired_capacity + pool.warm_capacity) for pool in pools
    )
    if sizes.grow_units > reach:
        return sizes.grow_units
    return min(sizes.warm_grow_units, reach)


def lead_seconds_for(spec: FleetSpec, units: float) -> float:
    """Return how long before it is needed the fleet must begin to grow by so many units.

    The slowest pool must boot, with a minute for each step that the pace of the fleet allows.
    """
    steps = max(1, ceil(units / spec.pace.out_units))
    return spec.serves_after_seconds + steps * MINUTE_SECONDS


def with_maintenance(need: Need, later: Need) -> Need:
    """Return *need* with what is needed once maintenance of the baseline has begun.

    The burst stays that of now, for the baseline carries its share until then.

    Args:
        need: What is needed above the baseline as it is.
        later: What is needed above what remains of it.
    """
    return replace(
        need,
        ahead=max(need.ahead, later.ahead),
        grow_to=max(need.grow_to, later.grow_to),
        keep=max(need.keep, later.keep),
    )


def with_known_peaks(
    spec: FleetSpec,
    need: Need,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    now: int,
) -> Need:
    """Return *need* with the calendar of known peaks, which can only raise it.

    A peak counts from when growth for it must begin until it is over: what the baseline does
    not carry of it must grow and is kept. One that is uncertain is corrected by what has come of
    it, unless nobody knows that: silence corrects nothing.
    """
    expected = 0.0
    quantile = grow_quantile(spec.service_level.unserved_cost)
    is_seen = all(demand.view.state is SignalState.FRESH for demand in demands)
    for peak in spec.known_peaks:
        units = peak.most_units - baseline.units
        if not peak.expected_at(now, lead_seconds=lead_seconds_for(spec, units)):
            continue
        since = now - peak.seconds_since_start(now)
        seen = max(
            (units for demand in demands for time, units in demand.points if time >= since),
            default=0.0,
        )
        at = now if is_seen else peak.start_epoch_seconds - 1
        expected = max(expected, peak.units_at(at, seen_units=seen, quantile=quantile))
    burst = expected - baseline.units
    if burst <= need.grow_to:
        return need
    return replace(
        need,
        ahead=max(need.ahead, expected),
        grow_to=burst,
        keep=max(need.keep, burst),
        known_peak=True,
    )
