from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.alarms import Watch, alarm_of
from peakfleet.inference.neuron_boot import NEURON_NAMESPACE

_BUSY_PERCENT = 90


def neuron_metric(
    metric_name: str, *, fleet: str, statistic: str, pool: str | None = None
) -> cloudwatch.Metric:
    """Return one of the metrics that Neuron instances publish every minute."""
    of_pool = {"Pool": pool} if pool else {}
    return cloudwatch.Metric(
        namespace=NEURON_NAMESPACE,
        metric_name=metric_name,
        dimensions_map={"Fleet": fleet, **of_pool},
        statistic=statistic,
        period=Duration.minutes(1),
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
    scope: Construct, role: iam.IRole, groups: Iterable[autoscaling.AutoScalingGroup]
) -> None:
    """Let instances publish Neuron metrics, and give themselves up to their group.

    A policy of its own, as it names groups that wait for all that belongs to their role.
    """
    publish = iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],  # PutMetricData knows no resources, only namespaces
        conditions={"StringEquals": {"cloudwatch:namespace": NEURON_NAMESPACE}},
    )
    give_up = iam.PolicyStatement(
        actions=["autoscaling:SetInstanceHealth"],
        resources=[group.auto_scaling_group_arn for group in groups],
    )
    iam.Policy(scope, "NeuronWatch", roles=[role], statements=[publish, give_up])


def define_neuron_alarms(
    scope: Construct, *, fleet: str, topic: sns.ITopic | None
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of what Neuron reports, by name."""
    branch = Construct(scope, "NeuronAlarms")
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
    return {watch.name: alarm_of(branch, watch, topic) for watch in watches}
