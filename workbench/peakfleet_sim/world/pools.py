"""The pools of a simulated fleet: launches are granted as far as a scenario allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from random import Random
from typing import Final, Self

from peakfleet_planner import Answer, Launch, Outage, OutageCause, PoolReading, PoolSpec, Refusal
from peakfleet_planner.pools import refused
from peakfleet_sim.world.instances import Instances
from peakfleet_sim.world.scenario import PoolScenario, Scenario
from peakfleet_sim.world.world import SECONDS_PER_MINUTE, WarmPoolSpec, World

ZONE: Final = "recorded"
"""A recording is of one zone; a simulated pool has no other."""
ROUNDING: Final = 1e-9
"""Slack that keeps floating point from adding or losing an instance."""


@dataclass(slots=True, kw_only=True)
class SimulatedGroup:
    """One pool's instances, within the limits of a scenario.

    Args:
        spec: The pool.
        instances: What runs.
        scenario: How many can run, how long they boot.
        random: Draws boot times.
        warm_target: What the warm pool was asked to hold last; None without one.
        asked: Requests for capacity so far.
        reclaimed: Instances that were taken back so far.
    """

    spec: PoolSpec
    instances: Instances
    scenario: PoolScenario
    random: Random
    warm_target: int | None = None
    asked: int = 0
    reclaimed: int = 0

    @property
    def running(self) -> int:
        """What serves or boots."""
        return self.instances.ready + self.instances.booting

    def reading(self, minute: int, now_epoch_seconds: int) -> PoolReading:
        """Return the group as a tick would read it at the end of *minute*."""
        boot_seconds = round(self.spec.boot_seconds)
        return PoolReading(
            name=self.spec.name,
            desired_capacity=self.running,
            in_service_capacity=self.instances.ready,
            booting_capacity=self.instances.booting,
            booting_since=tuple(
                (now_epoch_seconds + SECONDS_PER_MINUTE * (serves - minute - 1) - boot_seconds, n)
                for serves, n in self.instances.boots
            ),
            min_capacity=self.spec.min_capacity,
            max_capacity=self.spec.max_capacity,
            warm_capacity=self.instances.waiting,
            warm_target=self.warm_target,
            prepared_capacity=self.instances.warm_instances if self.instances.reuse else None,
            zones={ZONE: self.running},
        )

    def lose(self, minute: int, now_epoch_seconds: int) -> tuple[Outage, ...]:
        """Reclaim what the scenario takes back at the end of *minute*; return what is then known.

        The fleet is told of it as it is by an interruption: the group no longer asks for what is
        gone, and its pool counts as at risk.
        """
        if self.scenario.available is None:
            return ()
        lost = self.running - self.scenario.most_at(minute)
        if lost <= 0:
            return ()
        self.instances.lose(lost)
        self.reclaimed += lost
        risk = Outage(
            cause=OutageCause.AT_RISK,
            asked_at_epoch_seconds=now_epoch_seconds,
            purchase=self.spec.purchase,
            zone=ZONE,
            pool=self.spec.name,
        )
        kinds = self.spec.instance_types or (None,)
        return tuple(replace(risk, instance_type=kind) for kind in kinds)

    def launch(self, minute: int, launch: Launch) -> Answer:
        """Launch at the end of *minute* as far as the scenario allows."""
        self.asked += 1
        could = max(0, self.scenario.most_at(minute) - self.running)
        granted = min(launch.capacity, could)
        if self.scenario.boot_seconds:
            drawn = self.random.choice(self.scenario.boot_seconds)
            self.instances.boot_minutes = -int(-drawn // SECONDS_PER_MINUTE)
        self.instances.resize(minute, self.running + granted)
        if granted == launch.capacity:
            return Answer(capacity=granted)
        return Answer(
            capacity=granted,
            refusals=(
                Refusal(cause=OutageCause.NO_CAPACITY, instance_types=self.spec.instance_types),
            ),
        )

    def grow(self, minute: int, desired: int, now_epoch_seconds: int) -> tuple[Outage, ...]:
        """Launch towards *desired*, from the warm pool first; return what was refused.

        So a group with a warm pool is sized: it is told a desired capacity, and answers later.
        """
        if desired <= self.running:
            return ()
        answer = self.launch(minute, Launch(zone=ZONE, capacity=desired - self.running))
        return tuple(
            outage
            for refusal in answer.refusals
            for outage in refused(
                self.spec,
                zones=(ZONE,),
                zone=ZONE,
                instance_types=refusal.instance_types,
                cause=refusal.cause,
                outages=(),
                now=now_epoch_seconds,
            )
        )

    def keep_warm(self, minute: int, capacity: int | None) -> None:
        """Let so many wait from the end of *minute* on; None leaves it as it is.

        A pool whose specification has no warm pool ignores it: what waits there is of given size.
        """
        if capacity is not None and self.spec.warm is not None:
            self.warm_target = capacity
            self.instances.keep_warm(minute, capacity)

    def shrink(self, minute: int, desired: int) -> None:
        """Terminate at the end of *minute* what is more than *desired*."""
        if desired < self.running:
            self.instances.resize(minute, desired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """The pools of a fleet, in ladder order, counted in instances of the first one.

    Args:
        groups: The pools.
        shares: How many instances of the world's kind one instance of each pool stands for.
    """

    groups: tuple[SimulatedGroup, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(
        cls,
        specs: Sequence[PoolSpec],
        *,
        world: World,
        scenario: Scenario,
        least_instances: int,
        random: Random,
    ) -> Self:
        """Return pools before the first minute.

        A pool has the warm pool of its specification; that of *world* belongs to the first pool,
        if that has none. Every pool starts with its minimum; where that is less than
        *least_instances*, the rest starts on the last pool.

        Args:
            specs: The pools.
            world: The instance that is counted in, and a warm pool.
            scenario: What limits the pools.
            least_instances: Fewest instances at the start, over all pools.
            random: Draws boot times.
        """
        shares = [spec.units_per_capacity / world.units_per_instance for spec in specs]
        first = [spec.min_capacity for spec in specs]
        kept = sum(share * size for share, size in zip(shares, first, strict=True))
        missing = max(0, ceil((least_instances - kept) / shares[-1] - ROUNDING))
        first[-1] = min(first[-1] + missing, specs[-1].max_capacity)
        warm = [world.warm_pool, *[WarmPoolSpec()] * (len(specs) - 1)]
        return cls(
            groups=tuple(
                SimulatedGroup(
                    spec=spec,
                    instances=_instances(spec, given, size),
                    scenario=scenario.pools.get(spec.name, PoolScenario()),
                    random=random,
                )
                for spec, given, size in zip(specs, warm, first, strict=True)
            ),
            shares=tuple(shares),
        )

    def lose(self, minute: int, now_epoch_seconds: int) -> tuple[Outage, ...]:
        """Reclaim what the scenario takes back at the end of *minute*; return what is known."""
        return tuple([out for one in self.groups for out in one.lose(minute, now_epoch_seconds)])

    @property
    def ready(self) -> float:
        """Instances that serve."""
        ready = 0.0
        for share, group in zip(self.shares, self.groups, strict=True):
            ready += share * group.instances.ready
        return ready

    @property
    def running(self) -> float:
        """Instances that serve or boot."""
        running = 0.0
        for share, group in zip(self.shares, self.groups, strict=True):
            running += share * group.running
        return running


def _instances(spec: PoolSpec, given: WarmPoolSpec, size: int) -> Instances:
    """Return the instances of a pool that starts with *size*, and a warm pool: its own or given."""
    own = spec.warm
    instances, reuse = (own.min_capacity, own.reuse) if own else (given.instances, given.reuse)
    return Instances(
        boot_minutes=ceil(spec.boot_seconds / SECONDS_PER_MINUTE),
        min_instances=spec.min_capacity,
        max_instances=spec.max_capacity,
        first_instances=size,
        warm_instances=0 if own and reuse else instances,
        warm_start_minutes=ceil((own or given).start_seconds / SECONDS_PER_MINUTE),
        warm_cost_fraction=(own or given).cost_fraction,
        reuse=reuse,
        least_waiting=own.min_capacity if own else 0,
    )
