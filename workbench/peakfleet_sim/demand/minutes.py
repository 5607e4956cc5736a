"""Demand of coarser steps, brought to minutes."""

from __future__ import annotations

from typing import Final

import numpy as np

from peakfleet_sim.demand.demand import Floats

_WINDOW_STEPS: Final = 25
"""Steps whose roughness the filled minutes have."""


def to_minutes(means: Floats, step_minutes: int, seed: int) -> Floats:
    """Return *means* of `step_minutes` each as minutes, with plausible detail inside a step.

    The means stand at the middle of their steps and are joined by lines plus a seeded
    Brownian bridge. Lines alone would show a policy the slope towards a mean that nobody
    could know yet, and flatter whoever extrapolates. The bridge is as rough as the steps
    themselves were lately: the root mean square of their second difference, over sqrt(2).

    Everything up to the middle of step i depends on the steps up to i only, so demand that
    is cut short stays the same up to there.
    """
    if step_minutes == 1:
        return means
    steps = len(means)
    middles = np.arange(steps) * step_minutes + step_minutes / 2
    lines = np.interp(np.arange(steps * step_minutes) + 0.5, middles, means)
    walk = np.random.default_rng(seed).standard_normal((steps, step_minutes))
    walk = np.cumsum(walk / np.sqrt(step_minutes), axis=1)
    bridge = walk - walk[:, -1:] * (np.arange(1, step_minutes + 1) / step_minutes)
    detail = (_roughness(means)[:, np.newaxis] * bridge).ravel()
    before_the_first_middle = np.zeros(step_minutes // 2)
    detail = np.concatenate([before_the_first_middle, detail])[: len(lines)]
    minutes: Floats = np.maximum(0.0, lines + detail)
    return minutes


def _roughness(means: Floats) -> Floats:
    """Return, for the way from each step to the next, how rough the last steps were."""
    squares = np.zeros(len(means))
    squares[1:-1] = (means[2:] - 2 * means[1:-1] + means[:-2]) ** 2
    sums = np.concatenate([[0.0], np.cumsum(squares)])
    end = np.arange(1, len(means) + 1)
    start = np.maximum(0, end - _WINDOW_STEPS)
    known = np.maximum(1, end - np.maximum(start, 1))
    roughness: Floats = np.sqrt(np.maximum(0.0, sums[end] - sums[start]) / known / 2)
    return roughness
