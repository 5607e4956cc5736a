"""What a fleet consists of, for whoever wants to look at it or to add to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Node

from peakfleet.control_plane import Events, FleetState, Learner, Ledger, Scaler, SpecDocument
from peakfleet_planner import FleetSpec


class FleetParts:
    """The parts of a fleet, to be read."""

    node: Node
    _groups: dict[str, autoscaling.AutoScalingGroup]
    _scaler: Scaler
    _events: Events
    _learner: Learner | None
    _ledger: Ledger | None
    _role: iam.Role
    _user_data: ec2.UserData
    _state: FleetState
    _alarms: dict[str, cloudwatch.Alarm]
    _pressure_alarms: dict[str, cloudwatch.Alarm]
    _security_group: ec2.SecurityGroup
    _document: SpecDocument

    @property
    def fleet_name(self) -> str:
        """Name of the fleet in metrics, state and logs: its construct path."""
        # Intent constructs name their fleet "Default", the id that CloudFormation hides too.
        return self.node.path.removesuffix("/Default")

    @property
    def groups(self) -> Mapping[str, autoscaling.AutoScalingGroup]:
        """The Auto Scaling group of each pool, by pool name."""
        return MappingProxyType(self._groups)

    @property
    def scaler(self) -> lambda_.Function:
        """The function that decides every minute."""
        return self._scaler.function

    @property
    def events(self) -> lambda_.Function:
        """The function that takes what AWS tells of the fleet."""
        return self._events.function

    @property
    def learner(self) -> lambda_.Function | None:
        """The function that learns every hour; None if the fleet cannot learn, or must not."""
        return self._learner.function if self._learner else None

    @property
    def ledger(self) -> lambda_.Function | None:
        """The function that keeps the books every day; None without `efficiency`."""
        return self._ledger.function if self._ledger else None

    @property
    def role(self) -> iam.Role:
        """What the instances run as."""
        return self._role

    @property
    def user_data(self) -> ec2.UserData:
        """What instances run at boot, in every pool without its own."""
        return self._user_data

    @property
    def state(self) -> FleetState:
        """What the fleet remembers in."""
        return self._state

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by name.

        NoTicks, AtMaximum, BrokenPool, OtherWriter, ReplacementHalted, StuckDrains, StaleSignals,
        FailedCalls, ScalerErrors, DeadLetters and EventErrors.
        """
        return MappingProxyType(self._alarms)

    @property
    def pressure_alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """What makes the fleet decide at once, by the name of the signal. Nobody need look."""
        return MappingProxyType(self._pressure_alarms)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """What the instances run as, so that `queue.grant_consume_messages(fleet)` works."""
        return self._role.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the instances of every pool."""
        return self._security_group.connections

    @property
    def spec(self) -> FleetSpec:
        """The specification that the schedule sends, as of now; names may be CDK tokens.

        Raises:
            SpecError: There is no signal yet.
        """
        return self._document.spec
