"""Run scenarios on a gang: training machines that launch, train and leave as one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from peakfleet_demo.scenarios.instance_agent import GangInstances
from peakfleet_demo.scenarios.measurements import Measurements, Meter
from peakfleet_demo.scenarios.runner import ScenarioRunner, Show
from peakfleet_demo.scenarios.scenario import Scenario
from peakfleet_local import Behaviour
from peakfleet_local.replay import FleetMinute, Minute, Phases, PoolMinute, Work
from peakfleet_planner import FleetSpec, Metric, RateSignal
from peakfleet_planner.gang import GangSpec

MINUTE_SECONDS, STEP_SECONDS = 60, 10
_SAID: Final = ("step", "reason")


@dataclass(slots=True, kw_only=True)
class GangRunner(ScenarioRunner):
    """Runs scenarios on a deployed gang, which begins without machines.

    Args:
        gang: The gang.
    """

    gang: GangSpec

    def phases(self, scenario: Scenario) -> Phases:
        """Return how long a scenario takes: a gang without machines has nothing to settle."""
        return Phases(history_minutes=0, warm_up_minutes=0, scored_minutes=scenario.minutes)

    def _measure(self, scenario: Scenario, show: Show) -> Measurements:
        environment, world, pool = self.environment, self.environment.world, self.gang.pool
        if self.days:
            environment.clear()
            self._empty_bucket()
        world.set_boot_seconds(group=pool.group, seconds=pool.boot_seconds)
        world.set_behaviour(pool.group, Behaviour(answers_drain=False))  # the agents answer
        world.start_at(self._next_day())
        measured, meter = Measurements(spec=environment.spec), Meter(environment)
        ended = len(world.endings)
        with (
            TemporaryDirectory() as home,
            closing(
                GangInstances(gang=self.gang, aws=environment.aws, home=Path(home))
            ) as instances,
        ):
            for index in range(scenario.minutes):
                if fault := scenario.faults.get(index):
                    fault(environment)
                minute = self._minute(scenario.demand_units(index), instances)
                show(minute)
                sample = meter.read(minute)
                measured.samples.append(replace(sample, checkpoint=instances.newest_step))
        measured.endings = world.endings[ended:]
        return measured

    def _minute(self, demand_units: float, instances: GangInstances) -> Minute:
        """Let a minute pass, and the gang decide at its end."""
        aws, world, pool = self.environment.aws, self.environment.world, self.gang.pool
        start = int(world.now_epoch_seconds)
        ready = instances.training * pool.units_per_capacity
        serving = world.in_service(pool.group)
        billed = sum(machine.billed for machine in self.environment.machines(pool.name))
        for _ in range(MINUTE_SECONDS // STEP_SECONDS):
            world.advance(STEP_SECONDS)
            aws.deliver_events()
            instances.tick()
        (answer,) = aws.fire_schedules(start + MINUTE_SECONDS).values()
        work = Work(
            demand_units=demand_units,
            burst_units=demand_units,
            ready_units=ready,
            unserved_units=max(0.0, demand_units - ready),
            due_units=demand_units,
        )
        size = PoolMinute(
            name=pool.name,
            in_service_capacity=serving,
            billed_capacity=billed,
            desired_capacity=int(self.environment.group(pool.name)["DesiredCapacity"]),
        )
        fleet = FleetMinute(
            work=work,
            pools=(size,),
            plan=None,
            error=str(answer.get("errorMessage", "")),
            said=": ".join(str(answer[name]) for name in _SAID if name in answer),
        )
        return Minute(start_epoch_seconds=start, scored=True, fleets={self.gang.fleet: fleet})

    def _empty_bucket(self) -> None:
        s3, bucket = self.environment.aws.client("s3"), self.gang.bucket
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=self.gang.prefix)
        for page in pages:
            for found in page.get("Contents", ()):
                s3.delete_object(Bucket=bucket, Key=found["Key"])


def as_fleet(gang: GangSpec) -> FleetSpec:
    """Return a gang as a fleet of one pool, whose demand is that all its machines train."""
    trains = Metric(
        namespace="PeakFleet", metric_name="GangTraining", dimensions={"Fleet": gang.fleet}
    )
    return FleetSpec(
        fleet=gang.fleet,
        pools=(gang.pool,),
        signals=(RateSignal(name="training", metrics={"m": trains}, expression="m"),),
        state_table=gang.state_table,
    )
