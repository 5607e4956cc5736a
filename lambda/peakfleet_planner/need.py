"""How many units the pools should supply: by the reactive rule, or by foresight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from peakfleet_planner.demand import SignalDemand
from peakfleet_planner.foresight.basis import basis_of
from peakfleet_planner.foresight.model import DemandModel
from peakfleet_planner.foresight.roll import foresee
from peakfleet_planner.plan import SignalState
from peakfleet_planner.spec import FleetSpec
from peakfleet_planner.usable import UsableBaseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Units that the pools should supply.

    Args:
        burst: Demand now above the baseline.
        ahead: Demand expected by the time that new capacity serves.
        grow_to: Less than this must grow.
        keep: More than this may be let go.
        rule: What says so. Default: reactive.
    """

    burst: float
    ahead: float
    grow_to: float
    keep: float
    rule: Literal["reactive", "foresight"] = "reactive"


def reactive_need(
    spec: FleetSpec, demands: Sequence[SignalDemand], baseline: UsableBaseline, now: int
) -> Need:
    """Return the burst now, expected, and within the hold window.

    Expected demand counts only while demand is above the baseline already: at or below it
    nothing bursts.
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
    return Need(burst=burst, ahead=expected, grow_to=grow_to, keep=max(grow_to, soon, *held, 0.0))


def foreseen_need(
    spec: FleetSpec,
    demands: Sequence[SignalDemand],
    baseline: UsableBaseline,
    now: int,
    model: DemandModel | None,
) -> Need | None:
    """Return what *model* says; None if there is none, or this fleet cannot rely on it.

    It must be trusted and of this very fleet, and the signal fresh: silence is met by the
    reactive rule. Demand that is expected may be grown for before it has come.
    """
    if model is None or not model.trusted or model.basis != basis_of(spec):
        return None
    (demand,) = demands
    silent_since = now - spec.signals[0].when_silent.after_seconds
    if demand.view.state is not SignalState.FRESH or not demand.points:
        return None
    if demand.points[-1][0] < silent_since:  # silence that means nothing is asked for
        return None
    foreseen = foresee(
        model,
        demand.points,
        baseline_units=baseline.units,
        read_since=now - spec.service_level.history_seconds,
        now=now,
    )
    if foreseen is None:
        return None
    return Need(
        burst=max(0.0, (demand.view.units or 0.0) - baseline.units),
        ahead=foreseen.ahead_units,
        grow_to=foreseen.grow_units,
        keep=foreseen.keep_units,
        rule="foresight",
    )
