"""Demand to play in a test: units, one number for each minute."""

from __future__ import annotations

from math import cos, pi


def steady(units: float, *, minutes: int = 60) -> list[float]:
    """Return demand that does not move.

    >>> sum(steady(5, minutes=3))
    15.0
    """
    return [float(units)] * minutes


def peak(*, at_least: float, at_most: float, minutes: int = 360) -> list[float]:
    """Return one smooth peak, as of an evening, with half an hour before and after it.

    Args:
        at_least: Units before and after.
        at_most: Units in the middle.
        minutes: Length of the peak itself.

    >>> round(max(peak(at_least=10, at_most=90)))
    90
    """
    height = (at_most - at_least) / 2
    curve = [at_least + height * (1 - cos(2 * pi * m / minutes)) for m in range(minutes)]
    return [*steady(at_least, minutes=30), *curve, *steady(at_least, minutes=30)]


def flash_crowd(*, before: float, after: float, minutes: int = 60) -> list[float]:
    """Return demand that jumps from one minute to the next, half an hour in.

    >>> max(flash_crowd(before=1, after=9)[:30]), min(flash_crowd(before=1, after=9)[30:])
    (1.0, 9.0)
    """
    return [*steady(before, minutes=30), *steady(after, minutes=minutes)]
