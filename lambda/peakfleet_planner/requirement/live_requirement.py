"""How many units the pools should supply, by the reactive rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from peakfleet_planner.demand import (
    Queue,
    SignalDemand,
    UsableBaseline,
)
from peakfleet_planner.reasons import SignalState
from peakfleet_planner.requirement.queue_requirement import (
    CALM_SAMPLES,
    Capacity,
    but_for_idle,
    capacity_of,
    queue_need,
)
from peakfleet_planner.snapshot import Growth, PoolReading
from peakfleet_planner.spec import BacklogSignal, FleetSpec

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
        foreseen: What is to arrive in the queues, see `queue_need`: in all that share their
            workers, else in the one with the most. Default: as it came lately.
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
    apart = [demand.queue for demand in others if demand.queue]
    needs += [
        _queue_need(
            spec,
            queue,
            capacity,
            baseline,
            now,
            foreseen=(share * foreseen[0], share * foreseen[1]) if foreseen else None,
        )
        for queue, share in zip(apart, _shares_of_largest(apart), strict=True)
    ]
    if prompt := [demand for demand in others if not demand.queue]:
        needs.append(_prompt_need(spec, prompt, baseline, now))
    return largest_need(needs)


def largest_need(needs: Sequence[Need]) -> Need:
    """Return the largest of several needs, by the rule of the first."""
    waits = [one.warm_units for one in needs if one.warm_units is not None]
    return Need(
        burst=max(one.burst for one in needs),
        ahead=max(one.ahead for one in needs),
        grow_to=max(one.grow_to for one in needs),
        keep=max(one.keep for one in needs),
        rule=needs[0].rule,
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


def _shares_of_largest(queues: Sequence[Queue]) -> list[float]:
    """Return what arrives in each queue, as share of what arrives in the one with the most."""
    arriving = [queue.pace_units(CALM_SAMPLES)[-1] for queue in queues]
    most = max(arriving, default=0.0)
    return [units / most if most else 1.0 for units in arriving]


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
