"""What foresight and the reactive rule would each have cost, minute by minute."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final

from peakfleet_planner import FleetSpec
from peakfleet_planner.baselines import ReportedBaseline
from peakfleet_planner.demand import live_demand
from peakfleet_planner.foresight.basis import Basis
from peakfleet_planner.foresight.minutes import DAY, MINUTE_SECONDS
from peakfleet_planner.need import reactive_need
from peakfleet_planner.plan import BaselineState, SignalState, SignalView
from peakfleet_planner.usable import UsableBaseline

DECAY_A_MINUTE: Final = 0.5 ** (1 / (3 * DAY))
"""Half of what counts happened in the last three days."""


class Trial:
    """A fleet that follows targets, and what it cost. In layers.

    Args:
        boot_minutes: From the launch to serving.
        metric_delay_minutes: How late demand is seen.
        unserved_cost: What a missed layer-minute is worth.
    """

    def __init__(
        self, *, boot_minutes: int, metric_delay_minutes: int, unserved_cost: float
    ) -> None:
        self._boot, self._unserved_cost = boot_minutes, unserved_cost
        self._targets: deque[tuple[int, int]] = deque([(0, 0)] * metric_delay_minutes)
        self._ready = 0
        self._booting: deque[int] = deque([0] * (boot_minutes + 1))
        self.cost = 0.0

    def step(self, burst: float, target: tuple[int, int]) -> None:
        """Serve the burst of a minute, then decide as on seeing it.

        Args:
            burst: Demand above the baseline.
            target: How many layers to grow to, and above how many to let go.
        """
        self._ready += self._booting.popleft()
        booting = sum(self._booting)
        missed = max(0.0, burst - self._ready)
        cost = self._ready + booting + self._unserved_cost * missed
        self.cost = self.cost * DECAY_A_MINUTE + cost
        self._targets.append(target)
        grow, keep = self._targets.popleft()
        self._booting.append(max(0, grow - self._ready - booting))
        if grow <= self._ready + booting:
            self._ready = min(self._ready, keep)


class ReactiveRule:
    """The rule of a fleet without a model, on demand by the minute.

    Args:
        spec: The fleet.
        basis: What its models are learned for.
        metric_delay_minutes: How late demand is seen.
    """

    def __init__(self, spec: FleetSpec, basis: Basis, *, metric_delay_minutes: int) -> None:
        self._spec, self._basis, self._delay = spec, basis, metric_delay_minutes
        self._points: deque[tuple[int, float]] = deque(
            maxlen=spec.service_level.history_seconds // MINUTE_SECONDS
        )
        self._baseline = UsableBaseline(units=declared_units(spec), state=BaselineState.HEALTHY)

    def target(self, minute: int, layers: float) -> tuple[int, int]:
        """Return how many layers to grow to, and above how many to let go."""
        unit = self._basis.layer_units
        self._points.append((minute * MINUTE_SECONDS, layers * unit))
        now = (minute + 1 + self._delay) * MINUTE_SECONDS
        view = SignalView(
            name=self._basis.signal, state=SignalState.FRESH, units=self._points[-1][1]
        )
        demand = live_demand(self._spec, view, tuple(self._points), now=now, period=MINUTE_SECONDS)
        need = reactive_need(self._spec, (demand,), self._baseline, now)
        most = self._basis.most_layers
        return (
            min(most, ceil(need.grow_to / unit - 1e-9)),
            min(most, ceil(need.keep / unit - 1e-9)),
        )


def declared_units(spec: FleetSpec) -> float:
    """Return what the on-premises side carries when all is well."""
    baseline = spec.baseline
    units = baseline.declared_units if isinstance(baseline, ReportedBaseline) else baseline.units
    return units * baseline.usable_fraction
