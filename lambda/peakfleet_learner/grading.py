"""What foresight and the reactive rule would each have cost, minute by minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Final, Protocol

from peakfleet_planner import FleetSpec
from peakfleet_planner.demand import UsableBaseline, live_demand
from peakfleet_planner.forecast import (
    DAY_MINUTES,
    HOUR_MINUTES,
    MINUTE_SECONDS,
    QUANTILES,
    Aims,
    Basis,
)
from peakfleet_planner.plan import BaselineState, SignalState, SignalView
from peakfleet_planner.requirement import reactive_need

_GRADED_AT: Final = (8, 10)
GRADED_QUANTILES: Final = tuple(QUANTILES[at] for at in _GRADED_AT)
"""It is counted how often demand comes above these quantiles."""
DECAY_A_MINUTE: Final = 0.5 ** (1 / (3 * DAY_MINUTES))
"""Half of what counts happened in the last three days."""
_FAILS_AFTER_MINUTES: Final = 3 * HOUR_MINUTES
"""Trust is lost when foresight has fallen behind by what the cheaper of both usually costs in
so many minutes."""
_REST_MINUTES: Final = 6 * HOUR_MINUTES
"""It is not regained sooner; then, half of what counts happened in the last such time."""
_REST_DECAY: Final = 0.5 ** (1 / _REST_MINUTES)


NOTHING: Final = Aims(0, 0, 0)


class Graded(Protocol):
    """A fleet of which it is known what it cost, in instance-minutes; older days count less.

    `missed` is what the newest minute missed, in layers; a missed one costs `unserved_cost`.
    """

    cost: float
    missed: float
    unserved_cost: float

    def step(self, burst: float, aims: Aims) -> float:
        """Serve the burst of a minute, then decide as on seeing it; return what it cost."""


class Trial:
    """A fleet that boots what is missing and ends what is too much. In layers.

    Args:
        boot_minutes: From the launch to serving.
        metric_delay_minutes: How late demand is seen.
        unserved_cost: What a missed layer-minute is worth.
    """

    def __init__(
        self, *, boot_minutes: int, metric_delay_minutes: int, unserved_cost: float
    ) -> None:
        self._boot, self.unserved_cost = boot_minutes, unserved_cost
        self._aims: deque[Aims] = deque([NOTHING] * metric_delay_minutes)
        self._ready = 0
        self._booting: deque[int] = deque([0] * (boot_minutes + 1))
        self.cost = self.missed = 0.0

    def step(self, burst: float, aims: Aims) -> float:
        """Serve the burst of a minute, then decide as on seeing it; return what it cost.

        Args:
            burst: Demand above the baseline.
            aims: How many layers should run.
        """
        self._ready += self._booting.popleft()
        booting = sum(self._booting)
        missed = max(0.0, burst - self._ready)
        self.missed = missed
        cost = self._ready + booting + self.unserved_cost * missed
        self.cost = self.cost * DECAY_A_MINUTE + cost
        self._aims.append(aims)
        told = self._aims.popleft()
        self._booting.append(max(0, told.grow - self._ready - booting))
        if told.grow <= self._ready + booting:
            self._ready = min(self._ready, told.keep)
        return cost


class Trust:
    """Whether foresight is followed: it must have been cheaper for days, and not fail for hours.

    How far it has fallen behind the reactive rule is summed up minute by minute and never goes
    below nothing, so that what it saved before does not hide a failure.

    Args:
        graded_after: Minutes that must be graded first.
    """

    def __init__(self, *, graded_after: int) -> None:
        self._graded_after = graded_after
        self._minutes_counted = 0.0
        self._failing_minutes: int | None = None
        self._since = [0.0, 0.0]
        self._cheaper = False
        self.minutes = 0
        self.behind_cost = 0.0

    def see(self, foresight: Graded, reactive: Graded, costs: tuple[float, float]) -> None:
        """Take in one more graded minute.

        Args:
            foresight: What foresight would have cost so far.
            reactive: What the reactive rule would have.
            costs: Both in this minute.
        """
        self.minutes += 1
        self._cheaper = foresight.cost <= reactive.cost
        self._minutes_counted = self._minutes_counted * DECAY_A_MINUTE + 1
        usual = min(foresight.cost, reactive.cost) / self._minutes_counted
        if self._failing_minutes is None:
            self.behind_cost = max(0.0, self.behind_cost + costs[0] - costs[1])
            if self.behind_cost > _FAILS_AFTER_MINUTES * usual:
                self._failing_minutes, self._since = 0, [0.0, 0.0]
            return
        self._failing_minutes += 1
        self._since = [old * _REST_DECAY + new for old, new in zip(self._since, costs, strict=True)]
        if self._failing_minutes >= _REST_MINUTES and self._since[0] <= self._since[1]:
            self._failing_minutes, self.behind_cost = None, 0.0

    @property
    def holds(self) -> bool:
        """Whether foresight is to be followed now."""
        proved = self.minutes >= self._graded_after and self._cheaper
        return proved and self._failing_minutes is None


class Misses:
    """How often demand came above what it was forecast to stay below.

    Args:
        lead_minutes: From a forecast to its outcome.
    """

    def __init__(self, *, lead_minutes: int) -> None:
        self._lead = lead_minutes
        self._pending: deque[tuple[float, ...] | None] = deque()
        self._missed = [0] * len(GRADED_QUANTILES)
        self._seen = 0

    def see(self, came: float | None, levels: Sequence[float] | None) -> None:
        """Take in the outcome of the forecast that came true, then the newest forecast.

        Args:
            came: The outcome; None if there is none yet.
            levels: Demand at each of `QUANTILES`; None while nothing is learned.
        """
        if len(self._pending) == self._lead:
            forecast = self._pending.popleft()
            if forecast is not None and came is not None:
                self._seen += 1
                for index, level in enumerate(forecast):
                    self._missed[index] += came > level
        self._pending.append(None if levels is None else tuple(levels[at] for at in _GRADED_AT))

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of minutes above each of `GRADED_QUANTILES`; none before any outcome."""
        return tuple(missed / self._seen for missed in self._missed) if self._seen else ()


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
        self._baseline = UsableBaseline(
            units=spec.baseline.carried_units, state=BaselineState.HEALTHY
        )

    def price(self, cost: float) -> None:
        """Give missed work this worth."""
        level = replace(self._spec.service_level, unserved_cost=cost)
        self._spec = replace(self._spec, service_level=level)

    def aims(self, minute: int, layers: float) -> Aims:
        """Return how many layers should run."""
        unit = self._basis.layer_units
        self._points.append((minute * MINUTE_SECONDS, layers * unit))
        now = (minute + 1 + self._delay) * MINUTE_SECONDS
        view = SignalView(
            name=self._basis.signal, state=SignalState.FRESH, units=self._points[-1][1]
        )
        demand = live_demand(
            self._spec,
            view,
            tuple(self._points),
            lead_seconds=self._delay * MINUTE_SECONDS + self._spec.lead_seconds,
            period=MINUTE_SECONDS,
        )
        need = reactive_need(self._spec, (demand,), self._baseline, now)
        most = self._basis.most_layers
        grow = min(most, ceil(need.grow_to / unit - 1e-9))
        return Aims(grow, grow, min(most, ceil(need.keep / unit - 1e-9)))
