"""A cloud with state for replay tests: what was published is what the tick reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peakfleet_local.metrics import Datapoint
from peakfleet_local.world import Machine, World
from peakfleet_planner import (
    FleetSpec,
    Metric,
    MetricSeries,
    PoolReading,
    PoolSpec,
    Snapshot,
    decide,
)


class FakeCloud:
    """Decides with the production `decide` on what it can read, and runs machines."""

    def __init__(self, *specs: FleetSpec) -> None:
        self.world = World(terminate_seconds=0)
        self.specs = specs
        self.points: list[Datapoint] = []
        self.ticks: list[int] = []
        self.answers: dict[str, Mapping[str, Any]] = {}
        self._launched = 0

    def publish(self, datapoints: Sequence[Datapoint]) -> None:
        self.points += datapoints

    def fire_schedules(self, now_epoch_seconds: int) -> Mapping[str, Mapping[str, Any]]:
        self.ticks.append(now_epoch_seconds)
        return {
            spec.fleet: self.answers.get(spec.fleet) or self._tick(spec, now_epoch_seconds)
            for spec in self.specs
        }

    def deliver_events(self) -> None:
        """Nobody waits for events here."""

    def _tick(self, spec: FleetSpec, now: int) -> Mapping[str, Any]:
        plan = decide(
            spec,
            Snapshot(
                now_epoch_seconds=now,
                signals={
                    signal.name: {key: self.series(m) for key, m in signal.metrics.items()}
                    for signal in spec.signals
                },
                pools=tuple(self._reading(pool) for pool in spec.pools),
            ),
        )
        groups = {pool.name: pool for pool in spec.pools}
        for pool in plan.pools:
            self._resize(groups[pool.name], pool.desired_capacity)
        return {**plan.to_json(), "applied": {}}

    def series(self, metric: Metric) -> MetricSeries:
        return MetricSeries(
            points=tuple((p.epoch_seconds, p.value) for p in self.points if p.metric == metric)
        )

    def _reading(self, pool: PoolSpec) -> PoolReading:
        return PoolReading(
            name=pool.name,
            desired_capacity=len(self.world.machines_of(pool.group)),
            in_service_capacity=self.world.in_service(pool.group),
            min_capacity=0,
            max_capacity=pool.max_capacity,
        )

    def _resize(self, pool: PoolSpec, desired: int) -> None:
        running = self.world.machines_of(pool.group)
        for machine in running[desired:]:
            del self.world.machines[machine.instance_id]
        for _ in range(desired - len(running)):
            self._launched += 1
            machine = Machine(
                instance_id=f"i-{self._launched}",
                group=pool.group,
                instance_type="c8g.large",
                zone="a",
                weight=1,
                purchase="on-demand",
                launched_at=self.world.now_epoch_seconds,
                ready_at=self.world.now_epoch_seconds + self.world.boot_seconds_of(pool.group),
            )
            self.world.machines[machine.instance_id] = machine
