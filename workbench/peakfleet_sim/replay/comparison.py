"""The same demand before several policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from peakfleet_planner import PaceSpec, PoolSpec, ServiceLevelSpec
from peakfleet_sim.demand import Demand
from peakfleet_sim.policies import (
    BacklogGauge,
    Gauge,
    LiveGauge,
    PeakfleetPolicy,
    Policy,
    TargetTracking,
    backlog_spec,
    live_spec,
)
from peakfleet_sim.replay.optimum import backlog_optimum, live_optimum
from peakfleet_sim.replay.replay import Run, replay
from peakfleet_sim.world import BacklogWork, Live, Scenario, Work, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What makes work wait instead of being live.

    Args:
        seconds_per_item: Seconds in which one unit finishes one item.
        deadline_seconds: When an item is late.
    """

    seconds_per_item: float
    deadline_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Demand, physics and kind of work, the same for every policy.

    Args:
        demand: Demand by the minute, in units.
        world: The physics.
        queue: How work waits. Default: it does not, it is live.
    """

    demand: Demand
    world: World
    queue: Queue | None = None

    def optimum(self) -> Run:
        """Return perfect foresight."""
        if self.queue is None:
            return live_optimum(self.demand, self.world)
        return backlog_optimum(
            self.demand,
            self.world,
            seconds_per_item=self.queue.seconds_per_item,
            deadline_seconds=self.queue.deadline_seconds,
        )

    def target_tracking(self, *, target: float = 0.7) -> Run:
        """Return AWS target tracking.

        Args:
            target: Load per instance aimed at; for a queue, the share of the deadline that is
                the acceptable latency. Default: 0.7.
        """
        policy = TargetTracking(gauge=self.gauge, target=target, name=f"target-tracking:{target:g}")
        return self.replay(policy)

    @property
    def gauge(self) -> Gauge:
        """The metric that policies of one group follow."""
        if self.queue is None:
            return LiveGauge(world=self.world)
        return BacklogGauge(
            world=self.world,
            seconds_per_item=self.queue.seconds_per_item,
            deadline_seconds=self.queue.deadline_seconds,
        )

    def peakfleet(
        self, *, service_level: ServiceLevelSpec | None = None, pace: PaceSpec | None = None
    ) -> Run:
        """Return what the production decision does.

        Args:
            service_level: Default: the world's `unserved_cost`, all else as a fleet has it.
            pace: How far one tick may move the fleet. Default: no bound.
        """
        return self.replay(self.peakfleet_policy(service_level=service_level, pace=pace))

    def peakfleet_policy(
        self, *, service_level: ServiceLevelSpec | None = None, pace: PaceSpec | None = None
    ) -> PeakfleetPolicy:
        """Return the production decision, with the arguments of `peakfleet`."""
        if self.queue is None:
            spec = live_spec(self.world, service_level=service_level, pace=pace)
        else:
            spec = backlog_spec(
                self.world,
                seconds_per_item=self.queue.seconds_per_item,
                deadline_seconds=self.queue.deadline_seconds,
                service_level=service_level,
                pace=pace,
            )
        return PeakfleetPolicy(spec=spec)

    def replay(
        self,
        policy: Policy | PeakfleetPolicy,
        *,
        pools: Sequence[PoolSpec] | None = None,
        scenario: Scenario | None = None,
        seed: int = 0,
    ) -> Run:
        """Return what *policy*, a new one, does; the arguments are those of `replay`."""
        return replay(
            self.demand,
            world=self.world,
            work=self.work(),
            policy=policy,
            pools=pools,
            scenario=scenario,
            seed=seed,
        )

    def work(self) -> Work:
        """Return what becomes of demand, untouched."""
        if self.queue is None:
            return Live(baseline_units=self.world.baseline_units)
        return BacklogWork(
            seconds_per_item=self.queue.seconds_per_item,
            deadline_seconds=self.queue.deadline_seconds,
            baseline_units=self.world.baseline_units,
        )
