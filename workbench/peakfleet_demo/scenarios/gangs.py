"""Scenarios of a gang: no demand that varies, but machines that come, train and go as one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from peakfleet_demo.scenarios.instance_agent import Crew
from peakfleet_demo.scenarios.measurements import Record
from peakfleet_demo.scenarios.runner import DAY_SECONDS, START_EPOCH_SECONDS, Meter, Show, Theatre
from peakfleet_demo.scenarios.scenario import Scenario
from peakfleet_local import Behaviour
from peakfleet_local.replay import FleetMinute, Minute, Phases, PoolMinute, Work
from peakfleet_planner import FleetSpec, Metric, RateSignal
from peakfleet_planner.gang import GangSpec

MINUTE_SECONDS, STEP_SECONDS = 60, 10
_SAID: Final = ("step", "reason")


@dataclass(slots=True, kw_only=True)
class GangTheatre(Theatre):
    """A deployed gang on which scenarios run. It begins without machines.

    Args:
        gang: The gang.
    """

    gang: GangSpec

    def phases(self, scenario: Scenario) -> Phases:
        """Return how long a scenario takes: a gang without machines has nothing to settle."""
        return Phases(history_minutes=0, warm_up_minutes=0, scored_minutes=scenario.minutes)

    def _record(self, scenario: Scenario, show: Show) -> Record:
        stage, world, pool = self.stage, self.stage.world, self.gang.pool
        if self.nights:
            self._clear()
        world.set_boot_seconds(group=pool.group, seconds=pool.boot_seconds)
        world.set_behaviour(pool.group, Behaviour(answers_drain=False))  # the agents answer
        world.start_at(START_EPOCH_SECONDS + self.nights * DAY_SECONDS)
        self.nights += 1
        record, meter = Record(spec=stage.spec), Meter(stage)
        ended = len(world.endings)
        with (
            TemporaryDirectory() as home,
            closing(Crew(gang=self.gang, aws=stage.aws, home=Path(home))) as crew,
        ):
            for index in range(scenario.minutes):
                scenario.script(stage, index)
                minute = self._minute(scenario.demand_units(index), crew)
                show(minute)
                record.samples.append(replace(meter.read(minute), checkpoint=crew.newest_step))
        record.endings = world.endings[ended:]
        return record

    def _minute(self, demand_units: float, crew: Crew) -> Minute:
        """Let a minute pass, and the gang decide at its end."""
        aws, world, pool = self.stage.aws, self.stage.world, self.gang.pool
        start = int(world.now_epoch_seconds)
        ready = crew.training * pool.units_per_capacity
        serving, billed = world.in_service(pool.group), self._billed()
        for _ in range(MINUTE_SECONDS // STEP_SECONDS):
            world.advance(STEP_SECONDS)
            aws.deliver_events()
            crew.tick()
        (answer,) = aws.fire_schedules(start + MINUTE_SECONDS).values()
        return Minute(
            start_epoch_seconds=start,
            scored=True,
            fleets={
                self.gang.fleet: FleetMinute(
                    work=Work(
                        demand_units=demand_units,
                        burst_units=demand_units,
                        ready_units=ready,
                        unserved_units=max(0.0, demand_units - ready),
                        due_units=demand_units,
                    ),
                    pools=(
                        PoolMinute(
                            name=pool.name,
                            in_service_capacity=serving,
                            billed_capacity=billed,
                            desired_capacity=self._desired(),
                        ),
                    ),
                    plan=None,
                    error=str(answer.get("errorMessage", "")),
                    said=": ".join(str(answer[name]) for name in _SAID if name in answer),
                )
            },
        )

    def _billed(self) -> int:
        return sum(one.billed for one in self.stage.machines(self.gang.pool.name))

    def _desired(self) -> int:
        said = self.stage.aws.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[self.gang.pool.group]
        )
        return int(said["AutoScalingGroups"][0]["DesiredCapacity"])

    def _clear(self) -> None:
        """Leave nothing behind, in the bucket neither."""
        self.stage.clear()
        s3, bucket = self.stage.aws.client("s3"), self.gang.bucket
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
