"""Demand that was recorded before there was a fleet: what its first lesson begins with."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from peakfleet_planner.codec import SpecError, check_at_least
from peakfleet_planner.forecast.minutes import DAY_MINUTES
from peakfleet_planner.spec import MINUTE_SECONDS

MOST_DAYS: Final = 14
_WEEK_MINUTES: Final = 7 * DAY_MINUTES
_MOST_BYTES: Final = 1_000_000
_OWNER: Final = "recorded demand"

Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDemand:
    """Demand by the minute, at least a day of it and at most two weeks.

    Args:
        first_minute: The first minute, since 1970 (UTC).
        values: Units in each minute; for a queue, units that what arrived kept busy.

    Raises:
        SpecError: It is too short or too long, or has values that are no demand.
    """

    first_minute: int
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what nothing can be learned from."""
        days = len(self.values) / DAY_MINUTES
        if not 1 <= days <= MOST_DAYS:
            raise SpecError(f"{_OWNER}: must have 1 to {MOST_DAYS} days, got {days:.4g}")
        check_at_least(_OWNER, "first_minute", self.first_minute, 0)
        for value in self.values:
            if not (isfinite(value) and value >= 0):
                raise SpecError(f"{_OWNER}: values must be at least 0, got {value}")

    @classmethod
    def newest(cls, first_minute: int, values: Sequence[float]) -> RecordedDemand:
        """Return the newest two weeks of a recording, with the digits that forecasts need.

        >>> recorded = RecordedDemand.newest(0, [12.345] * 20 * DAY_MINUTES)
        >>> recorded.first_minute // DAY_MINUTES, len(recorded.values) // DAY_MINUTES
        (6, 14)
        """
        left_out = max(0, len(values) - MOST_DAYS * DAY_MINUTES)
        kept = tuple(float(f"{value:.3g}") for value in values[left_out:])
        return cls(first_minute=first_minute + left_out, values=kept)

    def packed(self) -> str:
        """Return it as text: JSON, compressed, in base64; two weeks are 30 to 50 KB."""
        text = json.dumps([self.first_minute, *self.values], separators=(",", ":"))
        return b64encode(zlib.compress(text.encode(), 9)).decode()

    @classmethod
    def unpacked(cls, text: str) -> RecordedDemand:
        """Return what `packed` made a text of.

        Raises:
            SpecError: The text is none of these.
        """
        try:
            unpack = zlib.decompressobj()
            found = json.loads(unpack.decompress(b64decode(text, validate=True), _MOST_BYTES))
            first_minute, values = int(found[0]), tuple(map(float, found[1:]))
        except (ValueError, TypeError, LookupError, OverflowError, zlib.error) as error:
            raise SpecError(f"{_OWNER}: cannot be unpacked: {error}") from error
        return cls(first_minute=first_minute, values=values)

    def before(self, end_minute: int) -> Points:
        """Return the two weeks before *end_minute*, oldest first, as samples in units.

        What was not recorded any more was as a week before, or, where less than a week is known,
        as a day before.

        Args:
            end_minute: The first minute of which more is known, since 1970.

        >>> day = tuple(float(minute) for minute in range(DAY_MINUTES))
        >>> recorded = RecordedDemand(first_minute=0, values=day)
        >>> recorded.before(3 * DAY_MINUTES + 1)[-1]
        (259200, 0.0)
        """
        count = len(self.values)
        lag = _WEEK_MINUTES if count >= _WEEK_MINUTES else DAY_MINUTES
        first = max(self.first_minute, end_minute - MOST_DAYS * DAY_MINUTES)
        found = []
        for minute in range(first, end_minute):
            at = minute - self.first_minute
            if at >= count:
                at = count - lag + (at - count) % lag
            found.append((minute * MINUTE_SECONDS, self.values[at]))
        return tuple(found)
