"""Demand by the minute, which forecasts and rules look back on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from peakfleet_learner.log import Floats
from peakfleet_planner.forecast import DAY_MINUTES, MEAN_DAYS

_GROWTH: Final = 4096


class History:
    """Demand by the minute in layers, with its sums, from the first minute on.

    Args:
        first: The first minute, since 1970.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = 0
        self._values = np.zeros(_GROWTH)
        self._sums = np.zeros(_GROWTH + 1)
        self._means = np.zeros(_GROWTH)
        self._highest = np.zeros(_GROWTH)

    @property
    def end(self) -> int:
        """The minute after the newest."""
        return self.first + self.count

    @property
    def values(self) -> Floats:
        """Demand of each minute."""
        return self._values[: self.count]

    @property
    def sums(self) -> Floats:
        """The sum of all before each minute, and of all."""
        return self._sums[: self.count + 1]

    @property
    def means(self) -> Floats:
        """The mean of the days up to each minute."""
        return self._means[: self.count]

    @property
    def highest(self) -> Floats:
        """The highest demand up to each minute."""
        return self._highest[: self.count]

    def extend(self, values: Sequence[float]) -> None:
        """Add the next minutes."""
        start, end = self.count, self.count + len(values)
        while end > len(self._values):
            for name in ("_values", "_means", "_highest", "_sums"):
                rows = getattr(self, name)
                setattr(self, name, np.concatenate([rows, np.zeros(len(self._values))]))
        self._values[start:end] = values
        self._sums[start : end + 1] = list(accumulate(values, initial=self._sums[start]))
        mean, most = self._means[start - 1] if start else 0.0, MEAN_DAYS * DAY_MINUTES
        for at, value in enumerate(values, start):
            mean += (value - mean) / min(at + 1, most)
            self._means[at] = mean
        highest = self._highest[start - 1] if start else 0.0
        self._highest[start:end] = list(accumulate(values, max, initial=highest))[1:]
        self.count = end

    def believed(self, start: int, end: int) -> Floats:
        """Return what a tick takes the newest of minutes for: no less than the one before.

        A fall is believed when a minute later the sample says the same again, see
        `peakfleet_planner.demand.read_samples`.
        """
        values = self._values
        return np.maximum(values[start:end], values[np.maximum(0, np.arange(start, end) - 1)])

    def mean(self, width: int, stops: NDArray[np.int64]) -> Floats:
        """Return the mean of *width* minutes before each of *stops*; nan where none is known."""
        known = stops > 0
        ends = np.where(known, stops, 1)
        starts = np.maximum(0, ends - width)
        sums = self._sums
        found = np.maximum(0.0, (sums[ends] - sums[starts]) / (ends - starts))
        return np.where(known, found, np.nan)

    def peak(self, start: int, count: int, width: int) -> Floats:
        """Return the largest of *width* minutes from *start* on, and from the next minutes on."""
        if not count:
            return np.zeros(0)
        lead = max(0, -start)
        part = self._values[max(0, start) : max(0, start + count + width - 1)]
        padded = np.concatenate([np.zeros(lead), part])[-(count + width - 1) :]
        # Row k of this view, which copies nothing, is the window that begins at k.
        step = padded.itemsize
        windows: Floats = np.ndarray((count, width), padded.dtype, padded, strides=(step, step))
        found: Floats = windows.max(axis=1)
        return found
