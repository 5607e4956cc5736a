"""The physics of one fleet with one kind of instance, in ticks of one minute."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final, Protocol

from peakfleet_planner import PoolSpec, WarmSpec
from peakfleet_sim.demand import DemandError

SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmPoolSpec:
    """How many instances wait, how soon they serve and what waiting costs.

    Args:
        instances: Instances that wait when the pool is full; it is full at the start.
            Default: 0, no warm pool.
        auto: Whether a policy that can plans the size instead, from an empty pool on; others
            have none. Default: false.
        start_seconds: From the start to serving, in whole minutes rounded up. Default: 60.
        cost_fraction: What a waiting instance costs, as share of one that runs: a stopped
            instance costs its volume. Default: 0.03.
        reuse: Whether what is let go waits, as far as there is room: then `instances` may serve
            or wait together. Default: false, it ends, and what was started is booted anew.
    """

    instances: int = 0
    auto: bool = False
    start_seconds: float = 60.0
    cost_fraction: float = 0.03
    reuse: bool = False

    def __post_init__(self) -> None:
        """Refuse a pool that nobody could keep."""
        for name in ("instances", "start_seconds", "cost_fraction"):
            if not (value := float(getattr(self, name))) >= 0:
                raise DemandError(f"warm pool: {name} must be at least 0, got {value:g}")
        if self.auto and self.instances:
            raise DemandError(
                f"warm pool: instances must be 0 where the size is planned, got {self.instances}"
            )

    def spec(self, max_instances: int) -> WarmSpec | None:
        """Return it as a pool of a fleet has it; None without a warm pool.

        Args:
            max_instances: Most instances of the pool, for a warm pool whose size is planned.
        """
        most = max_instances if self.auto else self.instances
        if not most:
            return None
        return WarmSpec(
            min_capacity=0 if self.reuse else self.instances,
            max_capacity=most,
            start_seconds=self.start_seconds,
            cost_fraction=self.cost_fraction,
            reuse=self.reuse,
        )


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
    def metric_delay_minutes(self) -> int:
        """Minutes at the end that a decision cannot see."""
        return ceil(self.metric_delay_seconds / SECONDS_PER_MINUTE)

    @property
    def pool(self) -> PoolSpec:
        """All instances of this world as one pool; its warm pool is set where a policy plans it."""
        return PoolSpec(
            name="Cloud",
            group="cloud",
            units_per_capacity=self.units_per_instance,
            min_capacity=self.min_instances,
            max_capacity=self.max_instances,
            boot_seconds=self.boot_seconds,
            warm=self.warm_pool.spec(self.max_instances) if self.warm_pool.auto else None,
        )


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
