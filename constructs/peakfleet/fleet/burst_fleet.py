"""BurstFleet: capacity in AWS for the demand above an on-premises baseline."""

from __future__ import annotations

from collections.abc import Sequence

import jsii
from aws_cdk import Stack, Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.alarms import define_alarms
from peakfleet.control_plane import (
    FleetState,
    Learner,
    Ledger,
    Scaler,
    SpecDocument,
    define_events,
    define_learner,
    grant_telling_of_work,
)
from peakfleet.fleet import advice as _advice
from peakfleet.fleet import checks as _check
from peakfleet.fleet.metrics import FleetMetrics
from peakfleet.fleet.other_writers import claim_listener
from peakfleet.fleet.parts import FleetParts
from peakfleet.machines import GroupSettings, Hooks, define_agent, define_group, instance_role
from peakfleet.policy import (
    BrokenImage,
    Drain,
    EfficiencyLedger,
    Foresight,
    KnownPeak,
    OtherWriter,
    Pace,
    PressureAlarm,
    Readiness,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool, prices_of, tell_age
from peakfleet.signals import Baseline, DemandSignal
from peakfleet_planner import TrafficSpec


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class BurstFleet(FleetParts, FleetMetrics, Construct):
    """Capacity in AWS for the demand above an on-premises baseline.

    Defines one Auto Scaling group per pool, one Lambda function that sizes them every minute
    from the schedule's payload, one that takes what AWS tells of them, one that learns demand
    every hour where it can be foreseen, and the alarms that say when they cannot. Instances run
    only for demand above the baseline; at or below it every group is at its minimum.

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
        known_peaks: Demand that is sure to come, which the fleet is ready for. Default: none.
        safety_net: The native policy that adds capacity while no tick runs. Default: late
            messages, if every signal given here is a queue's backlog, else CPU above 90%.
        traffic: Listener whose traffic is split between baseline and fleet. Default: none.
        target_groups: Target groups that the instances join. Default: none. As soon as a group
            has one, also through `groups`, the load balancer's health checks decide which
            instances are replaced.
        drain: How instances leave. Default: `Drain.none()`, at once.
        readiness: When a new instance counts. Default: `Readiness.in_service()`, when it runs.
        other_writer: What becomes of sizes that somebody else sets. Default:
            `OtherWriter.taken_back()`, after ten minutes.
        broken_image: What becomes of a launch template that does not work. Default:
            `BrokenImage.take_out()`.
        efficiency: Whether it measures what each chip does for its money. Default: it does not.
        alarm_topic: Told when an alarm goes off. Default: nobody.

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
        baseline: Baseline | None = None,
        service_level: ServiceLevel | None = None,
        pace: Pace | None = None,
        user_data: ec2.UserData | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        state: FleetState | None = None,
        foresight: Foresight | None = None,
        known_peaks: Sequence[KnownPeak] = (),
        safety_net: SafetyNet | None = None,
        traffic: TrafficSpec | None = None,
        target_groups: Sequence[elbv2.IApplicationTargetGroup] = (),
        drain: Drain | None = None,
        readiness: Readiness | None = None,
        other_writer: OtherWriter | None = None,
        broken_image: BrokenImage | None = None,
        efficiency: EfficiencyLedger | None = None,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._pools = tuple(pools)
        self._signals: list[DemandSignal] = []
        self._state = state or FleetState.of(self)
        self._foresight = foresight or Foresight.learned()
        self._learner: Learner | None = None
        self._pressure_alarms: dict[str, cloudwatch.Alarm] = {}
        self._role = instance_role(self)
        hooks = Hooks(drain=drain or Drain.none(), readiness=readiness or Readiness.in_service())
        agent = define_agent(self, hooks, grantee=self._role)
        self._user_data = user_data or (agent.script if agent else ec2.UserData.for_linux())
        self._security_group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description=f"Instances of {self.fleet_name}"
        )
        with _check.named(self):
            _check.pools(self._pools)
            prices = prices_of(self)
            settings = GroupSettings(
                vpc=vpc,
                vpc_subnets=vpc_subnets or _check.private_subnets(vpc),
                role=self._role,
                security_group=self._security_group,
                user_data=self._user_data,
                target_groups=target_groups,
                hooks=hooks,
                agent=agent,
                tells_pool=efficiency is not None,
            )
            self._groups = {
                pool.name: define_group(self, pool, settings, fleet=self.fleet_name)
                for pool in self._pools
            }
            hooks.grant(self, self._role, self._groups.values())
            self._document = SpecDocument(
                fleet=self.fleet_name,
                pools=tuple(
                    pool.to_planner(
                        group=self._groups[pool.name].auto_scaling_group_name,
                        prices=prices,
                        drain_seconds=hooks.drain.at_most_seconds,
                    )
                    for pool in self._pools
                ),
                signals=self._signals,
                baseline=baseline or Baseline.none(),
                service_level=service_level or ServiceLevel.standard(),
                pace=pace or Pace.of(),
                traffic=traffic,
                state_table=self._state.table.table_name,
                other_writer=other_writer or OtherWriter.taken_back(),
                known_peaks=known_peaks,
                efficiency=efficiency.to_planner(self._pools) if efficiency else None,
                broken_image=broken_image or BrokenImage.take_out(),
            )
            if traffic:
                claim_listener(self, fleet=self.fleet_name, listener_arn=traffic.listener_arn)
        self._scaler = Scaler(
            self,
            "Scaler",
            fleet=self.fleet_name,
            spec=self._document,
            pools=self._pools,
            groups=tuple(self._groups.values()),
            state=self._state,
            sweeps=hooks.drain.waits,
            listener_arn=traffic.listener_arn if traffic else None,
            rolls_back=self._role if broken_image == BrokenImage.roll_back() else None,
        )
        self._ledger: Ledger | None = None
        if efficiency:
            self._ledger = self._keep_ledger(efficiency)
        self._events = define_events(
            self,
            fleet=self.fleet_name,
            scaler=self._scaler,
            groups=tuple(self._groups.values()),
            state=self._state,
            has_spot=any(pool.purchase.is_spot for pool in self._pools),
        )
        self._alarms = define_alarms(
            self,
            fleet=self.fleet_name,
            metric=self.metric,
            scaler=self._scaler,
            events=self._events,
            topic=alarm_topic,
        )
        (safety_net or SafetyNet.for_signals(signals)).bind(self._groups)
        for signal in signals:
            self._take(signal)
        if signals:
            self._learn_if_possible()
        _advice.on_pools(self, self._pools)
        tell_age(self, self._pools, prices)
        _advice.on_known_peaks(self, known_peaks, self._pools, baseline or Baseline.none())
        self.node.add_validation(_check.AtSynth(self, self._document, self._groups))
        Tags.of(self).add("peakfleet:fleet", self.fleet_name)

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

    def _keep_ledger(self, efficiency: EfficiencyLedger) -> Ledger:
        grant_telling_of_work(self._role, namespace=efficiency.namespace)
        return Ledger(
            self,
            "Ledger",
            fleet=self.fleet_name,
            spec=self._document,
            state=self._state,
            dead_letters=self._scaler.dead_letters,
        )

    def _learn_if_possible(self) -> None:
        with _check.named(self):
            self._learner = self._learner or define_learner(
                self,
                self._document,
                foresight=self._foresight,
                state=self._state,
                dead_letters=self._scaler.dead_letters,
            )
