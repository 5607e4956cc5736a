"""A small world for the decision: minutes pass, instances boot, demand is served or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from peakfleet.testing.plans import NOW_EPOCH_SECONDS, snapshot_at
from peakfleet_planner import (
    FleetSpec,
    Memory,
    Outage,
    OutageCause,
    Plan,
    SpotPrices,
    decide,
)
from peakfleet_planner.spec import MINUTE_SECONDS

_REMEMBERED: Final = 180  # minutes, the longest history that a fleet reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of a fleet.

    Args:
        demand_units: What was asked for.
        baseline_units: What the own side carried.
        in_service: Instances that served, by pool.
        serving_units: Units of burst that they could serve.
        plan: What was decided at its end.
    """

    demand_units: float
    baseline_units: float
    in_service: Mapping[str, int]
    serving_units: float
    plan: Plan

    @property
    def burst_units(self) -> float:
        """Demand above the baseline."""
        return max(0.0, self.demand_units - self.baseline_units)

    @property
    def unserved_units(self) -> float:
        """Burst that nothing served."""
        return max(0.0, self.burst_units - self.serving_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Minutes that were played, oldest first."""

    minutes: tuple[Minute, ...]

    @property
    def unserved_share(self) -> float:
        """Share of the burst that nothing served; 0 without burst."""
        burst = sum(minute.burst_units for minute in self.minutes)
        return sum(minute.unserved_units for minute in self.minutes) / burst if burst else 0.0

    @property
    def most_instances(self) -> int:
        """The most instances that served at a time."""
        return max(sum(minute.in_service.values()) for minute in self.minutes)

    @property
    def instance_hours(self) -> float:
        """Hours of all instances together."""
        return sum(sum(minute.in_service.values()) for minute in self.minutes) / 60


@dataclass(slots=True, kw_only=True)
class _Pool:
    serving: int
    booting: list[int] = field(default_factory=list)
    """Minutes until each instance serves."""

    def pass_minute(self) -> None:
        left = [minutes - 1 for minutes in self.booting]
        self.serving += sum(minutes <= 0 for minutes in left)
        self.booting = [minutes for minutes in left if minutes > 0]

    def resize(self, desired: int, *, boot_minutes: int) -> None:
        self.booting += [boot_minutes] * (desired - self.serving - len(self.booting))
        while self.serving + len(self.booting) > desired:
            if self.booting:
                self.booting.pop()
            else:
                self.serving -= 1


class FleetWorld:
    """A fleet that decides once a minute, in a world that gives it what it asks for.

    It starts with every pool at its minimum. Instances serve once they have booted. The
    production decision is called each minute, without a memory of what it decided before.

    Args:
        spec: The fleet, as of `fleet_specs`.
        baseline_units: What its own side carries. Default: what the fleet declares.
        refuses: Pools in which AWS has no capacity, and has said so. Default: none.

    Limitations:
        Demand is live: a queue does not fill or drain. No Spot interruption, no warm pool, no
        learned demand; `peakfleet simulate` has all of them.
    """

    def __init__(
        self,
        spec: FleetSpec,
        *,
        baseline_units: float | None = None,
        refuses: Iterable[str] = (),
    ) -> None:
        self._spec = spec
        self._memory = Memory(
            spot_prices=SpotPrices.declared(spec, NOW_EPOCH_SECONDS),
            outages=tuple(
                Outage(
                    cause=OutageCause.NO_CAPACITY,
                    asked_at_epoch_seconds=NOW_EPOCH_SECONDS,
                    pool=name,
                )
                for name in refuses
            ),
        )
        self._reported = bool(spec.baseline.reads)
        declared = spec.baseline.declared_units
        self._baseline = declared if baseline_units is None else baseline_units
        self._demand: list[float] = []
        self._pools = {pool.name: _Pool(serving=pool.min_capacity) for pool in spec.pools}

    def minute(self, demand_units: float) -> Minute:
        """Let a minute of demand pass, and return it with what was decided at its end.

        Raises:
            SpecError: No metric values make a signal ask for that much.
        """
        for pool in self._pools.values():
            pool.pass_minute()
        in_service = {name: pool.serving for name, pool in self._pools.items()}
        self._demand = [*self._demand, demand_units][-_REMEMBERED:]
        plan = decide(
            self._spec,
            snapshot_at(
                self._spec,
                demand_units=self._demand,
                baseline_units=self._baseline if self._reported else None,
                desired={n: pool.serving + len(pool.booting) for n, pool in self._pools.items()},
                in_service=in_service,
                memory=self._memory,
            ),
        )
        for spec in self._spec.pools:
            decided = next((one for one in plan.pools if one.name == spec.name), None)
            if decided:
                boots = ceil(spec.boot_seconds / MINUTE_SECONDS)
                self._pools[spec.name].resize(decided.desired_capacity, boot_minutes=boots)
        return Minute(
            demand_units=demand_units,
            baseline_units=self._baseline,
            in_service=in_service,
            serving_units=sum(
                in_service[pool.name] * pool.units_per_capacity for pool in self._spec.pools
            ),
            plan=plan,
        )

    def play(self, demand_units: Iterable[float]) -> Played:
        """Let minutes of demand pass, one after the other.

        Args:
            demand_units: One number for each minute, as of `peak` or `flash_crowd`.
        """
        return Played(minutes=tuple(self.minute(units) for units in demand_units))
