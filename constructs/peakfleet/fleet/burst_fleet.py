"""BurstFleet: capacity in AWS for the demand above an on-premises baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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

from peakfleet._tree import context_of, node_of, stack_of
from peakfleet._values import check_kind, check_path, is_elsewhere
from peakfleet.alarms import define_alarms, health_of
from peakfleet.control_plane import (
    ControlPlane,
    Encryption,
    FleetState,
    may_publish,
    spec_document,
)
from peakfleet.fleet import advice as _advice
from peakfleet.fleet.checks import (
    AtSynth,
    check_fleet_options,
    checked_hop_limit,
    checked_pools,
    claim_split,
    control_plane_of,
    named,
    private_subnets,
    readable_signal,
)
from peakfleet.fleet.metrics import FleetMetrics
from peakfleet.fleet.options import FleetOptions
from peakfleet.machines import (
    FLEET_TAG,
    KEEPS_PROFILES,
    GroupSettings,
    Hooks,
    define_agent,
    define_groups,
    instance_role,
    security_groups_of,
    way_out_of,
)
from peakfleet.policy import (
    BrokenImage,
    Drain,
    Foresight,
    Metrics,
    Mode,
    OtherWriter,
    Pace,
    Readiness,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool, prices_of
from peakfleet.signals import Baseline, DemandSignal, PressureAlarm
from peakfleet_planner import BacklogSignal, FleetSpec, SpecError, TrafficSpec, WeightedRecordsSpec
from peakfleet_planner.forecast import basis_of
from peakfleet_planner.spec import check_published


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class BurstFleet(FleetMetrics, Construct):
    """Capacity in AWS for the demand above an on-premises baseline.

    Defines one Auto Scaling group per pool, the schedule by which a `ControlPlane` sizes them
    every minute and another by which it learns demand every hour where it can be foreseen, and
    the alarms that say when it cannot. The fleets of a stack share the control plane. Instances run
    only for demand above the baseline; at or below it every group is at its minimum.

    Args:
        vpc: Where the instances run.
        pools: What to burst into, in the order in which it is filled.
        signals: What demand is read from; the largest request wins, and queues add up, see
            `queues_share_workers`. At least one is needed by
            the end of the synth, see `add_signal`.
        traffic: Listener, or records of a name, that split the traffic between baseline and
            fleet, see `WeightedRecords`. Default: none.
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
        traffic: TrafficSpec | WeightedRecordsSpec | None = None,
        target_groups: Sequence[elbv2.IApplicationTargetGroup] = (),
        queues_share_workers: bool = True,
        **options: Unpack[FleetOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        self._signals: list[DemandSignal] = []
        self._traffic, self._queues_share_workers = traffic, queues_share_workers
        self._options = options
        self._learns, self._is_shadow = False, options.get("mode") == Mode.shadow()
        self._detail = (options.get("metrics") or Metrics.essential()).detail
        self._pressure_alarms: dict[str, cloudwatch.Alarm] = {}
        encryption = options.get("encryption") or Encryption()
        efficiency = options.get("efficiency")
        hooks = Hooks(
            drain=options.get("drain") or Drain.none(),
            readiness=options.get("readiness") or Readiness.in_service(),
        )
        self._stack, node = (stack := stack_of(self)), node_of(self)
        with named(self):
            check_path(self.fleet_name)
            check_fleet_options(self, options, FleetOptions, vpc=vpc)
            self._pools = checked_pools(pools, scope=self)
            check_kind("fleet", "signals", signals, Sequence[DemandSignal])
            safety_net = options.get("safety_net") or _safety_net(signals, stack)
            self._downstream = tuple(
                limit.seen_from(stack) for limit in options.get("downstream_limits", ())
            )
            self._plane = control_plane_of(self, options)
            subnets = options.get("vpc_subnets") or private_subnets(vpc)
        self._role = instance_role(
            self,
            session_manager=options.get("session_manager", True),
            permissions_boundary=options.get("permissions_boundary"),
        )
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
                stack=stack,
                vpc=vpc,
                vpc_subnets=subnets,
                way_out=way_out_of(vpc, subnets),
                profile=iam.InstanceProfile(self, "Profile", role=self._role),
                security_groups=self._security_groups,
                user_data=self._user_data,
                target_groups=target_groups,
                hooks=hooks,
                agent=agent,
                tells_pool=efficiency is not None,
                volume_key=encryption.volumes,
                metadata_hop_limit=checked_hop_limit(options.get("metadata_hop_limit", 1)),
                monitored_by_minute=safety_net.reads_cpu or any(map(_reads_instances, signals)),
                keeps_profiles=bool(context_of(self, KEEPS_PROFILES)),
            )
            # Nothing of a fleet in shadow starts anything, not even its own groups.
            self._groups = define_groups(
                self,
                [
                    replace(pool, min_instances=0, warm=None) if self._is_shadow else pool
                    for pool in self._pools
                    if pool.group_name is None
                ],
                settings,
                fleet=self.fleet_name,
            )
            hooks.grant(self, self._role, fleet=self.fleet_name)
            self._pool_specs = tuple(
                pool.to_planner(
                    group=pool.group_name or self._groups[pool.name].name,
                    prices=prices,
                    drain_seconds=0 if pool.group_name else hooks.drain.at_most_seconds,
                    pays_at_most=bool(options.get("spend_limits")),
                )
                for pool in self._pools
            )
            self._efficiency = (
                efficiency.to_planner(self._pools, fleet=self.fleet_name) if efficiency else None
            )
            if traffic:
                claim_split(self, fleet=self.fleet_name, split=traffic)
        self._document = spec_document(lambda: self.spec)
        with named(self):
            self._plane.add_fleet(
                self,
                name=self.fleet_name,
                document=self._document,
                spec=lambda: self.spec,
                pools=self._pools,
                groups=tuple(self._groups.values()),
                shadow=self._is_shadow,
                spend_limits=options.get("spend_limits", ()),
                split=traffic,
                region=region.spec if (region := options.get("region")) else None,
                rolls_back=self._role
                if options.get("broken_image") == BrokenImage.roll_back()
                else None,
            )
        if efficiency:
            self._role.add_to_policy(
                may_publish(efficiency.namespace_of(self.fleet_name)).statement
            )
            self._plane.keep_books(self, name=self.fleet_name, spec=self._document)
        self._alarms = define_alarms(
            self,
            fleet=self.fleet_name,
            metric=self.metric,
            topic=options.get("alarm_topic"),
            drain_seconds=hooks.drain.at_most_seconds if hooks.drain.waits else 0,
        )
        self._plane.tell(options.get("alarm_topic"))
        self._health = (
            None
            if self._detail == "least"
            else health_of(self, self.fleet_name, self._alarms, self._plane.alarm_rules)
        )
        safety_net.bind(
            {
                pool.name: self._groups[pool.name].group
                for pool in self._pools
                if not (pool.is_retired or pool.group_name or self._is_shadow)
            }
        )
        for signal in signals:
            self._take(signal)
        if signals:
            self._learn_if_possible()
        _advice.on_pools(self, self._pools, prices)
        _advice.on_known_peaks(
            self,
            options.get("known_peaks", ()),
            self._pools,
            options.get("baseline") or Baseline.none(),
        )
        node.add_validation(
            AtSynth(
                self,
                stack,
                {name: one.name for name, one in self._groups.items()},
                spec=self._checked_spec,
                signals=self._signals,
            )
        )
        Tags.of(self).add(FLEET_TAG, self.fleet_name)

    def _checked_spec(self) -> FleetSpec:
        spec = self.spec
        asked = spec.service_level.miss_at_most is not None
        has_queues = any(isinstance(signal, BacklogSignal) for signal in spec.signals)
        if asked and (has_queues or not self._learns):
            raise SpecError(
                "service level: miss_at_most needs a fleet that learns: live signals in periods "
                "of a minute or less, pools that boot within 50 minutes, and Foresight.learned(); "
                "else use ServiceLevel.custom(), and drain_within for a queue"
            )
        if self._foresight.learns and not self._learns:
            _advice.on_foresight(self, spec)
        _advice.on_lead(self, spec, self._pools)
        return spec

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
            traffic=self._traffic if isinstance(self._traffic, TrafficSpec) else None,
            records=self._traffic if isinstance(self._traffic, WeightedRecordsSpec) else None,
            state_table=self._plane.state.table_name,
            other_writer=(options.get("other_writer") or OtherWriter.taken_back()).spec,
            known_peaks=tuple(peak.to_planner() for peak in options.get("known_peaks", ())),
            efficiency=self._efficiency,
            broken_image=(options.get("broken_image") or BrokenImage.take_out()).mode,
            queues_share_workers=self._queues_share_workers,
            metrics=self._detail,
            downstream=self._downstream,
            spend_limits=tuple(limit.spec for limit in options.get("spend_limits", ())),
            region=region.spec if (region := options.get("region")) else None,
            mode=(options.get("mode") or Mode.active()).name,
        )

    def metric(
        self, metric_name: str, *, statistic: str = "Maximum", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics that its ticks publish, for example `UnservedUnits`.

        Args:
            metric_name: Its name in the namespace `PeakFleet`.
            statistic: Default: `Maximum`.
            period: Default: a minute.

        Raises:
            SpecError: The fleet does not publish it, see `Metrics`.
        """
        check_published(self.fleet_name, metric_name, self._detail)
        return super().metric(metric_name, statistic=statistic, period=period)

    def metric_desired_capacity(self, pool_name: str) -> cloudwatch.Metric:
        """Instances that a pool is asked to run, as its group publishes them for nothing.

        Args:
            pool_name: One of its pools.
        """
        return cloudwatch.Metric(
            namespace="AWS/AutoScaling",
            metric_name="GroupDesiredCapacity",
            dimensions_map={
                "AutoScalingGroupName": next(
                    pool.group for pool in self._pool_specs if pool.name == pool_name
                )
            },
            statistic="Maximum",
            period=Duration.minutes(1),
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
            signal = readable_signal(signal, among=self._signals, stack=self._stack)
        self._signals.append(signal)
        _advice.on_signal(self, signal, self._pools)
        _advice.on_account_and_region(self, signal, self._stack)
        if PressureAlarm.is_possible_for(signal):
            pressure = PressureAlarm(
                self,
                f"Pressure {signal.name}",
                signal=signal,
                covered=self.metric_covered_units(),
                fleet=self.fleet_name,
            )
            self._plane.decide_on(pressure.alarm)
            self._pressure_alarms[signal.name] = pressure.alarm

    def _learn_if_possible(self) -> None:
        """Have its demand learned, unless it is, if the fleet may learn and its demand allows."""
        if self._learns:
            return
        with named(self):
            basis = basis_of(self.spec)
            if basis is not None and self._foresight.learns:
                recorded = self._foresight.recorded
                self._plane.learn(
                    self,
                    name=self.fleet_name,
                    spec=self._document,
                    recorded=recorded.packed() if recorded else None,
                )
                self._learns = True

    @property
    def _foresight(self) -> Foresight:
        return self._options.get("foresight") or Foresight.learned()

    @property
    def groups(self) -> Mapping[str, autoscaling.AutoScalingGroup]:
        """The Auto Scaling group of each pool by pool name, but for groups that exist already."""
        return MappingProxyType({name: one.group for name, one in self._groups.items()})

    @property
    def control_plane(self) -> ControlPlane:
        """What decides for the fleet, and for others."""
        return self._plane

    @property
    def scaler(self) -> lambda_.Function:
        """The function of its control plane that decides every minute."""
        return self._plane.scaler.function

    @property
    def events(self) -> lambda_.Function:
        """The function of its control plane that takes what AWS tells of the fleet."""
        return self._plane.events.function

    @property
    def learner(self) -> lambda_.Function | None:
        """The function that learns every hour; None if the fleet cannot learn, or must not."""
        return self._plane.learner.function if self._plane.learner and self._learns else None

    @property
    def ledger(self) -> lambda_.Function | None:
        """The function that keeps the books every day; None without `efficiency`."""
        return self._plane.ledger.function if self._plane.ledger and self._efficiency else None

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
        return self._plane.state

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms, by name.

        NoTicks, UnservedDemand, PoolTrouble, CapacityTrouble and LastingTrouble; IdleProtected
        where instances finish their work before they leave. Those of the functions are the
        control plane's.
        """
        return MappingProxyType(self._alarms)

    @property
    def health_alarm(self) -> cloudwatch.CompositeAlarm:
        """The one alarm that rings when any of the others does; give it an action of your own.

        Raises:
            SpecError: There is none with `Metrics.least()`.
        """
        if self._health is None:
            raise SpecError(
                f"{self.node.path}: there is no health alarm with metrics=Metrics.least(), as it "
                f"costs as much as five others; say metrics=Metrics.essential()"
            )
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


def _reads_instances(signal: DemandSignal) -> bool:
    return any(one.metric.namespace == "AWS/EC2" for one in signal.metrics)


def _safety_net(signals: Sequence[DemandSignal], stack: Stack) -> SafetyNet:
    """Return late messages where every signal is the backlog of a queue of its own, else CPU."""
    backlogs = [
        (signal.queue, signal.spec.drain_within_seconds)
        for signal in signals
        if signal.queue is not None
        and isinstance(signal.spec, BacklogSignal)
        and not is_elsewhere(signal.queue.env.account, stack.account)
    ]
    if not backlogs or len(backlogs) < len(signals):
        return SafetyNet.cpu()
    queue, drain_within_seconds = backlogs[0]
    return SafetyNet.late_messages(queue, older_than=Duration.seconds(drain_within_seconds))
