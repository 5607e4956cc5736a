"""What was measured while a scenario ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from peakfleet_local.replay import FleetMinute, PoolMinute
from peakfleet_local.world import Ending
from peakfleet_planner import FleetSpec

K = TypeVar("K")
LAUNCHED = "launched"
NOTHING_UNITS = 1e-6
MINUTES_PER_HOUR = 60
Tries = Mapping[tuple[str, str], int]
"""Instances by pool and answer: `launched`, or EC2's error code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One minute, the tick at its end included.

    Args:
        start_epoch_seconds: When it began.
        fleet: What the replay says of it.
        tries: Instances that were tried in it.
        asks: Requests for capacity by pool.
        calls: API calls by operation.
        launched_at: When instances were launched in it, in epoch seconds, by pool.
        checkpoint: Step of the newest checkpoint that a whole gang has kept. Default: none.
    """

    start_epoch_seconds: int
    fleet: FleetMinute
    tries: Tries
    asks: Mapping[str, int]
    calls: Mapping[str, int]
    launched_at: Mapping[str, Sequence[float]]
    checkpoint: int = 0


@dataclass(slots=True, kw_only=True)
class Record:
    """A scenario, minute by minute, beginning with minute 0.

    Args:
        spec: The fleet.
        samples: The minutes.
        endings: How machines ended.
        calm_missing_units: What was missing by minute when the same demand met no fault. Default:
            not known.
    """

    spec: FleetSpec
    samples: list[Sample] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    calm_missing_units: Sequence[float] = ()

    @property
    def start_epoch_seconds(self) -> int:
        """When minute 0 began."""
        return self.samples[0].start_epoch_seconds

    @property
    def missing_units(self) -> list[float]:
        """Units of the burst that nobody served, by minute."""
        return [sample.fleet.work.unserved_units for sample in self.samples]

    @property
    def burst_units(self) -> float:
        """Work above the baseline in all minutes."""
        return sum(sample.fleet.work.burst_units for sample in self.samples)

    def missing_minutes(self, first: int = 0, last: int | None = None) -> int:
        """Return in how many minutes something was missing."""
        return sum(units > NOTHING_UNITS for units in self.missing_units[first:last])

    @property
    def tries(self) -> Counter[tuple[str, str]]:
        """All tries."""
        return _sum(sample.tries for sample in self.samples)

    @property
    def calls(self) -> Counter[str]:
        """All API calls by operation."""
        return _sum(sample.calls for sample in self.samples)

    def capacity(self, pool: str, minute: int) -> int:
        """Return what of a pool served in a minute."""
        return self._pool(pool, minute).in_service_capacity

    def desired(self, pool: str, minute: int) -> int:
        """Return what a pool was asked to run at the end of a minute."""
        return self._pool(pool, minute).desired_capacity

    def in_service(self, minute: int) -> int:
        """Return what of all pools served in a minute."""
        return sum(pool.in_service_capacity for pool in self.samples[minute].fleet.pools)

    def refused(self, pool: str, minute: int) -> int:
        """Return how many refusals a pool had in a minute."""
        return sum(
            count
            for (name, answer), count in self.samples[minute].tries.items()
            if name == pool and answer != LAUNCHED
        )

    def asks_in_worst_hour(self, pool: str, first: int = 0, last: int | None = None) -> int:
        """Return the most requests that a pool got in an hour of ticks in which it refused."""
        asks = [
            sample.asks.get(pool, 0) if self.refused(pool, minute) else 0
            for minute, sample in enumerate(self.samples)
        ][first:last]
        hours = range(max(1, len(asks) - MINUTES_PER_HOUR + 1))
        return max(sum(asks[hour : hour + MINUTES_PER_HOUR]) for hour in hours)

    def seconds_to_next(self, pool: str) -> float | None:
        """Return how long after a pool's first refusal another one launched; None if never."""
        for minute, sample in enumerate(self.samples):
            if not self.refused(pool, minute):
                continue
            tick = sample.start_epoch_seconds + 60
            launched = [
                at - tick
                for later in self.samples[minute:]
                for name, times in later.launched_at.items()
                for at in times
                if name != pool
            ]
            return max(0.0, min(launched)) if launched else None
        return None

    def _pool(self, pool: str, minute: int) -> PoolMinute:
        return next(one for one in self.samples[minute].fleet.pools if one.name == pool)


def _sum(counts: Iterable[Mapping[K, int]]) -> Counter[K]:
    total: Counter[K] = Counter()
    for one in counts:
        total.update(one)
    return total
