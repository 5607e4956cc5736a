"""What a model is learned for, and which fleets one can be learned for."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

from peakfleet_planner.foresight.minutes import MINUTE_SECONDS
from peakfleet_planner.signals import RateSignal, SilenceRule
from peakfleet_planner.spec import FleetSpec

MOST_LAYERS: Final = 256
"""A larger fleet is planned in layers of several instances."""
MOST_BOOT_MINUTES: Final = 50
"""A longer boot is not foreseen: the peak an hour ago must have ended before it is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a model was learned for; another fleet, or one that was changed, needs a new one.

    Args:
        signal: Name of the one live signal.
        expression: How its metrics become a value.
        units_per_value: How a value becomes units.
        silent_is_zero: Whether a minute without a datapoint counts as nothing.
        baseline_kind: `fixed` or `reported`.
        layer_units: Units of one layer of capacity: one instance, several in a large fleet.
        most_layers: Layers of the whole fleet at its maximum.
        boot_minutes: From the launch to serving, in the slowest pool.
        unserved_cost: What a missed unit-minute is worth.
    """

    signal: str
    expression: str
    units_per_value: float
    silent_is_zero: bool
    baseline_kind: str
    layer_units: float
    most_layers: int
    boot_minutes: int
    unserved_cost: float


def basis_of(spec: FleetSpec) -> Basis | None:
    """Return what a model of this fleet must have been learned for; None if it needs none.

    One live signal in periods of a minute can be foreseen. Backlogs, several signals and very
    long boots stay with the reactive rule.
    """
    signal = spec.signals[0]
    boot_minutes = ceil(max(pool.boot_seconds for pool in spec.pools) / MINUTE_SECONDS)
    if len(spec.signals) > 1 or not isinstance(signal, RateSignal):
        return None
    if next(iter(signal.metrics.values())).period_seconds != MINUTE_SECONDS or (
        boot_minutes > MOST_BOOT_MINUTES
    ):
        return None
    unit, most_units = spec.pools[0].units_per_capacity, sum(pool.max_units for pool in spec.pools)
    layer_units = unit * ceil(most_units / unit / MOST_LAYERS)
    return Basis(
        signal=signal.name,
        expression=signal.expression,
        units_per_value=signal.units_per_value,
        silent_is_zero=signal.when_silent.rule is SilenceRule.ZERO,
        baseline_kind=spec.baseline.kind,
        layer_units=layer_units,
        most_layers=ceil(most_units / layer_units - 1e-9),
        boot_minutes=boot_minutes,
        unserved_cost=spec.service_level.unserved_cost,
    )
