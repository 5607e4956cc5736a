"""What is needed by the forecast, and what missed work is worth as the learner has found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import floor

from peakfleet_planner.demand import (
    SignalDemand,
    UsableBaseline,
    combined_demand,
    learned_demand,
)
from peakfleet_planner.forecast import (
    DemandModel,
    ForecastSizes,
    RolledModel,
    Service,
    basis_of,
    forecast_sizes,
    learned_queues,
    learned_signals,
    roll,
)
from peakfleet_planner.pools import known_growth
from peakfleet_planner.reasons import SignalState
from peakfleet_planner.requirement.live_requirement import (
    Need,
    asked_units,
    largest_need,
    reactive_need,
)
from peakfleet_planner.snapshot import PoolReading, Snapshot
from peakfleet_planner.spec import FleetSpec


def forecast_need(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    snapshot: Snapshot,
) -> Need | None:
    """Return what the learned model says; None if there is none, or this fleet cannot rely on it.

    It must be trusted and of this very fleet, and each signal that it was learned of fresh: silence
    is met by the reactive rule. Demand that is expected may be grown for before it has come. Of a
    queue only what is to arrive is foreseen; what that needs is a matter of its deadline, as ever.
    A queue beside live signals is met as without a model; the larger need counts.

    Args:
        spec: The fleet.
        demands: What each signal asks for.
        baseline: What the company's own side carries.
        snapshot: What was seen, with the model in its memory.
    """
    model, now = _usable_model(spec, snapshot), snapshot.now_epoch_seconds
    if model is None:
        return None
    names = {signal.name for signal in learned_signals(spec)}
    learned = [demand for demand in demands if demand.view.name in names]
    others = [demand for demand in demands if demand.view.name not in names]
    for signal, demand in zip(learned_signals(spec), learned, strict=True):
        silent_since = now - signal.when_silent.after_seconds
        if demand.view.state is not SignalState.FRESH or not demand.points:
            return None
        if demand.points[-1][0] < silent_since:  # silence that means nothing is asked for
            return None
    points = combined_demand(
        spec, [one.queue.arrivals if one.queue else one.points for one in learned]
    )
    sizes = forecast_sizes(
        model, points, baseline_units=baseline.units, now=now, rolled=snapshot.rolled
    )
    if sizes is None:
        return None
    known = partial(
        reactive_need,
        spec,
        baseline=baseline,
        now=now,
        pools=snapshot.pools,
        growth=known_growth(snapshot),
        shrinkage=snapshot.recalled.shrinkage,
    )
    if learned_queues(spec):
        need = known(demands, foreseen=(sizes.grow_level_units, sizes.keep_level_units))
        return replace(need, rule="foresight")
    # A model goes from minute to minute: what rose since is served by what it needs in full.
    unit = model.basis.layer_units
    sustained = max(demand.sustained_units for demand in learned)
    here = unit * floor(max(0.0, sustained - baseline.units) / unit)
    grow_to = max(_grow_units(spec, sizes, snapshot.pools), here)
    need = Need(
        burst=max(0.0, asked_units(spec, learned) - baseline.units),
        ahead=sizes.ahead_units,
        grow_to=grow_to,
        keep=max(sizes.keep_units, grow_to),
        rule="foresight",
        warm_units=sizes.warm_units,
    )
    return largest_need([need, known(others)]) if others else need


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
