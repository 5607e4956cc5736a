"""A premiere night: generated demand for trying things out without a recording."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from peakfleet_sim.demand.demand import Demand, Floats

START: Final = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
PREMIERE_MINUTE: Final = 135
"""Minutes from the start to the premiere: 20:15."""
SECOND_WAVE_MINUTE: Final = 225
"""Minutes from the start to the second wave, when the next time zone sits down: 21:45."""

JUMP_MINUTE: Final = 295
"""Minutes from the start to the jump that nobody announced: 22:55."""
DAYS_BEFORE: Final = 14
ACTS: Final = {
    "Act one: a premiere, announced 30 % too low": (120, 270),
    "Act two: a jump that nobody announced": (270, 350),
}
"""First minute and end of each act, in minutes from the start."""

_DAY_MINUTES: Final = 1440
_ORDINARY: Final = (0.15, 0.35)
"""Burst of an ordinary evening's show at 20:15, as share of the premiere's, least and most."""
_JUMP: Final = 0.5
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
    shape = _premiere_shape(minute)
    top = int(np.argmax(shape))
    height = peak_burst_units + baseline_units - evening[top]
    clean = evening + height * shape / shape[top]
    return Demand(
        name="premiere night (generated)", start=START, units=clean * _noise(len(minute), seed)
    )


def premiere_with_past(*, baseline_units: float, peak_burst_units: float, seed: int = 0) -> Demand:
    """Return two weeks of evenings, the premiere night and a jump. It is generated, not recorded.

    Every day has a quiet night, a working day at two thirds of the baseline, and an evening with
    a show at 20:15 that needs 15 to 35 % of the premiere's burst; how much is drawn for each day.
    On the last evening, `START`, comes the premiere of `premiere_night`. At 22:55 demand jumps
    within two minutes by half the premiere's burst, stays for half an hour and fades: no evening
    had that before. The demand starts two weeks before `START`; until then it is history.

    Args:
        baseline_units: What the on-premises side carries.
        peak_burst_units: Units above it at the top of the premiere, but for the noise.
        seed: Of the evenings and the noise; the same seed gives the same weeks. Default: 0.
    """
    day = np.arange(_DAY_MINUTES, dtype=np.float64)
    usual = _usual_day(day, baseline_units)
    shape = _premiere_shape(day)
    top = int(np.argmax(shape))
    height = (peak_burst_units + baseline_units - usual[top]) / shape[top]
    shares = np.random.default_rng(seed + 1).uniform(*_ORDINARY, DAYS_BEFORE)
    days = [usual + share * height * shape for share in shares]
    last = usual + height * shape
    last += _JUMP * peak_burst_units * _wave(day, JUMP_MINUTE, rise_minutes=0.5, fade_minutes=20)
    clean = np.concatenate([*days, last[: max(end for _, end in ACTS.values())]])
    return Demand(
        name="premiere night (generated)",
        start=START - timedelta(days=DAYS_BEFORE),
        units=clean * _noise(len(clean), seed),
        history_minutes=DAYS_BEFORE * _DAY_MINUTES,
    )


def _usual_day(minute: Floats, baseline_units: float) -> Floats:
    """Return demand from 18:00 on, for a day, without any show."""
    evening = 0.6 + 0.3 * _rises(minute, 75, 30) - 0.25 * _rises(minute, 290, 25)
    night_and_day = -0.35 * _rises(minute, 420, 40) + 0.3 * _rises(minute, 870, 60)
    return baseline_units * (evening + night_and_day)


def _premiere_shape(minute: Floats) -> Floats:
    gathering = 0.12 * _rises(minute, PREMIERE_MINUTE - 9, 2.5) * _fades(minute, 150, 60)
    first = _wave(minute, PREMIERE_MINUTE + 6, rise_minutes=3, fade_minutes=70)
    second = _wave(minute, SECOND_WAVE_MINUTE + 7, rise_minutes=4, fade_minutes=55)
    return gathering + first + 0.45 * second


def _rises(minute: Floats, middle: float, width: float) -> Floats:
    return 1 / (1 + np.exp(np.clip(-(minute - middle) / width, -500, 500)))


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
