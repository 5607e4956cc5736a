"""Demand that the learner is tried on, in units by the minute."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from peakfleet_learner import learn
from peakfleet_planner import DemandModel
from tests.planner.fleets import NOW, fleet

DAY = 1440
START = NOW - NOW % 86_400 - 20 * 86_400

SPEC = fleet()
"""Ten units an instance, a baseline of 100 units."""

Points = tuple[tuple[int, float], ...]


def bursts_every_hour(days: float, *, seed: int = 1) -> list[float]:
    """Return demand that rises far above the baseline at the same minutes of each hour."""
    noise = np.random.default_rng(seed)
    minutes = np.arange(int(days * DAY))
    peaks = np.where((minutes % 60 >= 20) & (minutes % 60 < 35), 300.0, 0.0)
    units = 90 + peaks + noise.normal(0, 5, len(minutes))
    return [float(value) for value in np.maximum(units, 0)]


def points(values: Sequence[float], *, start: int = START) -> Points:
    """Return one sample a minute."""
    return tuple((start + 60 * minute, value) for minute, value in enumerate(values))


@cache
def learned_model() -> DemandModel:
    """Return a model that has proved itself on bursts every hour."""
    model = learn(SPEC, points(bursts_every_hour(3)))
    assert model is not None
    return model
