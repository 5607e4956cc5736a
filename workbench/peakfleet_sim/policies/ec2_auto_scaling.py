"""The policies of EC2 Auto Scaling: target tracking, step scaling, predictive scaling."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import ceil, floor, sqrt
from typing import Final

from peakfleet_sim.policies.gauge import Gauge
from peakfleet_sim.policies.policy import Decision, Seen
from peakfleet_sim.world import ROUNDING, SECONDS_PER_MINUTE

WARM_UP_MINUTES: Final = 2
"""Minutes after the boot in which an instance still counts as warming up.

AWS falls back to the default cooldown, 5 minutes; a user who cares sets it to what is needed.
"""
OUT_POINTS: Final = 3
"""One-minute points above the target, in a row, that scale out."""
IN_POINTS: Final = 15
"""One-minute points well below the target, in a row, that scale in."""
WELL_BELOW: Final = 0.9
"""Share of the target below which scale-in is considered."""
STEP_OUT_POINTS: Final = 2
DEAD_BAND: Final = 0.2
"""Scale-in is considered this far below the threshold of scale-out."""
FAR: Final = 0.1
"""Beyond either threshold by this much, the large step is taken."""
SMALL_STEP: Final = 0.1
LARGE_STEP: Final = 0.3
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
class WarmUp:
    """How many instances have served for longer than the warm-up."""

    _ready: deque[int] = field(
        init=False, default_factory=lambda: deque(maxlen=WARM_UP_MINUTES + 1)
    )

    def step(self, seen: Seen) -> int:
        """Take in one minute, and return how many instances are warm."""
        self._ready.append(seen.ready_instances)
        return min(self._ready)


@dataclass(slots=True, kw_only=True)
class TargetTracking:
    """Target tracking of EC2 Auto Scaling on a metric per instance.

    Scales out after 3 one-minute points in a row above the target and in after 15 more than
    10 % below it, to the load over the target, rounded up; scale-in is blocked while
    instances boot or warm up. Keeps at least one instance: a metric per instance says
    nothing of an empty group.

    Sources: EC2 Auto Scaling user guide, "Target tracking scaling policies" (rounding, warm-up,
    more than 10 % lower); the alarms it makes, in copilot-cli #4233, containers-roadmap #1208
    and amazon-aurora-labs #3 (3 of 3, 15 of 15).

    With a metric of 10 seconds (`TargetTrackingMetricStat.Period`, since November 2024),
    three points are half a minute: 1 minute out, 3 minutes in. How AWS tunes the
    responsiveness by itself is not published and not modelled.

    Args:
        gauge: The metric.
        target: Use of an instance that is aimed at. Default: 0.7.
        out_points: Minutes in a row above the target that scale out. Default: 3.
        in_points: Minutes in a row well below it that scale in. Default: 15.
        name: What it is called. Default: target-tracking.
    """

    gauge: Gauge
    target: float = 0.7
    out_points: int = OUT_POINTS
    in_points: int = IN_POINTS
    name: str = "target-tracking"
    _above: int = field(init=False, default=0)
    _below: int = field(init=False, default=0)
    _warm_up: WarmUp = field(init=False, default_factory=WarmUp)

    @property
    def least_instances(self) -> int:
        """One: a metric per instance needs an instance."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        warm = self._warm_up.step(seen)
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        ratio = self.gauge.use(seen) / self.target
        self._above = self._above + 1 if ratio > 1 else 0
        self._below = self._below + 1 if ratio < WELL_BELOW else 0
        wanted = max(1, ceil(self.gauge.load(seen, target=self.target) - ROUNDING))
        says = f"use per instance at {ratio:.2f} of its target"
        if self._above >= self.out_points and wanted > seen.instances:
            return Decision(instances=wanted, explanation=says)
        still = warm == seen.ready_instances and not seen.booting_instances
        if self._below >= self.in_points and still and wanted < seen.instances:
            return Decision(instances=wanted, explanation=says)
        return Decision(
            instances=seen.instances, explanation="no alarm in a row, or still warming up"
        )


@dataclass(slots=True, kw_only=True)
class StepScaling:
    """Step scaling of EC2 Auto Scaling, `PercentChangeInCapacity`.

    Above the threshold for 2 minutes it adds 10 % of what is warm, 30 % if it is above by more
    than 10 points; 20 points below it for 15 minutes it removes 10 %, or 30 %. Percentages
    round down, but to at least one instance. It goes on answering while instances boot, but a
    step repeated during the warm-up is one activity. Scale-in is blocked while instances boot
    or warm up. Keeps at least one instance.

    Sources: EC2 Auto Scaling user guide, "Step and simple scaling policies": example steps,
    rounding, warm-up. The periods of the alarms are the user's choice; these are ours.

    Args:
        gauge: The metric.
        threshold: Use of an instance above which it scales out. Default: 0.7.
        name: What it is called. Default: step.
    """

    gauge: Gauge
    threshold: float = 0.7
    name: str = "step"
    _above: int = field(init=False, default=0)
    _below: int = field(init=False, default=0)
    _warm_up: WarmUp = field(init=False, default_factory=WarmUp)

    @property
    def least_instances(self) -> int:
        """One: a metric per instance needs an instance."""
        return 1

    def decide(self, seen: Seen) -> Decision:
        """Return the next size; without a visible minute, the size that is."""
        warm = self._warm_up.step(seen)
        if not len(seen.ready):
            return Decision(instances=seen.instances, explanation="no metric yet")
        use, current = self.gauge.use(seen), seen.instances
        low = self.threshold - DEAD_BAND
        self._above = self._above + 1 if use >= self.threshold else 0
        self._below = self._below + 1 if use <= low else 0
        says = f"use per instance {use:.2f}, threshold {self.threshold:g}"
        if self._above >= STEP_OUT_POINTS:
            grown = warm + _step(warm, large=use >= self.threshold + FAR)
            return Decision(instances=max(current, grown), explanation=says)
        still = warm == seen.ready_instances and not seen.booting_instances
        if self._below >= IN_POINTS and still:
            shrunk = current - _step(current, large=use <= low - FAR)
            return Decision(instances=shrunk, explanation=says)
        return Decision(instances=current, explanation="no alarm, or still warming up")


def _step(instances: int, *, large: bool) -> int:
    return max(1, floor(instances * (LARGE_STEP if large else SMALL_STEP)))


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
