"""Linear regression, pooled over all minutes, with a shrunk deviation for each phase."""

from __future__ import annotations

from typing import Final

import numpy as np

from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import PHASES

_RIDGE: Final = 0.003
_PHASE_RIDGE: Final = 0.05
_EVERY: Final = 2


def fit(inputs: Floats, outcomes: Floats, first_minute: int, *, centred: bool) -> Floats:
    """Return one row of weights for each phase, in the units of the inputs; the last is alone.

    Args:
        inputs: One row a minute.
        outcomes: One a minute.
        first_minute: The minute of the first row, since 1970.
        centred: Whether inputs are taken relative to their mean, or to 0.
    """
    middle = inputs.mean(axis=0) if centred else np.zeros(inputs.shape[1])
    width = np.sqrt(((inputs - middle) ** 2).mean(axis=0)) + 1e-6
    scaled = np.column_stack([(inputs - middle) / width, np.ones(len(inputs))])
    count = scaled.shape[1]
    shrunk = np.ones(count)
    shrunk[-1] = 0.0
    some = scaled[::_EVERY]
    pooled = np.linalg.solve(
        some.T @ some + np.diag(_RIDGE * len(some) * shrunk + 1e-9), some.T @ outcomes[::_EVERY]
    )
    phases = (first_minute + np.arange(len(inputs))) % PHASES
    rows = np.zeros((PHASES, count))
    for phase in range(PHASES):
        own = scaled[phases == phase]
        left = outcomes[phases == phase] - own @ pooled
        system = own.T @ own + (_PHASE_RIDGE * len(own) + 1e-9) * np.eye(count)
        weights = pooled + np.linalg.solve(system, own.T @ left)
        rows[phase, :-1] = weights[:-1] / width
        rows[phase, -1] = weights[-1] - middle @ rows[phase, :-1]
    return rows
