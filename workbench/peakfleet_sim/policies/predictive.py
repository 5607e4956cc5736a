"""AWS predictive scaling together with target tracking."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Final

from peakfleet_sim.policies.gauge import ROUNDING, Gauge
from peakfleet_sim.policies.target_tracking import TargetTracking
from peakfleet_sim.world import SECONDS_PER_MINUTE, Decision, Seen

MINUTES_PER_HOUR: Final = 60
HOURS_PER_DAY: Final = 24
HOURS_PER_WEEK: Final = 168
HISTORY_HOURS: Final = 14 * HOURS_PER_DAY
REFRESH_HOURS: Final = 6
BUFFER_MINUTES: Final = 5
"""SchedulingBufferTime: an hour's capacity is launched this early."""

_DAY_MEMORY: Final = 0.85
_SAME_WEEKDAY: Final = 4.0
_LEAST_CORRECTION, _MOST_CORRECTION = 0.7, 1.5


@dataclass(slots=True, kw_only=True)
class Predictive:
    """Predictive scaling, which only ever raises, beside target tracking, which does the rest.

    Every 6 hours it forecasts hourly means from up to 14 days; after the first day of history
    the group has at least the forecast load at the target, from 5 minutes before the hour on.
    The larger of both sizes counts.

    AWS does not publish its model. This stand-in takes the mean of the same hour of earlier
    days, newer days and the same weekday counting more, and corrects its level by half of how
    far (in logarithm) it was off over the last day.

    Sources: EC2 Auto Scaling user guide, "Predictive scaling"; botocore,
    `PredictiveScalingConfiguration` (SchedulingBufferTime 300 s, HonorMaxCapacity).

    Args:
        gauge: The metric; its load is what is forecast.
        target: Use of an instance that is aimed at. Default: 0.7.
        name: What it is called. Default: predictive.
    """

    gauge: Gauge
    target: float = 0.7
    name: str = "predictive"
    _tracking: TargetTracking = field(init=False)
    _hours: dict[int, float] = field(init=False, default_factory=dict)
    _sum: float = field(init=False, default=0.0)
    _count: int = field(init=False, default=0)
    _forecast: dict[int, float] = field(init=False, default_factory=dict)
    _refreshed: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        """Start without history."""
        self._tracking = TargetTracking(gauge=self.gauge, target=self.target)

    @property
    def least_instances(self) -> int:
        """One, as target tracking."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the larger of the forecast and what target tracking wants."""
        now = seen.now_epoch_seconds // SECONDS_PER_MINUTE
        self._learn(seen, now)
        tracked = self._tracking.decide(seen)
        hours = {now // MINUTES_PER_HOUR, (now + BUFFER_MINUTES) // MINUTES_PER_HOUR}
        expected = max(self._forecast.get(hour, 0.0) for hour in hours)
        floor = ceil(expected - ROUNDING)
        if floor > tracked.instances:
            return Decision(
                instances=floor, explanation=f"expects a load of {expected:.1f} instances"
            )
        return tracked

    def _learn(self, seen: Seen, now: int) -> None:
        """Take in the newest visible minute, and forecast anew every six hours."""
        if len(seen.ready):
            minute = now - (seen.minute + 1 - len(seen.ready)) - 1
            self._sum += self.gauge.load(seen, target=self.target)
            self._count += 1
            if minute % MINUTES_PER_HOUR == MINUTES_PER_HOUR - 1:
                if self._count == MINUTES_PER_HOUR:
                    self._hours[minute // MINUTES_PER_HOUR] = self._sum / MINUTES_PER_HOUR
                self._sum, self._count = 0.0, 0
        hour = now // MINUTES_PER_HOUR
        due = hour - hour % REFRESH_HOURS
        if due > self._refreshed and due - 1 in self._hours:
            self._refreshed = due
            self._forecast = self._forecasts(due)

    def _forecasts(self, start: int) -> dict[int, float]:
        """Return the load of the hours from *start* until the buffer of the next refresh."""
        first = min(self._hours)
        if start - first < HOURS_PER_DAY:
            return {}
        lately = range(max(first + HOURS_PER_DAY, start - HOURS_PER_DAY), start)
        expected = sum(self._seasonal(hour, hour) for hour in lately) + ROUNDING
        actual = sum(self._hours[hour] for hour in lately) + ROUNDING
        level = min(max(sqrt(actual / expected), _LEAST_CORRECTION), _MOST_CORRECTION)
        hours = range(start, start + REFRESH_HOURS + 1)
        return {hour: level * self._seasonal(hour, start) for hour in hours}

    def _seasonal(self, hour: int, before: int) -> float:
        """Return the mean of the same hour of the days *before* then."""
        weights = loads = 0.0
        for lag in range(HOURS_PER_DAY, HISTORY_HOURS + 3 * HOURS_PER_DAY, HOURS_PER_DAY):
            past = hour - lag
            if past < before - HISTORY_HOURS or past >= before or past not in self._hours:
                continue
            weight = _DAY_MEMORY ** (lag / HOURS_PER_DAY)
            weight *= _SAME_WEEKDAY if lag % HOURS_PER_WEEK == 0 else 1.0
            weights, loads = weights + weight, loads + weight * self._hours[past]
        return loads / weights if weights else 0.0
