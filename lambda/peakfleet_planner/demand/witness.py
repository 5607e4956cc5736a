"""A second, independent signal: what contradicts it is doubted, and what it never saw is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from peakfleet_planner.demand.live import SignalDemand
from peakfleet_planner.reasons import Reason
from peakfleet_planner.snapshot import SignalMemory, Snapshot
from peakfleet_planner.spec import SECOND, FleetSpec, RateSignal

UNSEEN_FACTOR: Final = 2.0
"""Demand may be so many times what was ever seen within one tick."""
_COMPARED: Final = 3
"""Newest samples of the witness that are compared; one of them may be of another minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What the witnesses of a fleet say.

    Args:
        most_units: What demand may be taken for at the most. Default: no bound.
        doubts: Why nothing may be let go. Default: no reason.
        bounds: Why demand is not followed all the way. Default: it is.
    """

    most_units: float = inf
    doubts: tuple[Reason, ...] = ()
    bounds: tuple[Reason, ...] = ()


def testimony(spec: FleetSpec, snapshot: Snapshot, demands: Sequence[SignalDemand]) -> Testimony:
    """Return what the witnesses say of the demand that was read; one that is silent says nothing.

    Args:
        spec: The fleet.
        snapshot: What was read.
        demands: What was made of each signal.
    """
    most, doubts, bounds = 0.0, set[Reason](), set[Reason]()
    views = {demand.view.name: demand.view for demand in demands}
    for signal in spec.signals:
        view = views[signal.name]
        units = view.units
        if not isinstance(signal, RateSignal) or signal.second is None or units is None:
            most = max(most, inf if units else 0.0)
            continue
        asked = max(units, view.ahead_units)
        seen = _seen_units(signal, snapshot)
        allowed = inf
        if seen:
            factor = signal.second.at_most_factor
            if min(seen) > factor * units or units > factor * max(seen):
                doubts.add(Reason.WITNESS_CONTRADICTS)
            if asked > factor * max(seen):
                allowed = factor * max(seen)
                bounds.add(Reason.WITNESS_CONTRADICTS)
        highest = snapshot.recalled.signals.get(signal.name, SignalMemory()).highest_units
        if highest is not None and asked > UNSEEN_FACTOR * highest:
            allowed = min(allowed, UNSEEN_FACTOR * highest)
            bounds.add(Reason.UNSEEN_JUMP)
        most = max(most, min(asked if allowed == inf else allowed, allowed))
    return Testimony(
        most_units=most if bounds else inf,
        doubts=tuple(sorted(doubts)),
        bounds=tuple(sorted(bounds)),
    )


def highest_after(memory: SignalMemory, units: float | None) -> float | None:
    """Return the highest demand that was ever taken for true, after a decision on *units*.

    >>> highest_after(SignalMemory(highest_units=10), 100)
    20.0
    """
    highest = memory.highest_units
    if units is None or units <= 0:
        return highest
    return units if not highest else max(highest, min(units, UNSEEN_FACTOR * highest))


def _seen_units(signal: RateSignal, snapshot: Snapshot) -> tuple[float, ...]:
    """Return the newest samples of a witness in units; none if it is silent."""
    series = snapshot.signals.get(signal.name, {}).get(SECOND)
    if series is None or not series.readable or signal.second is None:
        return ()
    since = snapshot.now_epoch_seconds - signal.when_silent.after_seconds
    since -= signal.second.metric.period_seconds
    found = [value for at, value in series.points if since <= at < snapshot.now_epoch_seconds]
    return tuple(signal.second.units_per_value * value for value in found[-_COMPARED:])
