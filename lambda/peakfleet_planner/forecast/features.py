"""What a forecast looks at: the last hours, and the same minutes a day, two and a week ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import Final

from peakfleet_planner.forecast.minutes import DAY_MINUTES, Minutes

SEASONS: Final = (DAY_MINUTES, 2 * DAY_MINUTES, 7 * DAY_MINUTES)
"""Lags in minutes at which demand may repeat itself."""
ECHOES: Final = (60, 120, DAY_MINUTES)
"""Lags in minutes at which the very peak that is forecast may repeat itself."""
LAGS: Final = (1, 2, 3, 4, 5, 6, 8, 10)

DIFFERENCES: Final = 6 + len(LAGS) + 2 * len(SEASONS) + len(ECHOES)
ROOTS: Final = 7 + len(LAGS) + 2 * len(SEASONS) + len(ECHOES)
DAYTIMES: Final = 4

_SEASONS_KNOWN_AFTER: Final = tuple(lag for lag in SEASONS for _ in range(2))
_ECHOES_KNOWN_AFTER: Final = (0, 0, DAY_MINUTES)
DIFFERENCES_KNOWN_AFTER: Final = (0,) * 14 + _SEASONS_KNOWN_AFTER + _ECHOES_KNOWN_AFTER
"""Minutes of history before each difference says something."""
ROOTS_KNOWN_AFTER: Final = (0,) * 15 + _SEASONS_KNOWN_AFTER + _ECHOES_KNOWN_AFTER
"""As `DIFFERENCES_KNOWN_AFTER`, for the roots."""
DAYTIMES_KNOWN_AFTER: Final = (2 * DAY_MINUTES,) * DAYTIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of demand.

    Args:
        recent: The last hours, up to the newest minute.
        ago: The minutes around the same time, by lag in minutes.
    """

    recent: Minutes
    ago: Mapping[int, Minutes]


class Present:
    """What all forecasts of one minute share."""

    __slots__ = ("_root_lags", "_roots", "daytime", "level", "minute", "past", "short_differences")

    def __init__(self, past: Past) -> None:
        recent = past.recent
        values, end = recent.values, recent.end
        level = values[-1]
        means = [recent.mean(width, end) or 0.0 for width in (5, 15, 60, 240)]
        lagged = [values[-1 - lag] if len(values) > lag else values[0] for lag in LAGS]
        self.past, self.level, self.minute = past, level, end - 1
        self.short_differences = [
            *(mean - level for mean in means),
            max(values[-15:]) - level,
            max(values[-60:]) - level,
            *(value - level for value in lagged),
        ]
        earlier = (recent.mean(5, end - 5), recent.mean(15, end - 15))
        self._roots = [
            sqrt(level),
            *(sqrt(mean) for mean in means[:3]),
            sqrt(max(values[-1:-16:-3])),
            *(
                _signed_root(mean - (mean if before is None else before))
                for mean, before in zip(means, earlier, strict=False)
            ),
        ]
        self._root_lags = [sqrt(value) for value in lagged]
        angle = (end - 1) % DAY_MINUTES * 2 * pi / DAY_MINUTES
        self.daytime = (sin(angle), cos(angle), sin(2 * angle), cos(2 * angle))

    def features(self, first: int, last: int) -> tuple[list[float], list[float]]:
        """Return differences to the demand now, and square roots of demand.

        Args:
            first: The forecast is of the peak from this many minutes ahead,
            last: to this many, both included.
        """
        level, minute, ago = self.level, self.minute, self.past.ago
        hour_mean = self._roots[3] ** 2
        differences, seasons = list(self.short_differences), []
        width = max(5, last - first + 1)
        for lag in SEASONS:
            future = ago[lag].mean(width, minute - lag + last + 1)
            before = ago[lag].mean(15, minute - lag + 1)
            change = 0.0 if future is None or before is None else future - before
            differences.append(change)
            differences.append(0.0 if future is None else future - level)
            seasons += [
                self._roots[3] if value is None else sqrt(value) for value in (future, before)
            ]
        echoes = []
        for lag in ECHOES:
            known = ago.get(lag, self.past.recent)
            peak = None
            if minute - lag >= known.first:
                peak = known.peak(minute - lag + first, minute - lag + last + 1)
            differences.append(0.0 if peak is None else peak - level)
            echoes.append(sqrt(hour_mean if peak is None else peak))
        return differences, [*self._roots, *self._root_lags, *seasons, *echoes]


def _signed_root(value: float) -> float:
    return sqrt(value) if value >= 0 else -sqrt(-value)
