"""The calendar: known peaks such as a premiere, and maintenance of the company's own side."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import ClassVar, Final, Literal

from peakfleet_planner.codec import check_above, check_at_least, check_named, check_within
from peakfleet_planner.spec.metrics import DAY_SECONDS

Repetition = Literal["once", "hourly", "daily", "weekly"]

CORRECTED_SECONDS: Final = (600, 900)
"""A known peak rises for so long; from then on, what has come replaces what was announced, and has
done so after the second time."""
_EVERY_SECONDS: Final = {"hourly": 3600, "daily": DAY_SECONDS, "weekly": 7 * DAY_SECONDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWindow:
    """A time that is known, once or again and again.

    Args:
        name: Unique within the fleet.
        start_epoch_seconds: When it begins, in seconds since 1970 (UTC).
        end_epoch_seconds: When it is over.
        repeats: `hourly`, `daily` and `weekly` repeat it at the same local time, from the first
            time on. Default: once.
        utc_offsets: The local time: from when on, in seconds since 1970, it is how many seconds
            ahead of UTC, oldest first. They are written at synth, for the planner knows no time
            zones; after the last of them, that one stands. Default: UTC.
    """

    what: ClassVar[str] = "window"
    name: str
    start_epoch_seconds: int
    end_epoch_seconds: int
    repeats: Repetition = "once"
    utc_offsets: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a window that could never be."""
        owner = f"{self.what} '{self.name}'"
        check_named(self.what, "name", self.name)
        check_at_least(owner, "start_epoch_seconds", self.start_epoch_seconds, 0)
        lasts = self.end_epoch_seconds - self.start_epoch_seconds
        check_above(owner, "its length in seconds", lasts, 0)
        if self.repeats in _EVERY_SECONDS:
            check_within(owner, "its length in seconds", lasts, 1, _EVERY_SECONDS[self.repeats])
        for _, offset in self.utc_offsets:
            check_within(owner, "utc_offsets", offset, -DAY_SECONDS, DAY_SECONDS)

    def expected_at(self, epoch_seconds: float, *, lead_seconds: float) -> bool:
        """Return whether it is on then, or begins within the lead time.

        Args:
            epoch_seconds: Then.
            lead_seconds: How long before it begins it is prepared for.

        >>> evening = KnownPeakSpec(
        ...     name="news", start_epoch_seconds=72_000, end_epoch_seconds=75_600, units=900,
        ...     repeats="daily",
        ... )
        >>> times = (71_699, 71_700, 75_600)
        >>> [evening.expected_at(3 * 86_400 + time, lead_seconds=300) for time in times]
        [False, True, False]
        """
        ready_at = epoch_seconds + lead_seconds
        if ready_at < self.start_epoch_seconds:
            return False
        lasts = self.end_epoch_seconds - self.start_epoch_seconds + lead_seconds
        if (every := _EVERY_SECONDS.get(self.repeats)) is None:
            return ready_at - self.start_epoch_seconds < lasts
        begun = self._local(ready_at) - self._local(self.start_epoch_seconds)
        return begun % every < lasts

    def seconds_since_start(self, epoch_seconds: float) -> float:
        """Return how long ago it began last; below 0 before its first time."""
        begun = self._local(epoch_seconds) - self._local(self.start_epoch_seconds)
        every = _EVERY_SECONDS.get(self.repeats)
        return begun if every is None or begun < 0 else begun % every

    def _local(self, epoch_seconds: float) -> float:
        """Return the seconds that a local clock would count."""
        index = bisect_right(self.utc_offsets, (epoch_seconds, inf)) - 1
        return epoch_seconds + (self.utc_offsets[max(0, index)][1] if self.utc_offsets else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPeakSpec(CalendarWindow):
    """Demand that is known to come, however quiet it is now.

    Args:
        units: Demand to be ready for, in units, what the baseline carries included.
        uncertainty: By which share of it demand may turn out smaller or larger. Default: 0.
    """

    what: ClassVar[str] = "known peak"
    units: float
    uncertainty: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a peak that could never be."""
        CalendarWindow.__post_init__(self)  # `super()` does not work in a class with slots
        owner = f"known peak '{self.name}'"
        check_above(owner, "units", self.units, 0)
        check_within(owner, "uncertainty", self.uncertainty, 0, 1)

    @property
    def most_units(self) -> float:
        """Units that it may turn out to need at most."""
        return self.units * (1 + self.uncertainty)

    def units_at(self, epoch_seconds: int, *, seen_units: float, quantile: float) -> float:
        """Return the units to be ready for, given what has come of it.

        Before it begins, demand may be anything within the uncertainty, and the quantile of that is
        prepared for. Demand of more than was announced is followed at once, with room for what may
        still come; less is believed after ten minutes, in which demand may still be rising, and
        in full after fifteen. Both within the uncertainty.

        Args:
            epoch_seconds: Now.
            seen_units: The highest demand since it began; 0 for none.
            quantile: How sure to be that demand is no larger.

        >>> evening = KnownPeakSpec(
        ...     name="news", start_epoch_seconds=72_000, end_epoch_seconds=75_600, units=100,
        ...     uncertainty=0.5,
        ... )
        >>> times = (71_900, 72_600, 72_750, 72_900)
        >>> [evening.units_at(time, seen_units=60, quantile=0.8) for time in times]
        [130.0, 130.0, 95.0, 60.0]
        >>> [evening.units_at(time, seen_units=120, quantile=0.8) for time in times]
        [130.0, 150.0, 150.0, 120.0]
        """
        announced = self.units * (1 + self.uncertainty * (2 * quantile - 1))
        since = self.seconds_since_start(epoch_seconds)
        lasts = self.end_epoch_seconds - self.start_epoch_seconds
        if not self.uncertainty or not 0 <= since < lasts:
            return announced
        rises, corrected = CORRECTED_SECONDS
        left = min(1.0, max(0.0, (corrected - since) / (corrected - rises)))
        least = self.units * (1 - self.uncertainty)
        came = min(max(seen_units, least), self.most_units)
        expected = left * announced + (1 - left) * came
        expected = max(expected, seen_units * (1 + left * self.uncertainty))
        return min(expected, self.most_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSpec(CalendarWindow):
    """Work on the company's own side, which carries less meanwhile.

    Args:
        remaining_fraction: Share of the declared units that it still carries. Default: 0.
    """

    what: ClassVar[str] = "maintenance"
    remaining_fraction: float = 0.0

    def __post_init__(self) -> None:
        """Refuse maintenance that could never be."""
        CalendarWindow.__post_init__(self)  # as above
        owner = f"maintenance '{self.name}'"
        check_within(owner, "remaining_fraction", self.remaining_fraction, 0, 1)
