"""What the next ticks should remember of each signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from peakfleet_planner.demand.samples import in_units, minutes_since_end
from peakfleet_planner.demand.witness import highest_after
from peakfleet_planner.plan import Plan
from peakfleet_planner.snapshot import (
    MOST_SHARES,
    WATCHED_MINUTES,
    SignalMemory,
    Snapshot,
)
from peakfleet_planner.spec import FleetSpec, RateSignal


def remember_signals(spec: FleetSpec, snapshot: Snapshot, plan: Plan) -> Mapping[str, SignalMemory]:
    """Return what `Memory.signals` should be for the next decision.

    Args:
        spec: The fleet.
        snapshot: What this decision knew.
        plan: What it said.
    """
    before = snapshot.recalled.signals
    said = {view.name: view.units for view in plan.signals}
    found = {}
    for signal in spec.signals:
        was = before.get(signal.name, SignalMemory())
        units = said.get(signal.name)
        memory = was if units is None else replace(was, units=units)
        if isinstance(signal, RateSignal) and signal.second is not None:
            memory = replace(memory, highest_units=highest_after(was, units))
        if isinstance(signal, RateSignal) and not signal.is_fast:
            now = snapshot.now_epoch_seconds
            newest = {
                key: replace(series, points=series.points[-2 * WATCHED_MINUTES :])
                for key, series in snapshot.signals.get(signal.name, {}).items()
            }
            points, _ = in_units(signal, newest, now, spec.lead_seconds_of(signal))
            memory = _watched(memory, dict(points), signal.period_seconds, now)
        found[signal.name] = memory
    return found


def _watched(
    memory: SignalMemory, points: Mapping[int, float], period: int, now: int
) -> SignalMemory:
    """Return *memory* with what the newest samples have, and what earlier ones became."""
    reads = {(time, minutes): units for time, minutes, units in memory.reads}
    for time, units in points.items():
        minutes = minutes_since_end(time, period, now)
        if minutes < WATCHED_MINUTES:
            reads.setdefault((time, minutes), units)
    shares = [list(row) for row in memory.shares] or [[] for _ in range(WATCHED_MINUTES)]
    left = []
    for (time, minutes), units in sorted(reads.items()):
        if minutes_since_end(time, period, now) < WATCHED_MINUTES:
            left.append((time, minutes, units))
        elif points.get(time, 0.0) > 0:
            shares[minutes].append(min(1.0, units / points[time]))
    return replace(
        memory,
        reads=tuple(left),
        shares=tuple(tuple(row[-MOST_SHARES:]) for row in shares),
    )
