from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_DIGITS: Final = 7


def rounded(values: Sequence[float]) -> tuple[float, ...]:
    """Return the values with as few digits as forecasts need, so that a model stays small."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
