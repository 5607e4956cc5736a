"""Several pools that serve the same work, and the record of what they did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from peakfleet_planner import Outage, PoolSpec
from peakfleet_sim.demand import Floats
from peakfleet_sim.replay.comparison import Contest
from peakfleet_sim.replay.replay import Run
from peakfleet_sim.world import SECONDS_PER_MINUTE, Minute, SimulatedGroup, Weather, Work

_MINUTES_PER_HOUR = 60
_DESIRED, _READY, _BILLED = range(3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoolSeries:
    """One pool, minute by minute, in points of capacity.

    Args:
        spec: The pool.
        desired: What it was asked to run, at the end of the minute.
        ready: What served.
        billed: What was paid for.
        history_minutes: Minutes at the start that are not scored.
    """

    spec: PoolSpec
    desired: Floats
    ready: Floats
    billed: Floats
    history_minutes: int

    @property
    def instance_minutes(self) -> float:
        """Paid minutes that are scored, boot included, in points of capacity."""
        return float(self.billed[self.history_minutes :].sum())

    @property
    def usd(self) -> float | None:
        """What they cost; None if the price is unknown."""
        if self.spec.usd_per_capacity_hour is None:
            return None
        return self.instance_minutes / _MINUTES_PER_HOUR * self.spec.usd_per_capacity_hour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetReplay:
    """What a fleet did.

    Args:
        run: All pools together, in instances of the first one.
        pools: Each pool, in ladder order.
        usd: What the scored minutes cost; None if a price is unknown.
        asked: Requests for capacity, by pool.
        reclaimed: Instances that were taken back, by pool.
    """

    run: Run
    pools: tuple[PoolSeries, ...]
    usd: float | None
    asked: Mapping[str, int]
    reclaimed: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class SimulatedFleet:
    """The pools of a fleet in their weather, and the work that they serve together.

    Args:
        contest: Demand, physics and kind of work.
        weather: What goes wrong.
        groups: The pools, in ladder order.
        lost: When no metric is published, by minute.
        usable: The share of the baseline that is left, by minute.
        work: What becomes of demand.
    """

    contest: Contest
    weather: Weather
    groups: tuple[SimulatedGroup, ...]
    lost: NDArray[np.bool_] = field(init=False)
    usable: Floats = field(init=False)
    work: Work = field(init=False)
    _series: dict[str, Floats] = field(init=False)
    _outcomes: list[Minute] = field(init=False, default_factory=list)
    _explanations: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start before the first minute."""
        minutes = self.contest.demand.minutes
        self.lost = self.weather.metrics_lost(minutes)
        self.usable = self.weather.usable_fraction(minutes)
        self.work = self.contest.work()
        self._series = {group.spec.name: np.zeros((3, minutes)) for group in self.groups}

    @property
    def shares(self) -> tuple[float, ...]:
        """How many instances of the first pool one of each pool stands for."""
        each = self.contest.world.units_per_instance
        return tuple(group.spec.units_per_capacity / each for group in self.groups)

    def serve(self, minute: int) -> Minute:
        """Let the work of *minute* meet the baseline that is left and what has booted."""
        cloud_units = 0.0
        for group in self.groups:
            group.instances.begin(minute)
            series = self._series[group.spec.name]
            series[_READY, minute] = group.instances.ready
            series[_BILLED, minute] = group.instances.billed
            cloud_units += group.instances.ready * group.spec.units_per_capacity
        whole = self.contest.world.baseline_units
        self.work.baseline_units = whole * float(self.usable[minute])
        outcome = self.work.step_units(float(self.contest.demand.units[minute]), cloud_units)
        self._outcomes.append(outcome)
        return outcome

    def end_of(self, minute: int) -> int:
        """Return when *minute* ends, in seconds since 1970 (UTC)."""
        return self.contest.demand.start_epoch_seconds + SECONDS_PER_MINUTE * (minute + 1)

    def lose(self, minute: int) -> tuple[Outage, ...]:
        """Lose what the weather takes back at the end of *minute*; return what is then known."""
        now = self.end_of(minute)
        return tuple(outage for group in self.groups for outage in group.lose(minute, now))

    def note(self, minute: int, desired: Mapping[str, int], explanation: str) -> None:
        """Write down what each pool was asked to run at the end of *minute*, and why."""
        for name, capacity in desired.items():
            self._series[name][_DESIRED, minute] = capacity
        self._explanations.append(explanation)

    def result(self, policy: str, *, desired_instances: Floats | None = None) -> FleetReplay:
        """Return what was done.

        Args:
            policy: Who did it.
            desired_instances: What was wanted of all pools together, in instances of the first
                one. Default: the sum of what each was asked to run.
        """
        pools = tuple(
            PoolSeries(
                spec=group.spec,
                desired=self._series[group.spec.name][_DESIRED],
                ready=self._series[group.spec.name][_READY],
                billed=self._series[group.spec.name][_BILLED],
                history_minutes=self.contest.demand.history_minutes,
            )
            for group in self.groups
        )
        demand = self.contest.demand
        if desired_instances is None:
            desired_instances = self._together([pool.desired for pool in pools])
        run = Run(
            policy=policy,
            demand=demand,
            world=self.contest.world,
            desired_instances=desired_instances,
            ready_instances=self._together([pool.ready for pool in pools]),
            billed_instances=self._together([pool.billed for pool in pools]),
            burst_units=np.array([outcome.burst_units for outcome in self._outcomes]),
            unserved_units=np.array([outcome.unserved_units for outcome in self._outcomes]),
            due_units=np.array([outcome.due_units for outcome in self._outcomes]),
            explanations=tuple(self._explanations),
        )
        return FleetReplay(
            run=run,
            pools=pools,
            usd=_sum(pool.usd for pool in pools),
            asked={group.spec.name: group.asked for group in self.groups},
            reclaimed={group.spec.name: group.reclaimed for group in self.groups},
        )

    def _together(self, series: Sequence[Floats]) -> Floats:
        total = np.zeros(self.contest.demand.minutes)
        for share, values in zip(self.shares, series, strict=True):
            total += share * values
        return total


def _sum(dollars: Iterable[float | None]) -> float | None:
    """Return the sum; None if one of them is unknown."""
    total = 0.0
    for usd in dollars:
        if usd is None:
            return None
        total += usd
    return total
