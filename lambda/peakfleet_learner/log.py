"""Rows of numbers, one a minute, of which the newest are kept."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_planner.forecast import DAY_MINUTES

Floats = NDArray[np.float64]

KEPT_DAYS: Final = 14
_SPARE_DAYS: Final = 2


class Log:
    """The newest rows of a table that grows.

    Args:
        width: Numbers in a row.
    """

    __slots__ = ("_first", "_rows", "_used")

    def __init__(self, width: int) -> None:
        self._rows = np.zeros((DAY_MINUTES, width))
        self._used = 0
        self._first = 0

    @property
    def end(self) -> int:
        """How many rows were ever added."""
        return self._first + self._used

    def extend(self, rows: Floats) -> None:
        """Add rows."""
        while self._used + len(rows) > len(self._rows):
            self._make_room()
        self._rows[self._used : self._used + len(rows)] = rows
        self._used += len(rows)

    def newest(self, end: int, most: int) -> Floats:
        """Return at most *most* rows before row *end*, as far back as they are kept."""
        stop = end - self._first
        return self._rows[max(0, stop - most) : max(0, stop)]

    def _make_room(self) -> None:
        if self._used < (KEPT_DAYS + _SPARE_DAYS) * DAY_MINUTES:
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
            return
        kept = (KEPT_DAYS + 1) * DAY_MINUTES
        self._first += self._used - kept
        self._rows[:kept] = self._rows[self._used - kept : self._used]
        self._used = kept
