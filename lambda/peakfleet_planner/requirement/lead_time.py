"""Demand as far ahead as the slowest pool that is needed takes to serve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from peakfleet_planner.demand import SignalDemand, UsableBaseline, read_demand
from peakfleet_planner.pools import PoolHealth
from peakfleet_planner.snapshot import Snapshot
from peakfleet_planner.spec import BacklogSignal, FleetSpec


def demand_within_lead_time(
    spec: FleetSpec, snapshot: Snapshot, baseline: UsableBaseline, standing: Sequence[PoolHealth]
) -> tuple[SignalDemand, ...]:
    """Return what each signal asks for, ahead of the pools that serve it.

    Pools fill in order, so a slow pool behind quick ones sets the lead time only once demand
    would outgrow those before it. A pool that can have no more now counts as full. Of the lead
    times on the way the highest demand counts, so that more demand never means less.

    Args:
        spec: The fleet.
        snapshot: What was seen.
        baseline: What the company's own side carries.
        standing: How each pool stands.
    """
    most_units = {one.spec.name: one.size.ceiling * one.spec.units_per_capacity for one in standing}
    runs = any(pool.desired_capacity > pool.min_capacity for pool in snapshot.pools)
    highest: tuple[SignalDemand, ...] = ()
    for reached in _ladders(spec):
        demands = tuple(
            read_demand(
                reached,
                signal,
                snapshot.signals.get(signal.name, {}),
                snapshot.now_epoch_seconds,
                memory=snapshot.recalled.signals.get(signal.name),
                runs=runs,
            )
            for signal in spec.signals
        )
        highest = tuple(map(_higher, highest, demands)) if highest else demands
        burst = max(demand.view.ahead_units for demand in highest) - baseline.units
        if burst <= sum(most_units.get(pool.name, 0.0) for pool in reached.pools):
            break
    return highest


def _ladders(spec: FleetSpec) -> Iterator[FleetSpec]:
    """Yield the fleet with its first pools only, each time with those of a longer boot."""
    waits = any(isinstance(signal, BacklogSignal) for signal in spec.signals)
    boots = [pool.boot_seconds for pool in spec.pools]
    for count in range(1, len(boots)):
        if boots[count] > max(boots[:count]) and not waits:
            yield replace(spec, pools=spec.pools[:count])
    yield spec


def _higher(one: SignalDemand, other: SignalDemand) -> SignalDemand:
    ahead_units = max(one.view.ahead_units, other.view.ahead_units)
    return replace(
        other,
        view=replace(other.view, ahead_units=ahead_units),
        keep_units=max(one.keep_units, other.keep_units),
    )
