"""Moments, and local times brought to UTC across changes of the clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from peakfleet_sim.demand.demand import DemandError
from peakfleet_sim.demand.options import ReadOptions

Microseconds = NDArray[np.int64]
Where = Callable[[int], str]
"""Names a row of the file, by its index: `line 7`."""

SECOND: Final = 1_000_000
_HOUR: Final = 3600 * SECOND
_MOST_CHANGES: Final = 20
_SUMMER_TIME_ZONES: Final = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "Europe/Athens", "America/Halifax", "America/St_Johns",
    "America/Santiago", "America/Havana", "Africa/Cairo", "Asia/Jerusalem", "Asia/Beirut",
    "Australia/Adelaide", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
"""One zone for each rule by which clocks change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of all rows.

    Args:
        utc: Microseconds since 1970.
        note: What was assumed, for people; empty if nothing was.
    """

    utc: Microseconds
    note: str = ""


def localized(times: pl.Series, options: ReadOptions, where: Where, *, whole_days: bool) -> Times:
    """Return naive times as UTC.

    Args:
        times: Times that name no zone.
        options: `timezone`.
        where: Names a row.
        whole_days: Whether they are dates without a time of day.

    Raises:
        DemandError: The zone must be said, or has no such time.
    """
    naive = times.to_physical().to_numpy()
    name = times.name
    if options.timezone is None:
        if whole_days:
            raise DemandError(
                f"column '{name}': days without a time of day begin at another moment in each "
                "zone; say --timezone, as --timezone Europe/Berlin or --timezone UTC"
            )
        _refuse_local(naive, name, where)
        note = "" if "utc" in name.lower() else f"times of '{name}' name no zone and count as UTC"
        return Times(utc=naive, note=note)
    zone = options.timezone
    if zone == "UTC":
        return Times(utc=naive)
    local = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    missing = np.flatnonzero(local.is_null().to_numpy())
    if len(missing):
        row = int(missing[0])
        raise DemandError(
            f"column '{name}', {where(row)}: {times[row]} does not exist in {zone}, where clocks "
            "were put forward then; say another --timezone"
        )
    utc = local.dt.convert_time_zone("UTC").to_physical().to_numpy().copy()
    late = times.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    later = late.dt.convert_time_zone("UTC").to_physical().to_numpy()
    twice = np.flatnonzero(later != utc)
    note = ""
    if len(twice):
        rows = twice[::-1] if _falls(naive) else twice
        seen: Counter[int] = Counter()
        for row in rows.tolist():
            moment = int(naive[row])
            if seen[moment]:
                utc[row] = later[row]
            seen[moment] += 1
        if max(seen.values()) == 1:
            note = (
                "the hour that the clocks repeat is there once and counts as the first of the two"
            )
    return Times(utc=utc, note=note)


def _falls(times: Microseconds) -> bool:
    return bool(np.count_nonzero(np.diff(times) < 0) > len(times) / 2)


def _refuse_local(naive: Microseconds, name: str, where: Where) -> None:
    """Refuse times without a zone in which the clocks change.

    In spring an hour is missing, in autumn an hour is there twice, at a moment at which some zone
    puts its clocks forward or back.
    """
    falls = _falls(naive)
    ordered = naive[::-1] if falls else naive
    if len(ordered) <= 2:  # noqa: PLR2004  a step and its exception need three rows
        return
    steps = np.diff(ordered)
    step = int(np.median(steps))
    for change in (_HOUR, _HOUR // 2):
        forward = np.flatnonzero(steps == step + change)[:_MOST_CHANGES]
        back: NDArray[np.int64] | list[int] = (
            np.flatnonzero(steps == step - change)[:_MOST_CHANGES] if step <= change else []
        )
        for index in [*forward, *back]:
            at = datetime.fromtimestamp(int(ordered[index] + step) / SECOND, UTC)
            zone = _clock_change(at.replace(tzinfo=None), timedelta(microseconds=change))
            if zone is None:
                continue
            row = int(index) + 1
            row = len(naive) - 1 - row if falls else row
            missing = steps[index] > step
            began = at if missing else at - timedelta(microseconds=change)
            raise DemandError(
                f"column '{name}', {where(row)}: the hour from {began:%Y-%m-%d %H:%M} "
                f"{'is missing' if missing else 'is there twice'}, as where "
                f"clocks change: say --timezone {zone} or the zone of the times, or --timezone UTC"
            )


def _clock_change(at: datetime, change: timedelta) -> str | None:
    """Return a zone in which clocks change by *change* at local time *at*; None without one."""
    for name in _SUMMER_TIME_ZONES:
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError):
            continue
        for moment in (at, at - change):
            local = moment.replace(tzinfo=zone)
            early, late = local.utcoffset(), local.replace(fold=1).utcoffset()
            if early is not None and late is not None and abs(early - late) == change:
                return name
    return None


def in_words(microseconds: int) -> str:
    """Return a duration in the largest unit that divides it.

    >>> in_words(90 * SECOND), in_words(3600 * SECOND)
    ('90 s', '1 h')
    """
    seconds = microseconds / SECOND
    units: tuple[tuple[str, int], ...] = (
        ("d", 86_400), ("h", 3600), ("min", 60),
    )  # fmt: skip
    for unit, size in units:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
