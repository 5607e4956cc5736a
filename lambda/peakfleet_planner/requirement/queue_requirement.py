"""What to grow to, and what to keep, so that queued work is finished by its deadline.

Work that has time left waits: for the baseline, for what boots, for an instance that is kept busy
for longer instead of several that are started for a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from operator import sub
from typing import Final

from peakfleet_planner.demand import (
    FEW_RISES,
    Queue,
    UsableBaseline,
    critical_fractile,
    required_units,
)
from peakfleet_planner.snapshot import Growth, PoolReading
from peakfleet_planner.spec import FleetSpec

_PACE_SAMPLES: Final = 5
"""Work is expected to go on arriving as it did on average over this many samples."""
CALM_SAMPLES: Final = 10
"""The same where all work that new capacity must finish is known already."""
_BOOTS_AHEAD: Final = 2
"""Where work falls due before new capacity serves, arrivals are expected for so many boots on."""
_PATIENCE_SECONDS: Final = 600
"""Capacity that has taken no work for so long, while items waited, is idle."""
_IDLE_SHARE: Final = 0.5
"""It is idle if no more than this share of it works. So much is kept, and so it stays idle: growth
would begin anew otherwise."""
_PROBE_SHARE: Final = 0.1
"""Of idle capacity so much stays, to see when work is taken again."""
_LEAST_WORTH: Final = 0.1
"""What late work is worth at least, beyond its own minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What works on a queue, now and soon.

    Args:
        baseline_units: On premises.
        serving_units: In the cloud.
        settled_units: Of these, what was not launched only just now. Default: none.
        busy_units: Of these, what is protected because it works on something. Default: none.
        booting: When something will serve, in seconds since 1970, and its units.
        unknown_units: Units that boot, nobody knows since when: they are taken to come one after
            the other until a boot from now. Default: 0.
        boot_seconds: From a launch to serving, in the slowest pool.
    """

    baseline_units: float
    serving_units: float
    settled_units: float = 0.0
    busy_units: float = 0.0
    booting: tuple[tuple[float, float], ...] = ()
    unknown_units: float = 0.0
    boot_seconds: float

    def part(self, share: float) -> Capacity:
        """Return this share of it."""
        return Capacity(
            baseline_units=share * self.baseline_units,
            serving_units=share * self.serving_units,
            settled_units=share * self.settled_units,
            busy_units=share * self.busy_units,
            booting=tuple((at, share * units) for at, units in self.booting),
            unknown_units=share * self.unknown_units,
            boot_seconds=self.boot_seconds,
        )

    @property
    def units(self) -> float:
        """All units that work or will."""
        return self.baseline_units + self.serving_units + self.booting_units

    @property
    def booting_units(self) -> float:
        """All units that boot."""
        return self.unknown_units + sum(units for _, units in self.booting)

    def booted_work(self, now: float, until: float) -> float:
        """Return the unit-seconds that what boots can work from *now* to *until*."""
        known = sum(units * max(0.0, until - max(at, now)) for at, units in self.booting)
        ramp = min(until - now, self.boot_seconds)
        mean = ramp * ramp / (2 * self.boot_seconds) if self.boot_seconds else 0.0
        return known + self.unknown_units * (mean + max(0.0, until - now - ramp))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNeed:
    """Units that the pools should supply for a queue.

    Args:
        grow_units: Less than this must grow.
        keep_units: More than this may be let go.
        idle_units: Of what serves, what takes no work although items wait. Default: none.
    """

    grow_units: float
    keep_units: float
    idle_units: float = 0.0


def capacity_of(
    spec: FleetSpec,
    pools: Sequence[PoolReading],
    baseline: UsableBaseline,
    *,
    growth: Mapping[str, Growth],
    shrinkage: Mapping[str, Growth],
    now: int,
) -> Capacity:
    """Return what works on the fleet's queue, as it was seen.

    Args:
        spec: The fleet.
        pools: The groups as they were seen.
        baseline: What the company's own side carries.
        growth: When each pool was asked for more lately.
        shrinkage: When each pool was asked for less; what is new is taken to go first.
        now: Epoch seconds of the decision.
    """
    seen = {pool.name: pool for pool in pools}
    boot_seconds = max(pool.boot_seconds for pool in spec.pools)
    serving = settled = unknown = busy = 0.0
    booting: list[tuple[float, float]] = []
    for pool in spec.pools:
        if (reading := seen.get(pool.name)) is None:
            continue
        each = pool.units_per_capacity
        serving += reading.in_service_capacity * each
        busy += reading.busy_capacity * each
        since = now - pool.boot_seconds - _PATIENCE_SECONDS
        new, gone = (
            sum(points for at, points in steps.get(pool.name, ()) if at > since)
            for steps in (growth, shrinkage)
        )
        settled += max(0, reading.in_service_capacity - max(0, new - gone)) * each
        left = reading.booting_capacity
        if left is None:
            left = max(0, reading.desired_capacity - reading.in_service_capacity)
        for since, capacity in reading.booting_since:
            part = min(left, capacity)
            left -= part
            booting.append((since + pool.boot_seconds, part * pool.units_per_capacity))
        unknown += left * pool.units_per_capacity
    return Capacity(
        baseline_units=baseline.units,
        serving_units=serving,
        settled_units=settled,
        busy_units=busy,
        booting=tuple(booting),
        unknown_units=unknown,
        boot_seconds=boot_seconds,
    )


def queue_need(
    queue: Queue,
    capacity: Capacity,
    now: int,
    *,
    unserved_cost: float,
    baseline: UsableBaseline,
    foreseen: tuple[float, float] | None = None,
) -> QueueNeed:
    """Return what to grow to, and what to keep, for a queue.

    Growth is what finishes all known work in time from when new capacity serves, after what
    works already has done its part. If work falls due before capacity for it could serve, the
    work that is to come by then is expected as it came lately, with the rise that was exceeded no
    more often than the newsvendor allows (see `demand`). What is wanted for only a moment is not
    started: an instance must be needed for long enough to be worth its boot. Kept is what still
    has to finish known work, and what was needed so recently that a boot would cost more than
    to wait. Growth never goes beyond the items there are, or are foreseen, for a unit works on one
    at a time; long items are counted one by one.

    Args:
        queue: The queue.
        capacity: What works on it.
        now: Epoch seconds of the decision.
        unserved_cost: What a late unit-minute is worth, in minutes of the capacity for it.
        baseline: What the company's own side carries, and carried.
        foreseen: Units that what arrives will keep busy, once new capacity serves and at most
            until what is let go could be back. Default: as it came lately.
    """
    boot = capacity.boot_seconds
    serves = now + boot
    if queue.has_long_items:
        units = min(queue.units_for_long_items(serves), queue.items)
        grow_units = max(0.0, units - capacity.baseline_units)
        return QueueNeed(
            grow_units=grow_units, keep_units=max(grow_units, _lately(queue, baseline, boot))
        )
    gap = serves - queue.ends[-1] - queue.deadline_seconds
    paces = queue.pace_units(_PACE_SAMPLES if gap > 0 else CALM_SAMPLES)
    arriving = recent = paces[-1]
    most_units = queue.items
    if gap > 0 and foreseen:
        arriving, recent = foreseen[0], max(foreseen)
        most_units = max(most_units, arriving)
    elif gap > 0:
        steps = ceil(gap / queue.period_seconds)
        arriving += _rise(paces, steps, unserved_cost=unserved_cost)
        recent = arriving - paces[-1] + max(paces[-ceil(boot / queue.period_seconds) - 1 :])
    worth_seconds = boot / max(_LEAST_WORTH, unserved_cost - 1)
    rest = _rest(queue, capacity, arriving, now=now, until=serves)
    wanted = required_units(
        rest,
        serves,
        deadline_seconds=queue.deadline_seconds,
        least_seconds=max(queue.period_seconds, worth_seconds),
    )
    kept = 0.0
    if gap > 0:
        ahead_seconds = _BOOTS_AHEAD * boot
        until = queue.deadline_seconds + ahead_seconds
        known = sum(work for _, work in rest)
        wanted = max(wanted, (known + arriving * ahead_seconds) / until)
        kept = (known + recent * ahead_seconds) / until
    wanted = min(max(wanted, _at_work(queue, capacity)), most_units)
    grow_units = max(0.0, wanted - capacity.baseline_units)
    return QueueNeed(
        grow_units=grow_units,
        keep_units=max(
            grow_units,
            kept - capacity.baseline_units,
            _unfinished(queue, capacity, arriving, now=now),
            _lately(queue, baseline, boot),
        ),
    )


def _lately(queue: Queue, baseline: UsableBaseline, seconds: float) -> float:
    """Return the most that the pools needed to supply this recently."""
    since = queue.ends[-1] - seconds
    recent = (
        queue.units(sample) - baseline.units_at(end)
        for sample, end in enumerate(queue.ends)
        if end > since
    )
    return max(recent, default=0.0)


def but_for_idle(need: QueueNeed, queue: Queue, capacity: Capacity) -> QueueNeed:
    """Return *need* without growth, if what serves has taken no work although items wait.

    Poison messages, one FIFO message group and broken workers all look like that. More capacity
    would take none either. What is there and idle is let go until half of it works, or a tenth is
    left, if the queue does count what is worked on; if it does not, instances say that they work.
    """
    since = queue.ends[-1] - _PATIENCE_SECONDS
    if queue.ends[0] > since:
        return need
    recent = [index for index, end in enumerate(queue.ends) if end > since]
    settled_units = capacity.settled_units + capacity.baseline_units
    at_work = max(queue.in_flight[index] for index in recent)
    counted = queue.in_flight_seen > since
    if not counted:  # then only instances can say that they work
        at_work = max(at_work, capacity.busy_units)
    waiting = min(queue.waiting[index] for index in recent)
    enough_waits = waiting >= _IDLE_SHARE * settled_units
    some_works = not settled_units or at_work > _IDLE_SHARE * settled_units
    if not enough_waits or some_works:
        return need
    there = capacity.serving_units + capacity.booting_units
    keep_units = need.keep_units
    if counted:
        probe = _PROBE_SHARE * capacity.settled_units
        keep_units = min(keep_units, max(at_work / _IDLE_SHARE, capacity.busy_units, probe))
    return QueueNeed(
        grow_units=min(need.grow_units, there, keep_units),
        keep_units=keep_units,
        idle_units=max(0.0, settled_units - at_work),
    )


def _at_work(queue: Queue, capacity: Capacity) -> float:
    """Return the units that are at work and would be missed if they were let go.

    Items that take longer than a boot each keep theirs. Of shorter ones there must go on to be
    as many as what arrives keeps busy; all above that only finishes sooner what may wait.
    """
    busy = min(queue.in_flight[-1], capacity.units)
    if queue.seconds_per_item > capacity.boot_seconds:
        return busy
    return min(busy, queue.pace_units(CALM_SAMPLES)[-1])


def _unfinished(queue: Queue, capacity: Capacity, arriving: float, *, now: int) -> float:
    """Return the units that finish known work in time, with all that boots."""
    due_work = most = 0.0
    for due, work in _rest(queue, capacity, arriving, now=now, until=now):
        due_work += work
        if due > now:
            missing = due_work - capacity.booted_work(now, due)
            most = max(most, missing / max(due - now, queue.period_seconds))
    kept = max(0.0, most - capacity.baseline_units)
    return kept + capacity.booting_units if due_work else 0.0


def _rest(
    queue: Queue, capacity: Capacity, arriving: float, *, now: int, until: float
) -> list[tuple[float, float]]:
    """Return what will be left, if nothing is started or let go and work goes on arriving."""
    time = float(queue.ends[-1])
    batches = queue.outstanding()
    there = sum(work for _, work in batches)
    able_units = capacity.baseline_units + capacity.serving_units
    done = 0.0
    while time < until:
        step = min(queue.period_seconds, until - time)
        end = time + step
        booted = capacity.booted_work(now, end) - capacity.booted_work(now, max(time, now))
        there += arriving * step
        batches.append((end + queue.deadline_seconds, arriving * step))
        done = min(there, done + able_units * step + (booted if end > now else 0.0))
        time = end
    left = []
    for due, work in batches:
        part = min(done, work)
        done -= part
        if work > part:
            left.append((due, work - part))
    return left


def _rise(paces: Sequence[float], steps: int, *, unserved_cost: float) -> float:
    """Return the rise over so many samples that is worth capacity."""
    rises: list[float] = sorted(map(sub, paces[steps:], paces))
    if len(rises) <= FEW_RISES:
        return max([0.0, *rises])
    return max(0.0, critical_fractile(rises, unserved_cost))
