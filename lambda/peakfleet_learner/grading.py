"""What foresight and the reactive rule would each have cost, minute by minute."""

from __future__ import annotations

from collections import deque
from math import ceil, isnan, nan
from typing import Final, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from peakfleet_learner.demand_history import History
from peakfleet_learner.log import Floats
from peakfleet_planner import FleetSpec
from peakfleet_planner.demand import (
    FEW_RISES,
    HEADROOM_WITHOUT_HISTORY,
    NEW_HEIGHTS_SHARE,
    critical_fractile,
)
from peakfleet_planner.forecast import DAY_MINUTES, HOUR_MINUTES, MINUTE_SECONDS, Aims, Basis

DECAY_A_MINUTE: Final = 0.5 ** (1 / (3 * DAY_MINUTES))
"""Half of what counts happened in the last three days."""
_AS_CHEAP: Final = 1.03
"""Up to here foresight counts as no dearer than the reactive rule: it also sizes warm pools."""
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
    below nothing, so that what it saved before does not hide a failure. It fails when it is behind
    by what the largest burst costs if it is missed until new capacity serves: one crowd that nobody
    could foresee is no failure.

    Args:
        graded_after: Minutes that must be graded first.
        lead_minutes: From demand until capacity that it asked for serves.
    """

    def __init__(self, *, graded_after: int, lead_minutes: int) -> None:
        self._graded_after = graded_after
        self._lead_minutes = lead_minutes
        self._largest_burst = 0.0
        self._failing_minutes: int | None = None
        self._since = [0.0, 0.0]
        self._cheaper = False
        self.minutes = 0
        self.behind_cost = 0.0

    def see(
        self, foresight: Graded, reactive: Graded, costs: tuple[float, float], burst: float
    ) -> None:
        """Take in one more graded minute.

        Args:
            foresight: What foresight would have cost so far.
            reactive: What the reactive rule would have.
            costs: Both in this minute.
            burst: Demand above the baseline in this minute.
        """
        self.minutes += 1
        self._cheaper = foresight.cost <= _AS_CHEAP * reactive.cost
        self._largest_burst = max(burst, self._largest_burst * DECAY_A_MINUTE)
        if self._failing_minutes is None:
            self.behind_cost = max(0.0, self.behind_cost + costs[0] - costs[1])
            missed_minutes = self._lead_minutes * max(1.0, self._largest_burst)
            if self.behind_cost > foresight.unserved_cost * missed_minutes:
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
    """How often demand came above what it was forecast to stay below."""

    def __init__(self) -> None:
        self._pending: list[float] = []
        self._missed = self._seen = 0

    def see(self, outcomes: Floats, levels: Floats, *, fitted: bool) -> None:
        """Take in the outcomes of the oldest forecasts, and new forecasts.

        Args:
            outcomes: What came true of the oldest forecasts that are known.
            levels: What demand should stay below now.
            fitted: Whether that was learned; if not, it does not count.
        """
        self._pending += levels.tolist() if fitted else [nan] * len(levels)
        for came, level in zip(outcomes.tolist(), self._pending, strict=False):
            self._seen += not isnan(level)
            self._missed += came > level
        del self._pending[: len(outcomes)]

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of minutes above; none before any outcome."""
        return (self._missed / self._seen,) if self._seen else ()


class ReactiveRule:
    """The rule of a fleet without a model, on demand by the minute.

    The same as `demand.live_demand` and `requirement.reactive_need`, for many minutes at once.

    Args:
        spec: The fleet.
        basis: What its models are learned for.
        metric_delay_minutes: How late demand is seen.
    """

    def __init__(self, spec: FleetSpec, basis: Basis, *, metric_delay_minutes: int) -> None:
        level, lead_seconds = spec.service_level, metric_delay_minutes * MINUTE_SECONDS
        self._basis, self._cost = basis, level.unserved_cost
        self._window = level.history_seconds // MINUTE_SECONDS
        self._steps = max(1, ceil((lead_seconds + spec.lead_seconds) / MINUTE_SECONDS))
        self._held = max(1, level.hold_seconds // MINUTE_SECONDS - metric_delay_minutes)
        self._baseline = spec.baseline.carried_units / basis.layer_units

    def price(self, cost: float) -> None:
        """Give missed work this worth."""
        self._cost = cost

    def aims(
        self, history: History, start: int, end: int, *, newest: Floats | None = None
    ) -> list[Aims]:
        """Return how many layers should run on seeing each minute from *start* to before *end*.

        Args:
            history: Demand in layers.
            start: The first of the minutes, counted from the first of the history.
            end: The one after the last.
            newest: What each counts as while it is the newest. Default: what it is.
        """
        window, values = self._window, history.values
        now = values[start:end] if newest is None else newest
        found: list[Aims] = []
        for at in range(start, min(end, window - 1)):  # minutes before which little is known
            found += self._aims(np.array([[*values[:at], now[at - start]]]))
        if (first := max(start, window - 1)) < end:
            rows = sliding_window_view(values[first + 1 - window : end], window)
            if newest is not None:
                rows = np.column_stack([rows[:, :-1], now[first - start :]])
            found += self._aims(rows)
        return found

    def _aims(self, rows: Floats) -> list[Aims]:
        """Return the same for rows of minutes, of which each ends with the one that is seen."""
        window, steps = rows.shape[1], self._steps
        now = rows[:, -1]
        rises = rows[:, steps:] - rows[:, :-steps]
        if rises.shape[1] <= FEW_RISES:
            most_rise = rises.max(axis=1, initial=-np.inf)
            usual = soon = np.maximum(HEADROOM_WITHOUT_HISTORY * now, most_rise)
        else:
            ahead = sliding_window_view(rows, steps + 1, axis=1)[:, 1:].max(axis=2)
            peaks = self._fractile(ahead - rows[:, : ahead.shape[1]])
            crest = rows[:, : max(0, window - 2 * steps)].max(axis=1, initial=0.0)
            height = 1 + NEW_HEIGHTS_SHARE
            most = np.where(now > height * crest, np.inf, height * np.maximum(crest, now) - now)
            usual = np.minimum(most, np.maximum(0.0, self._fractile(rises)))
            soon = np.minimum(most, np.maximum(usual, peaks))
        burst = np.maximum(0.0, now - self._baseline)
        grow = np.where(burst > 0, np.maximum(burst, now + usual - self._baseline), 0.0)
        held = rows[:, -self._held :].max(axis=1)
        keep = np.maximum(grow, np.maximum(held, now + soon) - self._baseline)
        bound = self._basis.most_layers
        layers = [np.clip(np.ceil(one - 1e-9), 0, bound).astype(int) for one in (grow, keep)]
        return [Aims(a, a, b) for a, b in zip(*(one.tolist() for one in layers), strict=True)]

    def _fractile(self, rises: Floats) -> Floats:
        at = critical_fractile(range(rises.shape[1]), self._cost)
        found: Floats = np.partition(rises, at, axis=1)[:, at]
        return found
