"""The deployed proof: what is published to it, what is seen of it, and the passing of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from peakfleet_cli.account import Account
from peakfleet_cli.operate import DeployedFleet, FleetRecords, find_fleet
from peakfleet_cli.prove.budget import Budget
from peakfleet_cli.prove.names import NAMESPACE
from peakfleet_planner import FleetSpec

STEP_SECONDS: Final = 10
Ringing = Callable[[str], frozenset[str]]
"""Returns the names of the metrics of a fleet for which an alarm rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The passing of time.

    Args:
        now: Returns the present, in epoch seconds.
        sleep: Lets some seconds pass.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance of a pool, as its group has it."""

    instance_id: str
    pool: str
    state: str


@dataclass(slots=True, kw_only=True)
class Site:
    """A proof that is deployed.

    Args:
        account: Where.
        stack: Its name.
        budget: What it may spend.
        clock: Default: real time.
        ringing: Which alarms ring. Default: CloudWatch is asked.
    """

    account: Account
    stack: str
    budget: Budget
    clock: Clock = field(default_factory=Clock)
    ringing: Ringing | None = None
    demand_units: float = 0.0
    _fleet: DeployedFleet | None = None
    _published: float = 0.0

    @property
    def fleet(self) -> DeployedFleet:
        """The fleet, as its schedule has it."""
        if self._fleet is None:
            self._fleet = find_fleet(self.account, f"{self.stack}/Fleet")
        return self._fleet

    @property
    def spec(self) -> FleetSpec:
        """Its specification."""
        return self.fleet.spec

    @property
    def now(self) -> datetime:
        """The present."""
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def client(self, service: str) -> Any:  # noqa: ANN401  each service has its own
        """Return a client of a service."""
        return self.account.client(service)

    def group(self, pool: str) -> dict[str, Any]:
        """Return what Auto Scaling says of a pool's group."""
        name = next(one.group for one in self.spec.pools if one.name == pool)
        found = self.client("autoscaling").describe_auto_scaling_groups(
            AutoScalingGroupNames=[name]
        )
        group: dict[str, Any] = found["AutoScalingGroups"][0]
        return group

    def instances(self) -> list[Instance]:
        """Return the instances of all pools, those that wait or end included."""
        scaling, found = self.client("autoscaling"), []
        for pool in self.spec.pools:
            groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[pool.group])
            listed = [*groups["AutoScalingGroups"][0]["Instances"]]
            if pool.warm:
                listed += scaling.describe_warm_pool(AutoScalingGroupName=pool.group)["Instances"]
            found += [
                Instance(instance_id=one["InstanceId"], pool=pool.name, state=one["LifecycleState"])
                for one in listed
            ]
        return found

    def serving(self, *pools: str) -> list[Instance]:
        """Return the instances in service, of some pools or of all."""
        return [
            one
            for one in self.instances()
            if one.state == "InService" and (not pools or one.pool in pools)
        ]

    @property
    def records(self) -> FleetRecords:
        """What the state table has of the fleet."""
        return FleetRecords(
            account=self.account, table_name=self.fleet.table, fleet=self.fleet.name
        )

    def last_tick(self) -> float | None:
        """When the fleet decided last, in epoch seconds."""
        moment = self.records.overview(now=self.now).last_tick
        return moment.timestamp() if moment else None

    def explained(self) -> str:
        """Return the newest decision that changed something, in words."""
        decision = self.records.decision()
        return decision.plan.explain() if decision else "nothing was decided"

    def publish(self, name: str, *values: float) -> None:
        """Publish values of the proof's own metrics, now."""
        self.client("cloudwatch").put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "Proof", "Value": self.stack}],
                    "Timestamp": self.now,
                    "Value": value,
                }
                for value in values
            ],
        )

    def read(self, name: str, *, statistic: str, minute: float) -> float | None:
        """Return a statistic of one of the proof's metrics for a minute; None if there is none."""
        metric = {
            "Namespace": NAMESPACE,
            "MetricName": name,
            "Dimensions": [{"Name": "Proof", "Value": self.stack}],
        }
        return self.statistic(metric, statistic, since=minute, seconds=60)

    def statistic(
        self,
        metric: Mapping[str, Any],
        statistic: str,
        *,
        since: float,
        seconds: int,
    ) -> float | None:
        """Return a statistic of any metric over one period; None if it has no datapoint."""
        query = {"Metric": metric, "Period": seconds, "Stat": statistic}
        answer = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "q", "MetricStat": query}],
            StartTime=datetime.fromtimestamp(since, UTC),
            EndTime=datetime.fromtimestamp(since + seconds, UTC),
        )
        values = answer["MetricDataResults"][0]["Values"]
        return float(values[0]) if values else None

    def alarms(self) -> frozenset[str]:
        """Return the metrics of the fleet for which an alarm rings."""
        if self.ringing is not None:
            return self.ringing(self.fleet.name)
        pages = (
            self.client("cloudwatch").get_paginator("describe_alarms").paginate(StateValue="ALARM")
        )
        of_fleet = {"Name": "Fleet", "Value": self.fleet.name}
        return frozenset(
            alarm["MetricName"]
            for page in pages
            for alarm in page["MetricAlarms"]
            if of_fleet in alarm.get("Dimensions", ())
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, and go on to report demand and baseline.

        Raises:
            CommandError: What was spent reaches the limit.
        """
        if self.clock.now() - self._published >= 60:  # noqa: PLR2004  a minute
            self.publish("Demand", self.demand_units)
            self.publish("HealthyUnits", 1.0)
            self._published = self.clock.now()
        self.clock.sleep(seconds)
        running = sum("Terminated" not in one.state for one in self.instances())
        self.budget.spend(instances=running, seconds=seconds)

    def wait_until(self, is_so: Callable[[], bool], *, within: float) -> float | None:
        """Return after how many seconds something was so; None if it was not in time."""
        began = self.clock.now()
        while not is_so():
            if self.clock.now() - began > within:
                return None
            self.wait(STEP_SECONDS)
        return self.clock.now() - began

    def ids(self, found: Sequence[Instance]) -> frozenset[str]:
        """Return the ids of instances."""
        return frozenset(one.instance_id for one in found)
