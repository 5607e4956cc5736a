"""What a queue would have cost, with arrivals foreseen or expected as they came lately."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final

from peakfleet_learner.grading import DECAY_A_MINUTE
from peakfleet_planner import FleetSpec
from peakfleet_planner.demand import SPARE_SHARE, Queue, UsableBaseline
from peakfleet_planner.forecast import MINUTE_SECONDS, Basis, learned_queues, read_seconds
from peakfleet_planner.reasons import BaselineState
from peakfleet_planner.requirement import Capacity, queue_need

Foreseen = tuple[float, float]
_NOTHING: Final = 1e-9


class QueueTrial:
    """A fleet that works off a queue by the rule of a tick. In layers.

    Work in a minute after its deadline costs `unserved_cost`. Several queues count as one with
    the shortest deadline.

    Args:
        spec: The fleet.
        basis: What its models are learned for.
        metric_delay_minutes: How late the counts of the queue are seen.
    """

    def __init__(self, spec: FleetSpec, basis: Basis, *, metric_delay_minutes: int) -> None:
        self._signal = min(learned_queues(spec), key=lambda one: one.drain_within_seconds)
        self._unit, self._most = basis.layer_units, basis.most_layers
        carried = spec.baseline.carried_units
        self._baseline = UsableBaseline(units=carried, state=BaselineState.HEALTHY)
        boot_seconds = max(pool.boot_seconds for pool in spec.pools)
        self._boot_minutes = ceil(boot_seconds / MINUTE_SECONDS)
        self._ready = 0
        self._booting: deque[int] = deque([0] * (self._boot_minutes + 1))
        self._late_minutes = int(self._signal.finish_within_seconds // MINUTE_SECONDS)
        self._work: deque[tuple[int, float]] = deque()
        self._minute = 0
        self._unseen: deque[tuple[tuple[float, float, float], Foreseen | None]] = deque(
            [((0.0, 0.0, 0.0), None)] * metric_delay_minutes
        )
        self._counts: deque[tuple[float, float, float]] = deque(
            maxlen=read_seconds(spec) // MINUTE_SECONDS
        )
        self._delay = metric_delay_minutes
        self.cost = self.missed = 0.0
        self.unserved_cost = basis.unserved_cost

    def step(self, arrived: float, foreseen: Foreseen | None) -> float:
        """Work for a minute, then decide as on seeing it; return what it cost.

        Args:
            arrived: Layers that what came in the minute keeps busy for one.
            foreseen: Layers that what is to come will keep busy, see `queue_need`; None leaves
                that to the reactive rule.
        """
        self._minute += 1
        self._ready += self._booting.popleft()
        booting = sum(self._booting)
        worked = self._serve(arrived * self._unit)
        overdue = self._minute - self._late_minutes
        late = sum(left for came, left in self._work if came == overdue)
        self.missed = late / self._unit
        cost = self._ready + booting + self.unserved_cost * self.missed
        self.cost = self.cost * DECAY_A_MINUTE + cost
        left = sum(left for _, left in self._work)
        self._unseen.append(((arrived * self._unit, left, worked), foreseen))
        seen, told = self._unseen.popleft()
        self._counts.append(seen)
        grow, keep = self._sizes(told)
        self._booting.append(max(0, grow - self._ready - booting))
        if grow <= self._ready + booting:
            self._ready = min(self._ready, keep)
        return cost

    def _serve(self, arrived: float) -> float:
        """Return the units that are busy for a minute, the oldest work first."""
        if arrived > 0:
            self._work.append((self._minute, arrived))
        able = self._baseline.units + self._ready * self._unit
        rest = able
        while self._work and rest > _NOTHING:
            came, left = self._work.popleft()
            rest -= left
            if rest < -_NOTHING:
                self._work.appendleft((came, -rest))
        return able - max(0.0, rest)

    def _sizes(self, foreseen: Foreseen | None) -> tuple[int, int]:
        """Return the layers to grow to, and to keep."""
        now, unit = (self._minute + 1) * MINUTE_SECONDS, self._unit
        need = queue_need(
            self._queue(now - self._delay * MINUTE_SECONDS),
            Capacity(
                baseline_units=self._baseline.units,
                serving_units=self._ready * unit,
                booting=tuple(
                    (now + at * MINUTE_SECONDS, layers * unit)
                    for at, layers in enumerate(self._booting)
                    if layers
                ),
                boot_seconds=self._boot_minutes * MINUTE_SECONDS,
            ),
            now,
            unserved_cost=self.unserved_cost,
            baseline=self._baseline,
            foreseen=(foreseen[0] * unit, foreseen[1] * unit) if foreseen else None,
        )
        grow, keep = (ceil(units / unit - _NOTHING) for units in (need.grow_units, need.keep_units))
        return min(self._most, grow), min(self._most, keep)

    def _queue(self, newest_end: int) -> Queue:
        signal, counts = self._signal, self._counts
        seconds = signal.seconds_per_item
        ends = tuple(newest_end - MINUTE_SECONDS * at for at in reversed(range(len(counts))))
        return Queue(
            deadline_seconds=signal.finish_within_seconds
            - SPARE_SHARE * signal.drain_within_seconds,
            period_seconds=MINUTE_SECONDS,
            ends=ends,
            came=ends,
            arrived=tuple(MINUTE_SECONDS * arrived for arrived, _, _ in counts),
            left=tuple(MINUTE_SECONDS * left for _, left, _ in counts),
            waiting=tuple(
                max(0.0, MINUTE_SECONDS * left / seconds - worked / 2) for _, left, worked in counts
            ),
            in_flight=tuple(worked for _, _, worked in counts),
            seconds_per_item=seconds,
            has_long_items=False,
        )
