from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_DIGITS: Final = 7


def rounded(values: Sequence[float]) -> tuple[float, ...]:
    """Return the values with as few digits as forecasts need, so that a model stays small."""
    written = f"%.{_DIGITS}g " * len(values) % tuple(values)
    return tuple(map(float, written.split()))
