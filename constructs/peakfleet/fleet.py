"""BurstFleet: capacity in AWS for the demand above an on-premises baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import jsii
from aws_cdk import Stack, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet import _advice, _check
from peakfleet._alarms import define_alarms
from peakfleet._groups import GroupSettings, define_group, instance_role
from peakfleet._learner import Learner, define_learner
from peakfleet._scaler import Scaler
from peakfleet._spec import SpecDocument
from peakfleet._writers import claim_listener
from peakfleet.baseline import Baseline
from peakfleet.demand import DemandSignal
from peakfleet.fleet_metrics import FleetMetrics
from peakfleet.foresight import Foresight
from peakfleet.pools import CapacityPool
from peakfleet.safety_net import SafetyNet
from peakfleet.service_level import Pace, ServiceLevel
from peakfleet.state import FleetState
from peakfleet_planner import FleetSpec, TrafficSpec


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class BurstFleet(FleetMetrics, Construct):
    """Capacity in AWS for the demand above an on-premises baseline.

    Defines one Auto Scaling group per pool, one Lambda function that sizes them every minute
    from the schedule's payload, one that learns demand every hour where it can be foreseen, and
    the alarms that say when they cannot. Instances run only for
    demand above the baseline; at or below it every group is at its minimum.

    Args:
        vpc: Where the instances run.
        pools: What to burst into, in the order in which it is filled.
        signals: What demand is read from; the largest request wins. At least one is needed by
            the end of the synth, see `add_signal`.
        baseline: What the company's own side carries. Default: nothing, so that the fleet
            carries all demand.
        service_level: What missed work is worth. Default: `ServiceLevel.standard()`.
        pace: How far one tick may move the fleet. Default: half of all pools' maximum out, a
            tenth of it in.
        user_data: What instances run at boot, in every pool without its own. Default: an empty
            script, to be filled through the attribute `user_data`.
        vpc_subnets: Default: the private subnets, or the isolated ones if there are none.
        state: What the fleet remembers in. Default: one table for all fleets of the stack.
        foresight: Whether it learns its demand. Default: `Foresight.learned()`.
        safety_net: The native policy that adds capacity while no tick runs. Default: late
            messages, if every signal given here is a queue's backlog, else CPU above 90%.
        traffic: Listener whose traffic is split between baseline and fleet. Default: none.
        target_groups: Target groups that the instances join. Default: none. As soon as a group
            has one, also through `groups`, the load balancer's health checks decide which
            instances are replaced.
        alarm_topic: Told when an alarm goes off. Default: nobody.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        Desired capacity that is set by hand is overwritten within a minute. A group has one
        writer: a policy that scales it in is refused. Changed user data, images or instance
        types reach new instances only; running ones are not replaced. A learner stays defined,
        but learns nothing, once a second signal is added with `add_signal`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        pools: Sequence[CapacityPool],
        signals: Sequence[DemandSignal] = (),
        baseline: Baseline | None = None,
        service_level: ServiceLevel | None = None,
        pace: Pace | None = None,
        user_data: ec2.UserData | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        state: FleetState | None = None,
        foresight: Foresight | None = None,
        safety_net: SafetyNet | None = None,
        traffic: TrafficSpec | None = None,
        target_groups: Sequence[elbv2.IApplicationTargetGroup] = (),
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._pools = tuple(pools)
        self._signals: list[DemandSignal] = []
        self._state = state or FleetState.of(self)
        self._foresight = foresight or Foresight.learned()
        self._learner: Learner | None = None
        self._user_data = user_data or ec2.UserData.for_linux()
        self._role = instance_role(self)
        self._security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description=f"Instances of {self.fleet_name}"
        )
        with _check.named(self):
            _check.pools(self._pools)
            settings = GroupSettings(
                vpc=vpc,
                vpc_subnets=vpc_subnets or _check.private_subnets(vpc),
                role=self._role,
                security_group=self._security_group,
                user_data=self._user_data,
                target_groups=target_groups,
            )
            self._groups = {
                pool.name: define_group(self, pool, settings, fleet=self.fleet_name)
                for pool in self._pools
            }
            self._document = SpecDocument(
                fleet=self.fleet_name,
                pools=tuple(
                    pool.to_planner(group=self._groups[pool.name].auto_scaling_group_name)
                    for pool in self._pools
                ),
                signals=self._signals,
                baseline=baseline or Baseline.none(),
                service_level=service_level or ServiceLevel.standard(),
                pace=pace or Pace.of(),
                traffic=traffic,
                state_table=self._state.table.table_name,
            )
            if traffic:
                claim_listener(self, fleet=self.fleet_name, listener_arn=traffic.listener_arn)
        self._scaler = Scaler(
            self,
            "Scaler",
            fleet=self.fleet_name,
            spec=self._document,
            groups=tuple(self._groups.values()),
            state=self._state,
            listener_arn=traffic.listener_arn if traffic else None,
        )
        self._alarms = define_alarms(
            self,
            fleet=self.fleet_name,
            metric=self.metric,
            scaler=self._scaler,
            topic=alarm_topic,
        )
        (safety_net or SafetyNet.for_signals(signals)).bind(self._groups)
        for signal in signals:
            self._take(signal)
        if signals:
            self._learn_if_possible()
        _advice.on_pools(self, self._pools)
        self.node.add_validation(_check.AtSynth(self, self._document, self._groups))
        Tags.of(self).add("peakfleet:fleet", self.fleet_name)

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
    def learner(self) -> lambda_.Function | None:
        """The function that learns every hour; None if the fleet cannot learn, or must not."""
        return self._learner.function if self._learner else None

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

        NoTicks, AtMaximum, StaleSignals, FailedCalls, ScalerErrors and DeadLetters.
        """
        return MappingProxyType(self._alarms)

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

    def add_signal(self, signal: DemandSignal) -> None:
        """Let *signal* raise demand too.

        Raises:
            SpecError: Its name is taken, its metric is of another region, or numpy is missing.
        """
        self._take(signal)
        self._learn_if_possible()

    def _take(self, signal: DemandSignal) -> None:
        with _check.named(self):
            _check.signal(signal, among=self._signals, stack=Stack.of(self))
        self._signals.append(signal)
        _advice.on_signal(self, signal, self._pools)

    def _learn_if_possible(self) -> None:
        with _check.named(self):
            self._learner = self._learner or define_learner(
                self,
                self._document,
                foresight=self._foresight,
                state=self._state,
                dead_letters=self._scaler.dead_letters,
            )
