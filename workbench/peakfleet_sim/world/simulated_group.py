"""One pool of a simulated fleet: launches are granted as far as its weather allows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from peakfleet_planner import Answer, Launch, Outage, OutageCause, PoolReading, PoolSpec, Refusal
from peakfleet_planner.pools import refused
from peakfleet_sim.world.instances import Instances
from peakfleet_sim.world.scenario import PoolWeather
from peakfleet_sim.world.world import SECONDS_PER_MINUTE

ZONE: Final = "recorded"
"""A recording is of one zone; a pool with weather has no other."""


@dataclass(slots=True, kw_only=True)
class SimulatedGroup:
    """One pool's instances, and the weather above them.

    Args:
        spec: The pool.
        instances: What runs.
        weather: How many could be had, how long they boot.
        random: Draws boot times.
        warm_target: What the warm pool was asked to hold last; None without one.
        asked: Requests for capacity so far.
        reclaimed: Instances that were taken back so far.
    """

    spec: PoolSpec
    instances: Instances
    weather: PoolWeather
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
        """Lose what the weather takes back at the end of *minute*; return what is then known.

        The fleet is told of it as it is by an interruption: the group no longer asks for what is
        gone, and its pool counts as at risk.
        """
        lost = self.running - self.weather.most_at(minute)
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
        """Launch at the end of *minute* as far as the weather allows."""
        self.asked += 1
        could = max(0, self.weather.most_at(minute) - self.running)
        granted = min(launch.capacity, could)
        if self.weather.boot_seconds:
            drawn = self.random.choice(self.weather.boot_seconds)
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
        """Let so many wait from the end of *minute* on; None leaves it as it is."""
        if capacity is not None:
            self.warm_target = capacity
            self.instances.keep_warm(minute, capacity)

    def shrink(self, minute: int, desired: int) -> None:
        """Let go at the end of *minute* what is more than *desired*."""
        if desired < self.running:
            self.instances.resize(minute, desired)
