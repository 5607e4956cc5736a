"""A deployed fleet and the world under it, as faults may change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from moto.cloudwatch.models import cloudwatch_backends

from peakfleet_local import Behaviour, LocalAws, World
from peakfleet_local.groups import CapacityReservations
from peakfleet_local.metrics import MINUTE_SECONDS, Watch
from peakfleet_local.replay import CLOUD, OwnSide, usable_baseline_units
from peakfleet_local.server import ACCOUNT
from peakfleet_local.world import Machine, Purchase
from peakfleet_planner import (
    FleetSpec,
    PoolSpec,
    RegionShareSpec,
    TrafficSpec,
    WeightedRecordsSpec,
)

CLEARING_SECONDS = 7200
BUSY_SHARE = 0.9
"""A tenth of the workers that demand needs, and one in each pool, is between two jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One deployed fleet and the world under it.

    Args:
        aws: Where it is deployed.
        spec: The fleet.
        zones: The Availability Zones of its groups.
        scaler: Name of the function that sizes it.
        schedule: Name of the schedule that makes it tick.
        reservations: Where capacity is reserved.
        own_side: How the baseline is.
    """

    aws: LocalAws
    spec: FleetSpec
    zones: tuple[str, ...]
    scaler: str
    schedule: str
    reservations: CapacityReservations
    own_side: OwnSide = field(default_factory=OwnSide)

    @classmethod
    def of(
        cls, aws: LocalAws, spec: FleetSpec, *, reservations: CapacityReservations
    ) -> Environment:
        """Return the environment of a deployed fleet."""
        group = _group(aws, spec.pools[0].group)
        scheduler = aws.client("scheduler")
        schedules = [
            scheduler.get_schedule(Name=one["Name"])
            for one in scheduler.list_schedules()["Schedules"]
        ]
        tick = next(one for one in schedules if f'"{spec.fleet}"' in one["Target"]["Input"])
        return cls(
            aws=aws,
            spec=spec,
            zones=tuple(sorted(group["AvailabilityZones"])),
            scaler=tick["Target"]["Arn"].split(":")[6],
            schedule=tick["Name"],
            reservations=reservations,
        )

    @property
    def world(self) -> World:
        """The virtual world."""
        return self.aws.world

    def pool(self, name: str) -> PoolSpec:
        """Return a pool by its name."""
        return next(pool for pool in self.spec.pools if pool.name == name)

    def group(self, pool: str) -> dict[str, Any]:
        """Return what Auto Scaling says of a pool's group."""
        return _group(self.aws, self.pool(pool).group)

    def machines(self, pool: str) -> list[Machine]:
        """Return the machines of a pool, also those that leave."""
        return self.world.machines_of(self.pool(pool).group)

    def serving(self, pool: str) -> list[Machine]:
        """Return the machines of a pool that serve, oldest first."""
        state_of = self.world.state_of
        return [one for one in self.machines(pool) if state_of(one.instance_id) == "InService"]

    def limit(
        self,
        instance_types: Iterable[str],
        *,
        zones: Iterable[str] | None = None,
        purchase: Purchase | None = None,
        instances: int | None = 0,
    ) -> None:
        """Say how many of these types may be had in each zone; by default nothing, everywhere."""
        for instance_type in instance_types:
            for zone in zones or self.zones:
                self.world.limit_capacity(
                    instance_type=instance_type, zone=zone, purchase=purchase, instances=instances
                )

    def all_types(self) -> tuple[str, ...]:
        """Return every instance type of the fleet once."""
        return tuple(dict.fromkeys(t for pool in self.spec.pools for t in pool.instance_types))

    def image_of(self, pool: str) -> str:
        """Return the image that a pool boots now."""
        policy = self.group(pool)["MixedInstancesPolicy"]["LaunchTemplate"]
        used = policy["LaunchTemplateSpecification"]
        versions = self.aws.client("ec2").describe_launch_template_versions(
            LaunchTemplateId=used["LaunchTemplateId"], Versions=[used["Version"]]
        )
        return str(versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"])

    def set_busy(self, demand_units: float) -> None:
        """Make as many workers busy as the demand above the baseline keeps busy."""
        units = sum(
            self.world.in_service(pool.group) * pool.units_per_capacity for pool in self.spec.pools
        )
        burst = max(0.0, demand_units - usable_baseline_units(self.spec))
        share = min(1.0, burst / units) if units else 0.0
        for pool in self.spec.pools:
            serving = len(self.serving(pool.name))
            busy = int(BUSY_SHARE * share * serving)
            self.world.set_busy(pool.group, share=busy / max(1, serving))

    def set_ticking(self, *, ticking: bool) -> None:
        """Stop the fleet's schedule, or let it go on."""
        scheduler = self.aws.client("scheduler")
        known = scheduler.get_schedule(Name=self.schedule)
        kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        scheduler.update_schedule(
            **{name: known[name] for name in kept}, State="ENABLED" if ticking else "DISABLED"
        )

    def report_cpu(self, percent: float) -> None:
        """Publish the CPU of every pool's instances, which safety nets watch."""
        for pool in self.spec.pools:
            self.aws.put_metric(
                namespace="AWS/EC2",
                name="CPUUtilization",
                dimensions={"AutoScalingGroupName": pool.group},
                epoch_seconds=self.world.now_epoch_seconds,
                value=percent,
            )

    def report(self, signal: str, metric: str, value: float) -> None:
        """Publish one more value of a signal's metric, for the newest minute that can be read."""
        read = next(one for one in self.spec.signals if one.name == signal).metrics[metric]
        self.aws.put_metric(
            namespace=read.namespace,
            name=read.metric_name,
            dimensions=read.dimensions,
            epoch_seconds=self.world.now_epoch_seconds - 2 * MINUTE_SECONDS,
            value=value,
        )

    def ringing_alarms(self) -> frozenset[str]:
        """Return the metrics of the fleet whose alarm rings now."""
        now = self.world.now_epoch_seconds
        alarms = cloudwatch_backends[ACCOUNT][self.aws.region].alarms.values()
        watches = [watch for alarm in alarms if (watch := Watch.of_alarm(alarm))]
        return frozenset(
            watch.name
            for watch in watches
            if watch.dimensions == {"Fleet": self.spec.fleet}
            and watch.state(self.aws.metrics, now_epoch_seconds=now, before="OK") == "ALARM"
        )

    def listener_actions(self) -> Sequence[Mapping[str, Any]]:
        """Return the default actions of the fleet's listener; none if it splits no traffic."""
        if self.spec.traffic is None:
            return ()
        found = self.aws.client("elbv2").describe_listeners(
            ListenerArns=[self.spec.traffic.listener_arn]
        )
        actions: list[dict[str, Any]] = found["Listeners"][0]["DefaultActions"]
        return actions

    def deploy_listener(self, *first: Mapping[str, Any]) -> None:
        """Set the fleet's listener as a deployment does: all traffic stays on premises.

        Args:
            first: Actions before that, such as an authentication. Default: none.
        """
        if (traffic := self.spec.traffic) is None:
            return
        weights = {arn: 100 // len(traffic.sides) for arn in traffic.sides.values()}
        weights[traffic.cloud_target_group_arn] = 0
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
        forward = {
            "Type": "forward",
            "Order": len(first) + 1,
            "ForwardConfig": {"TargetGroups": groups},
        }
        self.aws.client("elbv2").modify_listener(
            ListenerArn=traffic.listener_arn, DefaultActions=[*first, forward]
        )

    def shares(self) -> dict[str, float]:
        """Return the share of the traffic that each site gets by its name, and `CLOUD`'s.

        Raises:
            LookupError: Nothing splits the fleet's traffic.
        """
        split, weights = self.spec.split, self._weights()
        if isinstance(split, TrafficSpec):
            sides = {**split.sides, CLOUD: split.cloud_target_group_arn}
        elif split is not None:
            sides = {**split.sides, CLOUD: split.cloud}
        else:
            raise LookupError(f"the fleet {self.spec.fleet} splits no traffic")
        total = max(1, sum(weights[one] for one in sides.values()))
        return {name: weights[one] / total for name, one in sides.items()}

    def records(self, split: WeightedRecordsSpec | RegionShareSpec) -> list[dict[str, Any]]:
        """Return the weighted records of a name."""
        found = self.aws.client("route53").list_resource_record_sets(
            HostedZoneId=split.hosted_zone_id
        )
        return [one for one in found["ResourceRecordSets"] if "SetIdentifier" in one]

    def weigh(
        self, split: WeightedRecordsSpec | RegionShareSpec, weights: Mapping[str, int]
    ) -> None:
        """Set the weights of records, by set identifier."""
        changes = [
            {"Action": "UPSERT", "ResourceRecordSet": {**one, "Weight": weights[name]}}
            for one in self.records(split)
            if (name := one["SetIdentifier"]) in weights
        ]
        self.aws.client("route53").change_resource_record_sets(
            HostedZoneId=split.hosted_zone_id, ChangeBatch={"Changes": changes}
        )

    def lose_targets(self, site: str) -> None:
        """Take every target of a site out of its target group, so that none is healthy."""
        client, arn = self.aws.client("elbv2"), self._targets_of(site)
        found = client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        client.deregister_targets(TargetGroupArn=arn, Targets=[one["Target"] for one in found])

    def bring_targets(self, site: str, *addresses: str, port: int = 8080) -> None:
        """Register targets of a site."""
        targets = [{"Id": one, "Port": port, "AvailabilityZone": "all"} for one in addresses]
        arn = self._targets_of(site)
        self.aws.client("elbv2").register_targets(TargetGroupArn=arn, Targets=targets)

    def _targets_of(self, site: str) -> str:
        if self.spec.traffic is None:
            raise LookupError(f"the fleet {self.spec.fleet} is behind no listener")
        return self.spec.traffic.sides[site]

    def _weights(self) -> dict[str, int]:
        if isinstance(self.spec.split, WeightedRecordsSpec):
            return {one["SetIdentifier"]: one["Weight"] for one in self.records(self.spec.split)}
        forward = next((a for a in self.listener_actions() if a["Type"] == "forward"), None)
        groups = forward["ForwardConfig"]["TargetGroups"] if forward else ()
        return {one["TargetGroupArn"]: int(one["Weight"]) for one in groups}

    def clear(self) -> None:
        """Remove all faults, instances, events, records of the state table, and the future."""
        world, autoscaling = self.world, self.aws.client("autoscaling")
        self.aws.clear_faults()
        self.aws.metrics.forget_future()
        self.own_side.healthy.clear()
        self.own_side.told.clear()
        self.set_ticking(ticking=True)
        self.deploy_listener()
        if (records := self.spec.records) is not None:
            sites = dict.fromkeys(records.sides.values(), records.most_weight // len(records.sides))
            self.weigh(records, {**sites, records.cloud: 0})
        for pool in self.spec.pools:
            world.set_behaviour(pool.group, Behaviour())
            world.set_boot_seconds(group=pool.group, seconds=pool.boot_seconds)
            world.set_busy(pool.group, share=0)
            world.protected.clear()
            autoscaling.resume_processes(AutoScalingGroupName=pool.group)
            autoscaling.set_desired_capacity(AutoScalingGroupName=pool.group, DesiredCapacity=0)
        world.advance(CLEARING_SECONDS)
        left = [one.instance_id for one in world.machines.values() if one.gone_at == inf]
        for machine in left:  # retained instances end only when told to
            autoscaling.terminate_instance_in_auto_scaling_group(
                InstanceId=machine, ShouldDecrementDesiredCapacity=False
            )
        world.advance(CLEARING_SECONDS)
        world.events.clear()
        dynamodb, table = self.aws.client("dynamodb"), self.spec.state_table
        for item in dynamodb.scan(TableName=table)["Items"] if table else ():
            dynamodb.delete_item(
                TableName=table, Key={"fleet": item["fleet"], "item": item["item"]}
            )


def _group(aws: LocalAws, name: str) -> dict[str, Any]:
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    group: dict[str, Any] = found["AutoScalingGroups"][0]
    return group
