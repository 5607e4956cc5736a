"""What one forecast learns: its regressions, how wide it misses, and its quantiles."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from peakfleet_learner import ridge
from peakfleet_learner._digits import rounded
from peakfleet_learner.batch import BatchHorizon, Forecasts, Shared
from peakfleet_learner.demand_history import History
from peakfleet_learner.log import KEPT_DAYS, Floats, Log
from peakfleet_planner.forecast import (
    CLIP,
    DAY_MINUTES,
    DAYTIMES,
    DAYTIMES_KNOWN_AFTER,
    DIFFERENCES,
    DIFFERENCES_KNOWN_AFTER,
    HOUR_MINUTES,
    ROOTS,
    ROOTS_KNOWN_AFTER,
)

FEWEST_MINUTES: Final = 1000
"""Nothing is fitted to less."""
_WINDOW: Final = KEPT_DAYS * DAY_MINUTES
_SPREAD_WINDOW: Final = 7 * DAY_MINUTES
_SPREAD_EVERY: Final = 3
_SPREAD_RIDGE: Final = 0.02

_AT_ROOTS: Final = DIFFERENCES
_AT_DAYTIME: Final = DIFFERENCES + ROOTS
_AT_LEVEL: Final = _AT_DAYTIME + DAYTIMES
_AT_SPREAD_INPUTS: Final = _AT_LEVEL + 3
_AT_SPREAD: Final = _AT_SPREAD_INPUTS + 5


class HorizonLearner:
    """One running forecast and the log of all it saw.

    Args:
        horizon: The forecast.
        first_minute: The first minute that is seen, since 1970.
    """

    def __init__(self, horizon: BatchHorizon, *, first_minute: int) -> None:
        self.horizon = horizon
        self._first_minute = first_minute
        self._seen = Log(_AT_SPREAD + 1)
        self._outcomes = Log(1)

    @property
    def fitted(self) -> bool:
        """Whether there is more to it than the demand now."""
        return bool(self.horizon.model.difference_weights)

    def see(self, history: History, shared: Shared) -> Forecasts:
        """Forecast from each minute of *shared*, and log it."""
        made = self.horizon.see(history, shared)
        self._seen.extend(
            np.column_stack(
                [
                    made.differences,
                    made.roots,
                    shared.daytime,
                    shared.level,
                    made.scale,
                    made.expected,
                    made.spread_inputs,
                    made.spread,
                ]
            )
        )
        self._outcomes.extend(made.outcomes[:, None])
        return made

    @property
    def quantile(self) -> float:
        """How often demand should stay below what is forecast."""
        return self.horizon.model.quantile

    def aim_at(self, quantile: float) -> None:
        """Forecast another quantile from now on."""
        self.horizon.model = replace(self.horizon.model, quantile=quantile)
        self.fit_residuals()

    def fit_experts(self) -> None:
        """Fit both regressions to the last days."""
        known = self._outcomes.end
        if known < FEWEST_MINUTES:
            return
        seen = self._seen.newest(known, _WINDOW)
        outcomes = self._outcomes.newest(known, _WINDOW)[:, 0]
        level, scale = seen[:, _AT_LEVEL], seen[:, _AT_LEVEL + 1]
        differences = np.clip(seen[:, :_AT_ROOTS] / scale[:, None], -CLIP, CLIP)
        daytime = seen[:, _AT_DAYTIME:_AT_LEVEL]
        moves = np.clip((outcomes - level) / scale, -CLIP, CLIP)
        self.horizon.model = replace(
            self.horizon.model,
            difference_weights=_rows(
                self._fit(
                    np.column_stack([differences, daytime]),
                    moves,
                    DIFFERENCES_KNOWN_AFTER,
                    centred=False,
                )
            ),
            root_weights=_rows(
                self._fit(seen[:, _AT_ROOTS:_AT_LEVEL], np.sqrt(outcomes), ROOTS_KNOWN_AFTER)
            ),
        )

    def fit_spread(self, mean: float) -> None:
        """Fit by how much the forecast misses to how demand moved, on the last week."""
        known = self._outcomes.end
        if known < FEWEST_MINUTES:
            return
        seen = self._seen.newest(known, _SPREAD_WINDOW)
        missed = np.abs(self._misses(known, _SPREAD_WINDOW))
        floor = 0.3e-3 * mean + 0.02 * seen[:, _AT_LEVEL + 1] + 1e-12
        inputs = seen[:, _AT_SPREAD_INPUTS:_AT_SPREAD][::_SPREAD_EVERY]
        middle = inputs.mean(axis=0)
        rows = np.column_stack([inputs - middle, np.ones(len(inputs))])
        shrunk = np.full(rows.shape[1], _SPREAD_RIDGE * len(rows))
        shrunk[-1] = 0.0
        weights = np.linalg.solve(
            rows.T @ rows + np.diag(shrunk), rows.T @ np.log(missed + floor)[::_SPREAD_EVERY]
        )
        weights[-1] -= middle @ weights[:-1]
        self.horizon.model = replace(self.horizon.model, spread_weights=rounded(weights.tolist()))

    def fit_residuals(self) -> None:
        """Take the quantile of the scaled misses: by the minute of the hour, if days suffice."""
        known = self._outcomes.end
        if known < FEWEST_MINUTES:
            return
        scaled = self._misses(known, _WINDOW) / self._seen.newest(known, _WINDOW)[:, _AT_SPREAD]
        if len(scaled) > 1.5 * DAY_MINUTES:
            whole_hours = len(scaled) // HOUR_MINUTES * HOUR_MINUTES
            hours = scaled[-whole_hours:].reshape(-1, HOUR_MINUTES)
            first = (self._first_minute + known - hours.size) % HOUR_MINUTES
            residuals = np.roll(np.quantile(hours, self.quantile, axis=0), first).tolist()
        else:
            residuals = [float(np.quantile(scaled, self.quantile))]
        self.horizon.model = replace(self.horizon.model, residuals=rounded(residuals))

    def _misses(self, known: int, most: int) -> Floats:
        expected = self._seen.newest(known, most)[:, _AT_LEVEL + 2]
        missed: Floats = self._outcomes.newest(known, most)[:, 0] - expected
        return missed

    def _fit(
        self,
        inputs: Floats,
        outcomes: Floats,
        known_after: tuple[int, ...],
        *,
        centred: bool = True,
    ) -> Floats:
        """Fit to the inputs that say something by now; the others weigh nothing."""
        known = self._outcomes.end
        after = np.array((*known_after, *DAYTIMES_KNOWN_AFTER))
        enough = np.maximum(FEWEST_MINUTES, np.minimum(3 * DAY_MINUTES, 0.35 * after))
        used = np.flatnonzero(known - after >= enough)
        start = max(0, known - len(inputs), int(after[used].max()))
        rows = inputs[start - (known - len(inputs)) :][:, used]
        fitted = ridge.fit(
            rows, outcomes[len(outcomes) - len(rows) :], self._first_minute + start, centred=centred
        )
        weights = np.zeros((len(fitted), inputs.shape[1] + 1))
        weights[:, used] = fitted[:, :-1]
        weights[:, -1] = fitted[:, -1]
        return weights


def _rows(table: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(map(rounded, table.tolist()))
