"""Values by the minute, with the sums that make every mean cheap."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from itertools import accumulate
from typing import Final

HOUR_MINUTES: Final = 60
DAY_MINUTES: Final = 1440


def trailing_means(values: Iterable[float], count: int) -> list[float]:
    """Return the mean of so many values up to each; of the first ones, of what there is.

    >>> trailing_means([2, 4, 6, 8], 2)
    [2.0, 3.0, 5.0, 7.0]
    """
    sums = [0.0, *accumulate(values)]
    return [
        (sums[end] - sums[max(0, end - count)]) / min(end, count) for end in range(1, len(sums))
    ]


class Minutes:
    """One value for each minute, from one minute on without a gap.

    Minutes are counted from 1970 (UTC).

    Args:
        first: The first minute.
        values: One value a minute, none below 0. Default: none yet.
    """

    __slots__ = ("_sums", "first", "values")

    def __init__(self, *, first: int, values: Iterable[float] = ()) -> None:
        self.first = first
        self.values: list[float] = []
        self._sums = [0.0]
        for value in values:
            self.append(value)

    def copy(self) -> Minutes:
        """Return the same minutes; what is appended to either is not in the other."""
        twin = copy(self)
        twin.values, twin._sums = self.values.copy(), self._sums.copy()  # noqa: SLF001  its own class
        return twin

    @property
    def end(self) -> int:
        """The minute after the newest."""
        return self.first + len(self.values)

    def append(self, value: float) -> None:
        """Add the next minute."""
        self.values.append(value)
        self._sums.append(self._sums[-1] + value)

    def mean(self, width: int, end: int) -> float | None:
        """Return the mean of the *width* minutes before *end*, of fewer where none are known.

        >>> minutes = Minutes(first=100, values=[1.0, 2.0, 6.0])
        >>> minutes.mean(2, 103), minutes.mean(9, 102), minutes.mean(2, 100)
        (4.0, 1.5, None)
        """
        stop = end - self.first
        if not 0 < stop < len(self._sums):
            return None
        start = max(0, stop - width)
        rounded = (self._sums[stop] - self._sums[start]) / (stop - start)
        return max(0.0, rounded)  # a difference of sums may end just below

    def peak(self, start: int, end: int) -> float | None:
        """Return the largest value from minute *start* to before *end*; None if one is unknown.

        >>> Minutes(first=100, values=[1.0, 7.0, 6.0]).peak(100, 102)
        7.0
        """
        if start < self.first or end > self.end:
            return None
        return max(self.values[start - self.first : end - self.first])

    def between(self, start: int, end: int) -> Minutes:
        """Return the part from minute *start* to before *end*, as far as it is known."""
        start = min(max(start, self.first), self.end)
        end = max(start, min(end, self.end))
        part = self.values[start - self.first : end - self.first]
        return Minutes(first=start, values=part)
