"""The physics of one fleet with one kind of instance, in ticks of one minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

from peakfleet_sim.demand import Floats
from peakfleet_sim.errors import DemandError
from peakfleet_sim.world.warm_pool import WarmPoolSpec

SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What does not change while demand is replayed.

    Args:
        units_per_instance: Units that one instance serves. Default: 1.
        baseline_units: Units that the on-premises side carries. Default: 0.
        min_instances: Instances that are always kept. Default: 0.
        max_instances: Most instances. Default: 200.
        boot_seconds: From launch to serving, in whole minutes rounded up. Default: 180.
        metric_delay_seconds: How late demand is seen, in whole minutes rounded up. Default: 60.
        unserved_cost: What one unserved unit-minute is worth, in minutes of the capacity that
            would have served it. Default: 10.
        warm_pool: Instances that wait, stopped, to be started quickly. Default: none.
    """

    units_per_instance: float = 1.0
    baseline_units: float = 0.0
    min_instances: int = 0
    max_instances: int = 200
    boot_seconds: float = 180.0
    metric_delay_seconds: float = 60.0
    unserved_cost: float = 10.0
    warm_pool: WarmPoolSpec = field(default_factory=WarmPoolSpec)

    def __post_init__(self) -> None:
        """Refuse a world without a sensible arrow of time or size."""
        for name, least in (
            ("baseline_units", 0.0),
            ("min_instances", 0.0),
            ("max_instances", max(1.0, self.min_instances)),
            ("boot_seconds", 0.0),
            ("metric_delay_seconds", 0.0),
            ("unserved_cost", 0.0),
        ):
            if not (value := float(getattr(self, name))) >= least:
                raise DemandError(f"world: {name} must be at least {least:g}, got {value:g}")
        if not self.units_per_instance > 0:
            raise DemandError(
                f"world: units_per_instance must be above 0, got {self.units_per_instance:g}"
            )

    @property
    def boot_minutes(self) -> int:
        """Minutes that a launch is paid for before it serves."""
        return ceil(self.boot_seconds / SECONDS_PER_MINUTE)

    @property
    def warm_start_minutes(self) -> int:
        """Minutes that a start from the warm pool is paid for before it serves."""
        return ceil(self.warm_pool.start_seconds / SECONDS_PER_MINUTE)

    @property
    def metric_delay_minutes(self) -> int:
        """Minutes at the end that a decision cannot see."""
        return ceil(self.metric_delay_seconds / SECONDS_PER_MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What became of the work of one minute.

    Args:
        burst_units: Work that the baseline could not carry.
        unserved_units: Work that nobody did in time.
        due_units: Work that had to be done by now.
        metrics: What a metric of this minute says, by metric id.
    """

    burst_units: float
    unserved_units: float
    due_units: float
    metrics: dict[str, float]


class Work(Protocol):
    """Demand that meets capacity, one minute after the other.

    Args:
        baseline_units: Units that the on-premises side works with; may change between minutes.
    """

    baseline_units: float

    @property
    def metric_ids(self) -> tuple[str, ...]:
        """What it can be watched by."""
        ...

    def step_units(self, demand_units: float, cloud_units: float) -> Minute:
        """Let *demand_units* meet the baseline and *cloud_units* for one minute."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that a policy may know when it decides, at the end of a minute.

    Args:
        minute: The minute that has just been served.
        now_epoch_seconds: Its end, in seconds since 1970 (UTC).
        metrics: Values per minute up to the newest visible one, by metric id.
        ready: Instances that served, for the same minutes.
        ready_instances: Instances that serve now.
        booting_instances: Instances that boot now.
        waiting_instances: Instances that wait in the warm pool. Default: 0.
        prepared_instances: How many may serve or wait together; None where nothing is reused.
            Default: none.
        boots: When some of them will serve, as a minute, and how many. Default: not known.
    """

    minute: int
    now_epoch_seconds: int
    metrics: dict[str, Floats]
    ready: Floats
    ready_instances: int
    booting_instances: int
    waiting_instances: int = 0
    prepared_instances: int | None = None
    boots: tuple[tuple[int, int], ...] = ()

    @property
    def instances(self) -> int:
        """Instances that are paid for."""
        return self.ready_instances + self.booting_instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy wants, and why.

    Args:
        instances: How many instances; the group keeps them within its bounds.
        explanation: Why, in words.
        warm_instances: How many should wait in a warm pool whose size is planned; None leaves it
            as it is.
        prepared_instances: How many may serve or wait together, where what is let go waits and
            how much is planned; None leaves it as it is.
    """

    instances: int
    explanation: str
    warm_instances: int | None = None
    prepared_instances: int | None = None


class Policy(Protocol):
    """Something that decides how many instances there should be. One object serves one replay."""

    @property
    def name(self) -> str:
        """What it is called in tables and plots."""
        ...

    @property
    def least_instances(self) -> int:
        """Fewest instances it can work with."""
        ...

    def decide(self, seen: Seen) -> Decision:
        """Return how many instances there should be next."""
        ...
