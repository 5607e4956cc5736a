"""What constructs named by intent share: each is made of one `BurstFleet`."""

from __future__ import annotations

from collections.abc import Mapping

import jsii
from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.fleet.burst_fleet import BurstFleet
from peakfleet.fleet.metrics import FleetMetrics


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class IntentFleet(FleetMetrics, Construct):
    """What all constructs on top of one `BurstFleet` hand on from it."""

    _fleet: BurstFleet

    @property
    def fleet(self) -> BurstFleet:
        """The fleet that this construct is made of."""
        return self._fleet

    def metric(
        self, metric_name: str, *, statistic: str = "Maximum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics of the fleet; see `BurstFleet.metric`."""
        return self._fleet.metric(metric_name, statistic=statistic, period=period)

    def metric_desired_capacity(self, pool_name: str) -> cloudwatch.Metric:
        """Instances that a pool is asked to run; see `BurstFleet`."""
        return self._fleet.metric_desired_capacity(pool_name)

    @property
    def user_data(self) -> ec2.UserData:
        """What instances run at boot, in every pool without its own."""
        return self._fleet.user_data

    @property
    def groups(self) -> Mapping[str, autoscaling.AutoScalingGroup]:
        """The Auto Scaling group of each pool, by pool name."""
        return self._fleet.groups

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The fleet's alarms, by name."""
        return self._fleet.alarms

    @property
    def health_alarm(self) -> cloudwatch.CompositeAlarm:
        """The one alarm that rings when any of the fleet's own does."""
        return self._fleet.health_alarm

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """What the instances run as."""
        return self._fleet.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the instances."""
        return self._fleet.connections
