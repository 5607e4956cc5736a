"""Safety net: what still adds capacity while no tick runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aws_cdk import Duration, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs

from peakfleet._values import check_own, known_number, seconds
from peakfleet.runbooks import runbook_page, with_runbook
from peakfleet_planner import SpecError

_CPU_PERCENT = 90.0
_MINUTES_LATE = 3
_ADDED_PERCENT = 10


class _Net(Protocol):
    def bind(self, group: autoscaling.AutoScalingGroup) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyNet:
    """A native scaling policy of every group that only ever adds capacity.

    It needs neither the scaler nor its data, so that a fleet whose ticks have stopped still
    follows demand, up to its maximum. Use `cpu` or `late_messages`.

    Args:
        net: What it watches.
    """

    net: _Net

    @classmethod
    def cpu(cls, *, percent: float = _CPU_PERCENT) -> SafetyNet:
        """Add capacity when the average CPU of a group is above *percent*.

        Not for workers that are meant to use all of their processors: they would grow to their
        maximum.

        Args:
            percent: Above 0, at most 100. Default: 90.

        Raises:
            SpecError: The percentage is out of range.
        """
        known_number("safety net", "percent", percent)
        if not 0 < percent <= 100:  # noqa: PLR2004  percent
            raise SpecError(f"safety net: percent must be above 0 and at most 100, got {percent:g}")
        return cls(net=_Cpu(percent=percent))

    @classmethod
    def late_messages(cls, queue: sqs.IQueue, *, older_than: Duration) -> SafetyNet:
        """Add a tenth, at least one point, while the oldest message is late.

        Args:
            queue: What the workers work off.
            older_than: A message that waits longer is late.

        Limitations:
            The queue must be of the fleet's account and region: an alarm on another account's
            queue needs roles in both, and cannot be relied on.
        """
        late_seconds = seconds("safety net", "older_than", older_than)
        return cls(net=_LateMessages(queue=queue, late_seconds=late_seconds))

    @property
    def reads_cpu(self) -> bool:
        """Whether it watches what EC2 publishes of instances."""
        return isinstance(self.net, _Cpu)

    def bind(self, groups: Mapping[str, autoscaling.AutoScalingGroup]) -> None:
        """Give every group its policy."""
        for group in groups.values():
            self.net.bind(group)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cpu:
    percent: float

    def bind(self, group: autoscaling.AutoScalingGroup) -> None:
        group.scale_on_cpu_utilization(
            "SafetyNet", target_utilization_percent=self.percent, disable_scale_in=True
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LateMessages:
    queue: sqs.IQueue
    late_seconds: int

    def bind(self, group: autoscaling.AutoScalingGroup) -> None:
        check_own("safety net", self.queue, Stack.of(group), otherwise="use SafetyNet.cpu()")
        # The CDK's own step scaling wants two steps and prints a warning of its own making.
        policy = autoscaling.CfnScalingPolicy(
            group,
            "SafetyNet",
            auto_scaling_group_name=group.auto_scaling_group_name,
            policy_type="StepScaling",
            adjustment_type="PercentChangeInCapacity",
            min_adjustment_magnitude=1,
            metric_aggregation_type="Maximum",
            step_adjustments=[
                autoscaling.CfnScalingPolicy.StepAdjustmentProperty(
                    metric_interval_lower_bound=0, scaling_adjustment=_ADDED_PERCENT
                )
            ],
        )
        cloudwatch.CfnAlarm(
            group,
            "LateMessages",
            alarm_description=with_runbook(
                runbook_page(group),
                "LateMessages",
                "Messages wait longer than they may. The group grows by itself; look at the "
                "fleet's other alarms for the reason why its ticks did not prevent it.",
            ),
            namespace="AWS/SQS",
            metric_name="ApproximateAgeOfOldestMessage",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name="QueueName", value=self.queue.queue_name)
            ],
            statistic="Maximum",
            period=60,
            evaluation_periods=_MINUTES_LATE,
            comparison_operator="GreaterThanThreshold",
            threshold=self.late_seconds,
            treat_missing_data="notBreaching",
            alarm_actions=[policy.ref],
        )
