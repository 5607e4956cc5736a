"""A premiere night: generated demand for trying things out without a recording."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np

from peakfleet_sim.demand.demand import Demand, Floats

START: Final = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
PREMIERE_MINUTE: Final = 135
"""Minutes from the start to the premiere: 20:15."""
SECOND_WAVE_MINUTE: Final = 225
"""Minutes from the start to the second wave, when the next time zone sits down: 21:45."""

_NOISE_MEMORY: Final = 0.85
_NOISE_SHARE: Final = 0.012


def premiere_night(
    *, baseline_units: float, peak_burst_units: float, hours: float = 6, seed: int = 0
) -> Demand:
    """Return the demand of a premiere night. It is generated, not recorded.

    An ordinary evening climbs from three fifths of the baseline towards nine tenths of it;
    people gather in the last quarter of an hour; at 20:15 the premiere lifts demand to its
    peak within a quarter of an hour; a second, smaller wave follows at 21:45; both fade over
    an hour and more. Noise with a memory of some minutes lies on top, in proportion to the
    demand.

    Args:
        baseline_units: What the on-premises side carries.
        peak_burst_units: Units above it at the top of the first wave, but for the noise.
        hours: How long, from 18:00 on. Default: 6.
        seed: Of the noise; the same seed gives the same night. Default: 0.
    """
    minute = np.arange(round(hours * 60), dtype=np.float64)
    evening = baseline_units * (0.6 + 0.3 * _rises(minute, 75, 30) - 0.25 * _rises(minute, 290, 25))
    gathering = 0.12 * _rises(minute, PREMIERE_MINUTE - 9, 2.5) * _fades(minute, 150, 60)
    first = _wave(minute, PREMIERE_MINUTE + 6, rise_minutes=3, fade_minutes=70)
    second = _wave(minute, SECOND_WAVE_MINUTE + 7, rise_minutes=4, fade_minutes=55)
    shape = gathering + first + 0.45 * second
    top = int(np.argmax(shape))
    height = peak_burst_units + baseline_units - evening[top]
    clean = evening + height * shape / shape[top]
    return Demand(
        name="premiere night (generated)", start=START, units=clean * _noise(len(minute), seed)
    )


def _rises(minute: Floats, middle: float, width: float) -> Floats:
    return 1 / (1 + np.exp(-(minute - middle) / width))


def _fades(minute: Floats, start: float, minutes: float) -> Floats:
    return np.exp(-np.maximum(0.0, minute - start) / minutes)


def _wave(minute: Floats, middle: float, *, rise_minutes: float, fade_minutes: float) -> Floats:
    return _rises(minute, middle, rise_minutes) * _fades(minute, middle + 25, fade_minutes)


def _noise(minutes: int, seed: int) -> Floats:
    shocks = np.random.default_rng(seed).standard_normal(minutes)
    shocks *= _NOISE_SHARE * np.sqrt(1 - _NOISE_MEMORY**2)
    noise = np.empty(minutes)
    level = 0.0
    for index, shock in enumerate(shocks):
        level = _NOISE_MEMORY * level + shock
        noise[index] = level
    return np.exp(noise)
