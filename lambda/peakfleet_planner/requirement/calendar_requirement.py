"""What is needed by the calendar: known peaks, and maintenance of the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from peakfleet_planner.demand import (
    SignalDemand,
    UsableBaseline,
)
from peakfleet_planner.forecast import (
    grow_quantile,
)
from peakfleet_planner.reasons import SignalState
from peakfleet_planner.requirement.live_requirement import (
    Need,
)
from peakfleet_planner.spec import MINUTE_SECONDS, FleetSpec


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
