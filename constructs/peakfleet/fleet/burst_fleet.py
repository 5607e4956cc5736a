"""BurstFleet: capacity in AWS for the demand above an on-premises baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Unpack

import jsii
from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from peakfleet._values import check_kind, check_path
from peakfleet.alarms import define_alarms, health_of
from peakfleet.control_plane import (
    Encryption,
    Events,
    FleetFunction,
    FleetState,
    FunctionContext,
    Functions,
    SpecDocument,
    define_learner,
    define_ledger,
    define_scaler,
    may_publish,
)
from peakfleet.fleet import advice as _advice
from peakfleet.fleet.checks import (
    AtSynth,
    check_fleet_options,
    check_pools,
    check_signal,
    checked_hop_limit,
    claim_listener,
    named,
    private_subnets,
    state_of,
)
from peakfleet.fleet.metrics import FleetMetrics
from peakfleet.fleet.options import FleetOptions
from peakfleet.machines import (
    FLEET_TAG,
    GroupSettings,
    Hooks,
    define_agent,
    define_group,
    instance_role,
    security_groups_of,
)
from peakfleet.policy import (
    BrokenImage,
    Drain,
    Foresight,
    OtherWriter,
    Pace,
    Readiness,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool, prices_of, tell_age
from peakfleet.signals import Baseline, DemandSignal, PressureAlarm
from peakfleet_planner import BacklogSignal, FleetSpec, TrafficSpec
from peakfleet_planner.forecast import basis_of


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class BurstFleet(FleetMetrics, Construct):
    """Capacity in AWS for the demand above an on-premises baseline.

    Defines one Auto Scaling group per pool, one Lambda function that sizes them every minute
    from the schedule's payload, one that takes what AWS tells of them, one that learns demand
    every hour where it can be foreseen, and the alarms that say when they cannot. Instances run
    only for demand above the baseline; at or below it every group is at its minimum.

    Args:
        vpc: Where the instances run.
        pools: What to burst into, in the order in which it is filled.
        signals: What demand is read from; the largest request wins, and queues add up, see
            `queues_share_workers`. At least one is needed by
            the end of the synth, see `add_signal`.
        traffic: Listener whose traffic is split between baseline and fleet. Default: none.
        target_groups: Target groups that the instances join. Default: none. As soon as a group
            has one, also through `groups`, the load balancer's health checks decide which
            instances are replaced.
        queues_share_workers: Whether an instance works on one of several queues at a time, so that
            their needs add up. False: it works on all of them at once, so that the largest need
            counts. Default: true.
        options: See `FleetOptions`.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        A group has one writer: a policy that scales it in is refused. Changed user data, images
        or instance types reach new instances only; running ones are not replaced. A learner
        stays defined, but learns nothing, once a second signal is added with `add_signal`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        pools: Sequence[CapacityPool],
        signals: Sequence[DemandSignal] = (),
        traffic: TrafficSpec | None = None,
        target_groups: Sequence[elbv2.IApplicationTargetGroup] = (),
        queues_share_workers: bool = True,
        **options: Unpack[FleetOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        self._signals: list[DemandSignal] = []
        self._traffic, self._queues_share_workers = traffic, queues_share_workers
        self._options = options
        self._learner: FleetFunction | None = None
        self._ledger: FleetFunction | None = None
        self._pressure_alarms: dict[str, cloudwatch.Alarm] = {}
        encryption = options.get("encryption") or Encryption()
        efficiency = options.get("efficiency")
        hooks = Hooks(
            drain=options.get("drain") or Drain.none(),
            readiness=options.get("readiness") or Readiness.in_service(),
        )
        with named(self):
            check_path(self.fleet_name)
            check_fleet_options(self, options, FleetOptions)
            check_pools(pools, scope=self)
            check_kind("fleet", "signals", signals, Sequence[DemandSignal])
            self._state = state_of(self, options.get("state"), encryption)
            subnets = options.get("vpc_subnets") or private_subnets(vpc)
        self._pools = tuple(pools)
        self._role = instance_role(self, session_manager=options.get("session_manager", True))
        agent = define_agent(self, hooks, grantee=self._role)
        self._user_data = options.get("user_data") or (
            agent.script if agent else ec2.UserData.for_linux()
        )
        self._security_groups = security_groups_of(
            self,
            vpc,
            options.get("security_groups", ()),
            description=f"Instances of {self.fleet_name}",
        )
        with named(self):
            prices = prices_of(self)
            settings = GroupSettings(
                vpc=vpc,
                vpc_subnets=subnets,
                role=self._role,
                security_groups=self._security_groups,
                user_data=self._user_data,
                target_groups=target_groups,
                hooks=hooks,
                agent=agent,
                tells_pool=efficiency is not None,
                volume_key=encryption.volumes,
                metadata_hop_limit=checked_hop_limit(options.get("metadata_hop_limit", 1)),
            )
            self._groups = {
                pool.name: define_group(self, pool, settings, fleet=self.fleet_name)
                for pool in self._pools
            }
            hooks.grant(self, self._role, fleet=self.fleet_name)
            self._pool_specs = tuple(
                pool.to_planner(
                    group=self._groups[pool.name].auto_scaling_group_name,
                    prices=prices,
                    drain_seconds=hooks.drain.at_most_seconds,
                )
                for pool in self._pools
            )
            self._efficiency = (
                efficiency.to_planner(self._pools, fleet=self.fleet_name) if efficiency else None
            )
            if traffic:
                claim_listener(self, fleet=self.fleet_name, listener_arn=traffic.listener_arn)
        self._context = FunctionContext(
            fleet=self.fleet_name,
            spec=SpecDocument(lambda: self.spec),
            state=self._state,
            functions=options.get("functions") or Functions(),
            encryption=encryption,
        )
        groups = tuple(self._groups.values())
        self._scaler = define_scaler(
            self,
            self._context,
            pools=self._pools,
            groups=groups,
            listener_arn=traffic.listener_arn if traffic else None,
            rolls_back=self._role
            if options.get("broken_image") == BrokenImage.roll_back()
            else None,
        )
        if efficiency:
            self._role.add_to_policy(may_publish(efficiency.namespace_of(self.fleet_name)))
            self._ledger = define_ledger(
                self, self._context, dead_letters=self._scaler.dead_letters
            )
        self._events = Events(
            self,
            "Events",
            self._context,
            scaler=self._scaler,
            groups=groups,
            has_spot=any(pool.purchase.is_spot for pool in self._pools),
        )
        self._alarms = define_alarms(
            self,
            fleet=self.fleet_name,
            metric=self.metric,
            scaler=self._scaler,
            events=self._events,
            topic=options.get("alarm_topic"),
            drain_seconds=hooks.drain.at_most_seconds if hooks.drain.waits else 0,
        )
        self._health = health_of(self, self.fleet_name, self._alarms)
        (options.get("safety_net") or _safety_net(signals)).bind(
            {pool.name: self._groups[pool.name] for pool in self._pools if not pool.is_retired}
        )
        for signal in signals:
            self._take(signal)
        if signals:
            self._learn_if_possible()
        _advice.on_pools(self, self._pools)
        if any(pool.relies_on(prices) for pool in self._pools):
            tell_age(self, prices)
        _advice.on_known_peaks(
            self,
            options.get("known_peaks", ()),
            self._pools,
            options.get("baseline") or Baseline.none(),
        )
        self.node.add_validation(
            AtSynth(self, self._groups, spec=lambda: self.spec, signals=self._signals)
        )
        Tags.of(self).add(FLEET_TAG, self.fleet_name)

    @property
    def spec(self) -> FleetSpec:
        """The specification that the schedule sends, as of now; names may be CDK tokens.

        Raises:
            SpecError: It contradicts itself, or there is no signal yet.
        """
        options = self._options
        return FleetSpec(
            fleet=self.fleet_name,
            pools=self._pool_specs,
            signals=tuple(signal.spec for signal in self._signals),
            baseline=(options.get("baseline") or Baseline.none()).spec,
            service_level=(options.get("service_level") or ServiceLevel.standard()).spec,
            pace=(options.get("pace") or Pace.of()).to_planner(self._pool_specs),
            traffic=self._traffic,
            state_table=self._state.table.table_name,
            other_writer=(options.get("other_writer") or OtherWriter.taken_back()).spec,
            known_peaks=tuple(peak.to_planner() for peak in options.get("known_peaks", ())),
            efficiency=self._efficiency,
            broken_image=(options.get("broken_image") or BrokenImage.take_out()).mode,
            queues_share_workers=self._queues_share_workers,
            downstream=tuple(limit.spec for limit in options.get("downstream_limits", ())),
        )

    def add_signal(self, signal: DemandSignal) -> None:
        """Let *signal* raise demand too.

        Raises:
            SpecError: Its name is taken, its metric is of another region, or numpy is missing.
        """
        self._take(signal)
        self._learn_if_possible()

    def _take(self, signal: DemandSignal) -> None:
        with named(self):
            check_signal(signal, among=self._signals, stack=Stack.of(self))
        self._signals.append(signal)
        _advice.on_signal(self, signal, self._pools)
        if PressureAlarm.is_possible_for(signal):
            pressure = PressureAlarm(
                self,
                f"Pressure {signal.name}",
                signal=signal,
                covered=self.metric_covered_units(),
                fleet=self.fleet_name,
            )
            self._events.decide_on(f"Pressure {signal.name}", pressure.alarm)
            self._pressure_alarms[signal.name] = pressure.alarm

    def _learn_if_possible(self) -> None:
        """Define a learner, unless there is one, if the fleet may learn and its demand allows."""
        if self._learner:
            return
        foresight = self._options.get("foresight") or Foresight.learned()
        with named(self):
            basis = basis_of(self.spec)
            if basis is not None and foresight.learns:
                dead_letters = self._scaler.dead_letters
                self._learner = define_learner(self, self._context, dead_letters=dead_letters)

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

        NoTicks, AtMaximum, UnservedDemand, MissingCapacity, ProcessesSuspended, NoWorkTaken,
        HeldUnserved, BaselineUnknown, BrokenPool, OtherWriter, ReplacementHalted, StuckDrains,
        StaleSignals, FailedCalls, ScalerErrors, DeadLetters and EventErrors; IdleProtected where
        instances finish their work before they leave.
        """
        return MappingProxyType(self._alarms)

    @property
    def health_alarm(self) -> cloudwatch.CompositeAlarm:
        """The one alarm that rings when any of the others does; give it an action of your own."""
        return self._health

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
        return ec2.Connections(security_groups=list(self._security_groups))


def _safety_net(signals: Sequence[DemandSignal]) -> SafetyNet:
    """Return late messages where every signal is a queue's backlog, else CPU."""
    backlogs = [
        (signal.queue, signal.spec.drain_within_seconds)
        for signal in signals
        if signal.queue is not None and isinstance(signal.spec, BacklogSignal)
    ]
    if not backlogs or len(backlogs) < len(signals):
        return SafetyNet.cpu()
    queue, drain_within_seconds = backlogs[0]
    return SafetyNet.late_messages(queue, older_than=Duration.seconds(drain_within_seconds))
