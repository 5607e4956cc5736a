"""What takes the events of a fleet, and the rules that deliver them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.control_plane.fleet_function import FleetFunction, FunctionContext

SCHEDULE_VARIABLE = "PEAKFLEET_SCHEDULE"
"""The handler's name for it; the constructs know the handlers only as an asset."""
_MOST_AGE = Duration.minutes(6)  # Lambda tries again after one minute, and after two more
_RETRIES = 2
_NAMES_PER_RULE = 5  # a pattern has at most 2048 characters, the name of a group 255
_OF_GROUPS = (
    "EC2 Instance Launch Successful",
    "EC2 Instance Launch Unsuccessful",
    "EC2 Instance Terminate Successful",
    "EC2 Instance-terminate Lifecycle Action",
)
_OF_SPOT = ("EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation")


class Events(FleetFunction):
    """What takes the events of one fleet: function, role, log group, the rules that deliver them.

    Events of Spot cannot be had for one's own instances only: the function drops the others.

    Args:
        context: The fleet.
        scaler: What decides for it.
        groups: Its groups.
        has_spot: Whether AWS may take instances back.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        context: FunctionContext,
        *,
        scaler: FleetFunction,
        groups: Sequence[autoscaling.AutoScalingGroup],
        has_spot: bool,
    ) -> None:
        self._purpose = f"Takes the events of the fleet {context.fleet}"
        super().__init__(
            scope,
            construct_id,
            context,
            purpose=self._purpose,
            handler="peakfleet_handlers.events.handler",
            timeout=Duration.seconds(60),
            memory_mib=512,
            max_event_age=_MOST_AGE,
            retry_attempts=_RETRIES,
            dead_letters=scaler.dead_letters,
            environment={SCHEDULE_VARIABLE: scaler.schedule.schedule_name},
        )
        context.state.grant_facts(self.role, fleet=context.fleet)
        for action, resource in (
            ("autoscaling:DescribeAutoScalingInstances", "*"),  # AWS knows no narrower resource
            ("scheduler:GetSchedule", scaler.schedule.schedule_arn),
            ("lambda:InvokeFunction", scaler.function.function_arn),
        ):
            self.role.add_to_policy(iam.PolicyStatement(actions=[action], resources=[resource]))
        names = [group.auto_scaling_group_name for group in groups]
        for first in range(0, len(names), _NAMES_PER_RULE):
            self._rule(
                f"Groups{first // _NAMES_PER_RULE or ''}",
                source="aws.autoscaling",
                kinds=_OF_GROUPS,
                detail={"AutoScalingGroupName": names[first : first + _NAMES_PER_RULE]},
            )
        if has_spot:
            self._rule("Spot", source="aws.ec2", kinds=_OF_SPOT)

    def decide_on(self, name: str, alarm: cloudwatch.IAlarm) -> None:
        """Make the fleet decide at once when *alarm* goes off.

        Args:
            name: Of the rule that says so, unique within the fleet.
            alarm: The alarm.
        """
        self._rule(
            name,
            source="aws.cloudwatch",
            kinds=("CloudWatch Alarm State Change",),
            detail={"state": {"value": ["ALARM"]}},
            resources=[alarm.alarm_arn],
        )

    def _rule(
        self,
        name: str,
        *,
        source: str,
        kinds: Sequence[str],
        detail: Mapping[str, Any] | None = None,
        resources: Sequence[str] | None = None,
    ) -> None:
        events.Rule(
            self,
            name,
            description=self._purpose,
            event_pattern=events.EventPattern(
                source=[source],
                detail_type=list(kinds),
                detail=detail,
                resources=list(resources) if resources else None,
            ),
            targets=[
                targets.LambdaFunction(
                    self.function,
                    dead_letter_queue=self.dead_letters,
                    max_event_age=_MOST_AGE,
                    retry_attempts=_RETRIES,
                )
            ],
        )
