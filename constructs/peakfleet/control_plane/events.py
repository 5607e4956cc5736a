"""What takes the events of the fleets of a control plane, and the rules that deliver them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from peakfleet._tree import path_of, stack_of
from peakfleet._values import is_late
from peakfleet.control_plane.encryption import Encryption
from peakfleet.control_plane.late_values import late_list
from peakfleet.control_plane.plane_function import Functions, PlaneFunction
from peakfleet.machines import PoolGroup

MOST_AGE = Duration.minutes(6)  # Lambda tries again after one minute, and after two more
_RETRIES = 2
_MOST_NAMES_CHARACTERS = 1500
"""An event pattern has at most 2048 characters; the rest of ours has fewer than 500."""
_MOST_STACK_NAME, _MOST_NAME = 128, 255
_NAME_ENDS = 24
"""What CloudFormation adds to a logical id to make a name, and the CDK to a path to make that."""
_ARN_BEGINS = 70
_OF_GROUPS = (
    "EC2 Instance Launch Successful",
    "EC2 Instance Launch Unsuccessful",
    "EC2 Instance Terminate Successful",
    "EC2 Instance-terminate Lifecycle Action",
)
_OF_SPOT = ("EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation")
_PATTERNS: Mapping[str, Callable[[list[str]], events.EventPattern]] = {
    "Groups": lambda names: events.EventPattern(
        source=["aws.autoscaling"],
        detail_type=list(_OF_GROUPS),
        detail={"AutoScalingGroupName": names},
    ),
    "Spot": lambda _: events.EventPattern(source=["aws.ec2"], detail_type=list(_OF_SPOT)),
    "Alarms": lambda arns: events.EventPattern(
        source=["aws.cloudwatch"],
        detail_type=["CloudWatch Alarm State Change"],
        detail={"state": {"value": ["ALARM"]}},
        resources=arns,
    ),
}
"""What each kind of rule takes, of groups by name and of alarms by ARN."""


@dataclass(slots=True)
class _Rule:
    """What a rule names so far.

    Args:
        names: Of groups, or ARNs of alarms.
        characters: How long its pattern gets by them, at most.
    """

    names: list[str]
    characters: int


class Events(PlaneFunction):
    """What takes the events of every fleet: function, role, log group, the rules that deliver them.

    Events of groups and alarms are heard of one's own only. Events of Spot cannot be: the function
    looks into the state table whose they are, and drops the others.

    Args:
        plane: Path of the control plane, for descriptions.
        functions: How its functions run.
        encryption: Keys of logs and queues.
        scaler: What decides for its fleets.
        environment: The handler's environment variables.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plane: str,
        functions: Functions,
        encryption: Encryption,
        scaler: PlaneFunction,
        environment: Mapping[str, str],
    ) -> None:
        self._purpose = f"Takes the events of the fleets of {plane}"
        super().__init__(
            scope,
            construct_id,
            purpose=self._purpose,
            handler="peakfleet_handlers.events.handler",
            timeout=Duration.seconds(60),
            memory_mib=512,
            functions=functions,
            encryption=encryption,
            dead_letters=scaler.dead_letters,
            max_event_age=MOST_AGE,
            retry_attempts=_RETRIES,
            environment=environment,
        )
        self._rules: dict[str, list[_Rule]] = {}
        name = stack_of(self).stack_name
        self._stack_name = _MOST_STACK_NAME if is_late(name) else len(name)

    def hear_groups(
        self, fleet: Construct, groups: Sequence[PoolGroup], *, existing: Sequence[str] = ()
    ) -> None:
        """Take what Auto Scaling tells of these groups.

        Args:
            fleet: Whose groups they are.
            groups: Those of the stack.
            existing: Names of others.
        """
        path = path_of(fleet)
        known = [(one.name, self._name_length(f"{path}/{one.path_in_fleet}")) for one in groups]
        for name, characters in (*known, *((name, _MOST_NAME) for name in existing)):
            self._hear_of("Groups", name, characters)

    def hear_spot(self) -> None:
        """Take what EC2 tells of Spot instances, whosoever they are."""
        if "Spot" not in self._rules:
            self._hear_of("Spot", "", 0)

    def decide_on(self, alarm: cloudwatch.IAlarm) -> None:
        """Make a fleet decide at once when an alarm on one of its metrics goes off."""
        characters = _ARN_BEGINS + self._name_length(alarm.node.path)
        self._hear_of("Alarms", alarm.alarm_arn, characters)

    def _hear_of(self, kind: str, name: str, characters: int) -> None:
        """Add a name to a rule, and begin another one where its pattern would be too long."""
        rules = self._rules.setdefault(kind, [])
        if rules and rules[-1].characters + characters <= _MOST_NAMES_CHARACTERS:
            rules[-1].names.append(name)
            rules[-1].characters += characters
            return
        names = [name]
        rules.append(_Rule(names, characters))
        events.Rule(
            self,
            f"{kind}{len(rules) - 1 or ''}",
            description=self._purpose,
            event_pattern=_PATTERNS[kind](late_list(names)),
            targets=[
                targets.LambdaFunction(
                    self.function,
                    dead_letter_queue=self.dead_letters,
                    max_event_age=MOST_AGE,
                    retry_attempts=_RETRIES,
                )
            ],
        )

    def _name_length(self, path: str) -> int:
        """Return the most characters that the name of a resource has once deployed, quoted."""
        most = self._stack_name + len(path) + _NAME_ENDS
        return min(most, _MOST_NAME) + len('"",')
