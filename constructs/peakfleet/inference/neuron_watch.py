"""What Neuron machines publish: metrics, demand, a safety net and alarms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet._values import known_number
from peakfleet.alarms import Watch, alarms_of
from peakfleet.control_plane import may_publish
from peakfleet.findings import Wildcard, acknowledge_policies
from peakfleet.fleet import FleetMetrics
from peakfleet.inference.neuron_boot import neuron_namespace
from peakfleet.signals import DemandSignal, WhenSilent
from peakfleet_planner import SpecError

_BUSY_PERCENT = 90
_WILDCARDS = (
    Wildcard(
        resource=r"\*",
        actions=("cloudwatch:PutMetricData",),
        reason="AWS knows no resource for it; its namespace is given",
    ),
    Wildcard(
        resource=r".*:autoScalingGroup:\*:autoScalingGroupName/<\w+>",
        actions=("autoscaling:SetInstanceHealth",),
        reason="the star is the group's UUID, which only AWS knows; the name is exact",
    ),
)


def neuron_metric(
    metric_name: str, *, fleet: str, statistic: str, pool: str | None = None
) -> cloudwatch.Metric:
    """Return one of the metrics that Neuron instances publish every minute."""
    of_pool = {"Pool": pool} if pool else {}
    return cloudwatch.Metric(
        namespace=neuron_namespace(fleet),
        metric_name=metric_name,
        dimensions_map={"Fleet": fleet, **of_pool},
        statistic=statistic,
        period=Duration.minutes(1),
    )


class NeuronMetrics(FleetMetrics):
    """What the Neuron machines of a fleet publish, ready for alarms and as demand."""

    def metric_neuron(
        self, metric_name: str, *, statistic: str = "Average", pool_name: str | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics that each Neuron machine publishes every minute.

        Args:
            metric_name: `NeuronCoreUtilization` (percent of all cores), `NeuronCoresBusy`,
                `NeuronCores`, `NeuronErrors`, `NeuronHardwareErrors`, `NeuronLatencyP50` and
                `NeuronLatencyP99` (seconds), `NeuronDeviceMemoryUsed` or `NeuronHostMemoryUsed`
                (bytes).
            statistic: Over the machines. Default: `Average`.
            pool_name: One of the keys of `groups`. Default: all of them.
        """
        return neuron_metric(
            metric_name, fleet=self.fleet_name, statistic=statistic, pool=pool_name
        )

    def busy_cores_signal(
        self,
        *,
        utilization: float = 0.7,
        units_per_core: float = 1,
        when_silent: WhenSilent | None = None,
    ) -> DemandSignal:
        """Return demand as busy NeuronCores, for `fleet.add_signal`.

        It follows requests that cost more than usual, but never asks for more than what runs
        over *utilization*, and sees no load of pools without Neuron: a companion of other
        signals. A fleet with more than one signal learns nothing.

        Args:
            utilization: How busy a core should be, above 0 and at most 1. Default: 0.7.
            units_per_core: Units that one NeuronCore serves. Default: 1.
            when_silent: What missing data means. Default: the last value still stands.

        Raises:
            SpecError: A number is out of range.
        """
        owner = f"{self.fleet_name}: signal 'NeuronCores'"
        for name, value in (("utilization", utilization), ("units_per_core", units_per_core)):
            known_number(owner, name, value)
        if not 0 < utilization <= 1:
            raise SpecError(
                f"{owner}: utilization must be above 0 and at most 1, got {utilization:g}"
            )
        return DemandSignal.metric(
            self.metric_neuron("NeuronCoresBusy", statistic="Sum"),
            name="NeuronCores",
            units_per_value=units_per_core / utilization,
            when_silent=when_silent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyCores:
    """A safety net that adds capacity while the fleet's NeuronCores are busy.

    Every group follows it: one without NeuronCores stands in for those that have run dry.
    """

    fleet: str

    def bind(self, group: autoscaling.AutoScalingGroup) -> None:
        """Give *group* a policy that never scales in."""
        group.scale_to_track_metric(
            "SafetyNet",
            metric=neuron_metric("NeuronCoreUtilization", fleet=self.fleet, statistic="Average"),
            target_value=_BUSY_PERCENT,
            disable_scale_in=True,
        )


def grant_watch(
    scope: Construct,
    role: iam.IRole,
    groups: Iterable[autoscaling.AutoScalingGroup],
    *,
    fleet: str,
) -> None:
    """Let instances publish Neuron metrics, and give themselves up to their group.

    A policy of its own, as it names groups that wait for all that belongs to their role.
    """
    give_up = iam.PolicyStatement(
        actions=["autoscaling:SetInstanceHealth"],
        resources=[group.auto_scaling_group_arn for group in groups],
    )
    policy = iam.Policy(
        scope,
        "NeuronWatch",
        roles=[role],
        statements=[may_publish(neuron_namespace(fleet)).statement, give_up],
    )
    acknowledge_policies(scope, policy, _WILDCARDS)


def define_neuron_alarms(
    scope: Construct, *, fleet: str, topic: sns.ITopic | None
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of what Neuron reports, by name."""
    watches = (
        Watch(
            name="NeuronErrors",
            metric=neuron_metric("NeuronErrors", fleet=fleet, statistic="Sum"),
            minutes=5,
            description=(
                f"Executions on NeuronCores of the fleet {fleet} have failed, timed out or found "
                f"no queue for 5 minutes. Clients see errors. Read the servers' output for the "
                f"Neuron runtime's message; if a new model brought it, go back to the last prefix."
            ),
        ),
        Watch(
            name="FailingChips",
            metric=neuron_metric("NeuronHardwareErrors", fleet=fleet, statistic="Sum"),
            minutes=1,
            description=(
                f"A Neuron chip of the fleet {fleet} has failed, or has errors in its memory that "
                f"could not be corrected. The machine has given itself up and is replaced; look "
                f"here only if this comes back, and tell AWS Support the instance's id, which is "
                f"in the group's activities."
            ),
        ),
    )
    return alarms_of(scope, watches, topic, construct_id="NeuronAlarms")
