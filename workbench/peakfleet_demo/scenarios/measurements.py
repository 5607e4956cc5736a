"""What is measured while a scenario runs, minute by minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from peakfleet_demo.scenarios.environment import Environment
from peakfleet_local.replay import FleetMinute, Minute, PoolMinute
from peakfleet_local.world import Ending
from peakfleet_planner import FleetSpec, PoolPlan, Reason

K = TypeVar("K")
LAUNCHED: Final = "launched"
NOTHING_UNITS: Final = 1e-6
MINUTES_PER_HOUR: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One minute, the tick at its end included.

    Args:
        start_epoch_seconds: When it began.
        fleet: What the replay says of it.
        tries: Instances that were requested, by pool and answer: `launched`, or EC2's error code.
        asks: Requests for capacity by pool.
        calls: API calls by operation.
        launched_at: When instances were launched, in epoch seconds, by pool.
        checkpoint: Step of the newest checkpoint that a whole gang has kept; 0 if none.
        alarms: Metrics of the fleet whose alarm rings.
        actions: Default actions of the listener whose traffic the fleet splits. Default: none.
    """

    start_epoch_seconds: int
    fleet: FleetMinute
    tries: Mapping[tuple[str, str], int]
    asks: Mapping[str, int]
    calls: Mapping[str, int]
    launched_at: Mapping[str, Sequence[float]]
    checkpoint: int = 0
    alarms: frozenset[str] = frozenset()
    actions: Sequence[Mapping[str, Any]] = ()

    @property
    def billed_capacity(self) -> int:
        """What of all pools is paid for."""
        return sum(pool.billed_capacity for pool in self.fleet.pools)


@dataclass(slots=True, kw_only=True)
class Measurements:
    """A scenario, minute by minute, beginning with minute 0.

    Args:
        spec: The fleet.
        samples: The minutes.
        endings: How instances ended.
        missing_units_without_fault: What was missing by minute when the same demand met no fault;
            empty where that was not measured.
    """

    spec: FleetSpec
    samples: list[Sample] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    missing_units_without_fault: Sequence[float] = ()

    @property
    def start_epoch_seconds(self) -> int:
        """When minute 0 began."""
        return self.samples[0].start_epoch_seconds

    @property
    def last_minute(self) -> int:
        """The last minute."""
        return len(self.samples) - 1

    @property
    def missing_units(self) -> list[float]:
        """Units of the burst that nobody served, by minute."""
        return [sample.fleet.work.unserved_units for sample in self.samples]

    @property
    def burst_units(self) -> float:
        """Work above the baseline in all minutes."""
        return sum(sample.fleet.work.burst_units for sample in self.samples)

    def missing_minutes(self, first: int = 0, last: int | None = None) -> int:
        """Return in how many minutes units were missing."""
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
        """Return what a pool was told to run at the end of a minute."""
        return self._pool(pool, minute).desired_capacity

    def in_service(self, minute: int) -> int:
        """Return what of all pools served in a minute."""
        return sum(pool.in_service_capacity for pool in self.samples[minute].fleet.pools)

    def cloud_share(self, minute: int) -> float:
        """Return the share of the traffic that the listener sends to the fleet after a minute.

        Raises:
            LookupError: The fleet splits no traffic.
        """
        traffic = self.spec.traffic
        forward = next(one for one in self.samples[minute].actions if one["Type"] == "forward")
        weights = {
            group["TargetGroupArn"]: int(group["Weight"])
            for group in forward["ForwardConfig"]["TargetGroups"]
        }
        cloud = weights[traffic.cloud_target_group_arn] if traffic else 0
        return cloud / max(1, sum(weights.values()))

    def launched(self, first: int = 0) -> int:
        """Return how many instances were launched from a minute on, in all pools."""
        return sum(
            count
            for sample in self.samples[first:]
            for (_, answer), count in sample.tries.items()
            if answer == LAUNCHED
        )

    def pool_plan(self, pool: str, minute: int) -> PoolPlan:
        """Return what the tick at the end of a minute decided for a pool.

        Raises:
            LookupError: The tick failed.
        """
        plan = self.samples[minute].fleet.plan
        return next(one for one in (plan.pools if plan else ()) if one.name == pool)

    def reasons(self, minute: int) -> frozenset[Reason]:
        """Return every reason of the tick at the end of a minute; none if it failed."""
        plan = self.samples[minute].fleet.plan
        return frozenset((plan.reason, *plan.limits)) if plan else frozenset()

    def refused(self, pool: str, minute: int) -> int:
        """Return how many instances a pool was refused in a minute."""
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


class Meter:
    """Reads what has happened in an environment since it was last read."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._pools = {pool.group: pool.name for pool in environment.spec.pools}
        self._tries, self._asks, self._calls = self._counters()
        self._known: set[str] = set()

    def read(self, minute: Minute) -> Sample:
        """Return one minute."""
        tries, asks, calls = self._counters()
        sample = Sample(
            start_epoch_seconds=minute.start_epoch_seconds,
            fleet=minute.fleets[self._environment.spec.fleet],
            tries=tries - self._tries,
            asks=asks - self._asks,
            calls=calls - self._calls,
            launched_at={name: sorted(self._launched(name)) for name in self._pools.values()},
            alarms=self._environment.ringing_alarms(),
            actions=self._environment.listener_actions(),
        )
        self._tries, self._asks, self._calls = tries, asks, calls
        return sample

    def _launched(self, pool: str) -> Iterator[float]:
        for machine in self._environment.machines(pool):
            if machine.instance_id not in self._known:
                self._known.add(machine.instance_id)
                yield machine.launched_at

    def _counters(self) -> tuple[Counter[tuple[str, str]], Counter[str], Counter[str]]:
        world, pools = self._environment.world, self._pools
        tries: Counter[tuple[str, str]] = Counter()
        for (group, answer), count in world.launch_attempts.items():
            if group in pools:
                tries[pools[group], answer] += count
        asks: Counter[str] = Counter()
        for (group, _), count in world.capacity_requests.items():
            if group in pools:
                asks[pools[group]] += count
        return tries, asks, Counter(world.calls)


def _sum(counts: Iterable[Mapping[K, int]]) -> Counter[K]:
    total: Counter[K] = Counter()
    for one in counts:
        total.update(one)
    return total
