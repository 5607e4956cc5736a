"""The fleets of a replay: which are deployed, and what becomes of their work each minute."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from peakfleet_local.functions import enabled_schedules
from peakfleet_local.metrics import (
    Datapoint,
    backlog_datapoints,
    baseline_datapoints,
    demand_datapoints,
)
from peakfleet_local.server import ACCOUNT
from peakfleet_planner import WAITING, BacklogSignal, FleetSpec
from peakfleet_planner.gang import GangSpec
from peakfleet_planner.spec import sides_of

CLOUD: Final = "cloud"
"""What names the fleet's side among shares of traffic."""


class Outcome(Protocol):
    """What became of one minute's work."""

    @property
    def burst_units(self) -> float:
        """Work that arrived above the baseline."""

    @property
    def unserved_units(self) -> float:
        """Burst that was lost, or work that became late in a queue."""

    @property
    def due_units(self) -> float:
        """Work that had to be done by now."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """What a queue's metrics say, by the metric ids of a backlog signal."""


class Physics(Protocol):
    """The laws of one fleet's work: live work is served or lost, queued work waits."""

    def step_units(self, demand_units: float, cloud_units: float) -> Outcome:
        """Let demand meet the baseline and the cloud's capacity for one minute."""


@dataclass(slots=True, kw_only=True)
class OwnSide:
    """How the company's own side is, and what it says of that; faults change both.

    Args:
        healthy: Share of its units that each site really carries, by name; 1 where none is given.
        told: Share that it reports; None reports nothing. Default: the truth.
    """

    healthy: dict[str, float] = field(default_factory=dict)
    told: dict[str, float | None] = field(default_factory=dict)

    def lost_units(self, spec: FleetSpec) -> float:
        """Return the units that it does not carry."""
        return sum(
            side.carried_units * (1 - self.healthy.get(name, 1.0))
            for name, side in sides_of(spec.baseline).items()
        )

    def told_share(self, site: str) -> float | None:
        """Return the share that a site reports."""
        return self.told.get(site, self.healthy.get(site, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedFleet:
    """A fleet and the demand it will meet.

    Args:
        spec: The fleet, as its schedule sends it.
        demand_units: Mean demand of each minute, from the first minute of the history on.
        physics: What happens to its work; it knows the baseline.
        own_side: How the baseline is. Default: healthy.
        shares: Returns the share of the traffic that each site is sent now, by its name, and
            `CLOUD` what the fleet is; live work that a side is sent beyond what it carries is lost.
            Default: each side is sent what it carries.
    """

    spec: FleetSpec
    demand_units: Sequence[float]
    physics: Physics
    own_side: OwnSide = field(default_factory=OwnSide)
    shares: Callable[[], Mapping[str, float]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What became of one minute's work, in units kept busy for the minute.

    Args:
        demand_units: Work that arrived.
        burst_units: Work that arrived above the baseline.
        ready_units: What the cloud could carry.
        unserved_units: Burst that was lost, or work that became late in a queue.
        due_units: Work that had to be done by now.
        waiting_items: Items waiting afterwards; None without a queue.
    """

    demand_units: float
    burst_units: float
    ready_units: float
    unserved_units: float
    due_units: float
    waiting_items: float | None = None


class FleetWorld:
    """One fleet's work as minutes pass, and what CloudWatch can read of it.

    A minute can be read one minute after it ended, which is how late AWS publishes; where every
    signal has periods below a minute, it can be read when it has ended.

    Args:
        replayed: The fleet and its demand.
    """

    def __init__(self, replayed: ReplayedFleet) -> None:
        self.spec = replayed.spec
        self._demand_units = replayed.demand_units
        self._physics = replayed.physics
        self._own_side = replayed.own_side
        self._shares = replayed.shares
        self._newest: tuple[Datapoint, ...] = ()
        self._readable: tuple[Datapoint, ...] = ()

    def serve(
        self, *, minute: int, epoch_seconds: int, in_service: Mapping[str, int] | None
    ) -> Work:
        """Serve one minute.

        Args:
            minute: Index into the demand.
            epoch_seconds: When it begins.
            in_service: Points of capacity that serve, by pool name. None: as many as it takes,
                for the minutes of the history in which nothing is measured.
        """
        demand = self._demand_units[minute]
        ready = max(0.0, demand - usable_baseline_units(self.spec))
        if in_service is not None:
            ready = sum(in_service[pool.name] * pool.units_per_capacity for pool in self.spec.pools)
        lost = self._own_side.lost_units(self.spec)
        outcome = self._physics.step_units(demand + lost, ready)  # its baseline is a whole one
        unserved = outcome.unserved_units
        if self._shares is not None and in_service is not None:
            unserved = self._lost_by_the_split(demand, ready, self._shares())
        measured = tuple(self._measured(epoch_seconds, demand, outcome.metrics))
        if all(signal.is_fast for signal in self.spec.signals):
            self._readable = measured
        else:
            self._readable, self._newest = self._newest, measured
        return Work(
            demand_units=demand,
            burst_units=outcome.burst_units,
            ready_units=ready,
            unserved_units=unserved,
            due_units=outcome.due_units,
            waiting_items=outcome.metrics.get(WAITING),
        )

    def readable(self) -> tuple[Datapoint, ...]:
        """Return what became readable with the minute that was served last."""
        return self._readable

    def _lost_by_the_split(self, demand: float, ready: float, shares: Mapping[str, float]) -> float:
        """Return what sides are sent beyond what they carry; a step of a weight is no overload."""
        carried = {
            name: side.carried_units * self._own_side.healthy.get(name, 1.0)
            for name, side in sides_of(self.spec.baseline).items()
        }
        step = demand / self.spec.split.most_weight if self.spec.split else 0.0
        lost = (
            demand * shares.get(side, 0.0) - units
            for side, units in {**carried, CLOUD: ready}.items()
        )
        return sum(units for units in lost if units > step)

    def _measured(
        self, epoch_seconds: int, demand_units: float, counts: Mapping[str, float]
    ) -> Iterator[Datapoint]:
        yield from demand_datapoints(self.spec, epoch_seconds, demand_units)
        yield from baseline_datapoints(self.spec, epoch_seconds, self._own_side.told_share)
        yield from backlog_datapoints(self.spec, epoch_seconds, counts)


def backlog_of(spec: FleetSpec) -> BacklogSignal | None:
    """Return the first backlog that the fleet reads; None if its work is live."""
    return next((one for one in spec.signals if isinstance(one, BacklogSignal)), None)


def usable_baseline_units(spec: FleetSpec) -> float:
    """Return what a healthy on-premises side carries.

    >>> from peakfleet_planner import FixedBaseline, Metric, PoolSpec, RateSignal
    >>> signal = RateSignal(
    ...     name="s", metrics={"m": Metric(namespace="N", metric_name="M")}, expression="m"
    ... )
    >>> pool = PoolSpec(name="p", group="g", units_per_capacity=1, max_capacity=1)
    >>> usable_baseline_units(
    ...     FleetSpec(
    ...         fleet="F",
    ...         pools=(pool,),
    ...         signals=(signal,),
    ...         baseline=FixedBaseline(units=400, usable_fraction=0.5),
    ...     )
    ... )
    200.0
    """
    return spec.baseline.carried_units


def deployed_fleets(*, region: str, account: str = ACCOUNT) -> tuple[FleetSpec, ...]:
    """Return every fleet that an enabled schedule sends, by name and once.

    Args:
        region: Where to look.
        account: Whose schedules. Default: the account of the local AWS.

    Raises:
        SpecError: A schedule sends a specification that this version cannot read.
    """
    specs = (FleetSpec.from_json(one["spec"]) for one in _sent(region, account) if "spec" in one)
    by_name = {spec.fleet: spec for spec in specs}  # tick and learner send the same one
    return tuple(by_name[name] for name in sorted(by_name))


def deployed_gangs(*, region: str, account: str = ACCOUNT) -> tuple[GangSpec, ...]:
    """Return every gang that an enabled schedule sends, by name.

    Args:
        region: Where to look.
        account: Whose schedules. Default: the account of the local AWS.

    Raises:
        SpecError: A schedule sends a specification that this version cannot read.
    """
    gangs = (GangSpec.from_json(one["gang"]) for one in _sent(region, account) if "gang" in one)
    return tuple(sorted(gangs, key=lambda gang: gang.fleet))


def _sent(region: str, account: str) -> Iterator[dict[str, Any]]:
    for schedule in enabled_schedules(account=account, region=region):
        yield json.loads(schedule.input_template or "{}")
