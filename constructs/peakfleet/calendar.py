"""The calendar: times that a user writes with a time zone, as the planner counts them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypedDict

from aws_cdk import Duration

from peakfleet._values import seconds
from peakfleet_planner import SpecError
from peakfleet_planner.spec import DAY_SECONDS, Repetition

_FOLLOWED_DAYS: Final = 3653
"""Ten years: a stack is deployed anew long before."""


class Window(TypedDict):
    """The fields of `peakfleet_planner.spec.CalendarWindow` beside its name."""

    start_epoch_seconds: int
    end_epoch_seconds: int
    repeats: Repetition
    utc_offsets: tuple[tuple[int, int], ...]


def window(
    owner: str,
    *,
    start: datetime,
    duration: Duration,
    repeats: Literal["hourly", "daily", "weekly"] | None,
) -> Window:
    """Return a window as the planner reads it.

    Raises:
        SpecError: The start has no time zone.
    """
    if not isinstance(start, datetime):
        raise SpecError(
            f"{owner}: start must be a datetime, such as datetime(2027, 3, 5, 20, tzinfo=UTC), "
            f"got {start!r}"
        )
    if start.tzinfo is None:
        raise SpecError(
            f"{owner}: start must have a time zone, got {start.isoformat()}; give it "
            f'tzinfo=UTC, or tzinfo=ZoneInfo("Europe/Berlin")'
        )
    begins = int(start.timestamp())
    return {
        "start_epoch_seconds": begins,
        "end_epoch_seconds": begins + seconds(owner, "duration", duration),
        "repeats": repeats or "once",
        "utc_offsets": _utc_offsets(start) if repeats else (),
    }


def _utc_offsets(start: datetime) -> tuple[tuple[int, int], ...]:
    """Return from when on local time is how many seconds ahead of UTC; nothing if it is always.

    Args:
        start: When the first of it is, with the time zone.
    """

    def offset(epoch_seconds: int) -> int:
        ahead = datetime.fromtimestamp(epoch_seconds, start.tzinfo).utcoffset()
        return int(ahead.total_seconds()) if ahead else 0

    first = int(start.timestamp())
    found = [(first, offset(first))]
    for day in range(first, first + _FOLLOWED_DAYS * DAY_SECONDS, DAY_SECONDS):
        if offset(day) != found[-1][1]:
            before, after = found[-1][1], day
            since = day - DAY_SECONDS
            while after - since > 1:
                middle = (since + after) // 2
                since, after = (middle, after) if offset(middle) == before else (since, middle)
            found.append((after, offset(day)))
    return tuple(found) if len(found) > 1 else ()
