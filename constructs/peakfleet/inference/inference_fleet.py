"""InferenceFleet: servers of a model, on Inferentia2 first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.control_plane import FleetState
from peakfleet.fleet import BurstFleet, IntentFleet
from peakfleet.fleet import checks as _check
from peakfleet.inference.endpoint import Endpoint
from peakfleet.inference.model import Model
from peakfleet.inference.neuron_boot import boot_script, compiled_for, is_neuron
from peakfleet.inference.neuron_metrics import NeuronMetrics
from peakfleet.inference.neuron_watch import BusyCores, define_neuron_alarms, grant_watch
from peakfleet.inference.signals import requests_signal
from peakfleet.load_balancer import HEALTH_CHECK_PATH, Front, check_addresses, define_front
from peakfleet.policy import (
    BrokenImage,
    Drain,
    EfficiencyLedger,
    Foresight,
    KnownPeak,
    OtherWriter,
    Pace,
    Readiness,
    SafetyNet,
    ServiceLevel,
)
from peakfleet.pools import CapacityPool
from peakfleet.signals import Baseline, DemandSignal
from peakfleet_planner import SpecError

_LOADED_WITHIN = Duration.minutes(15)


class InferenceFleet(NeuronMetrics, IntentFleet):
    """Servers of a model on Inferentia2, and on other chips once that has run dry.

    Defines an internal Application Load Balancer, a `BurstFleet` whose demand is the requests
    that it gets, and alarms on what the Neuron chips report. Each pool boots its own script: it
    unpacks the archive of the model for its chip, runs the user data, and the machine counts
    only once the server answers. Machines with Neuron publish utilisation of all their
    NeuronCores, errors, latency and memory to `PeakFleet/Neuron`, and give themselves up to
    their group when a chip fails. Processor load is read nowhere: it says nothing of a chip.

    Args:
        vpc: Where the instances run.
        pools: What to burst into, in the order in which it is filled, in one unit for all of
            them. At least one has NeuronCores.
        model: What is served: an archive for the chip of each pool.
        requests_per_second_per_unit: What one unit serves. Default: 1, so that a unit is one
            request per second; `units_per_instance` of each pool is then its own throughput.
        latency_goal: Mean latency at which a unit serves that much. Default: slow answers alone
            raise no demand.
        signals: Further sources of demand; the largest request wins. Default: none. A fleet
            with more than one signal learns nothing.
        endpoint: How clients reach it. Default: `Endpoint.internal()`. Without a load balancer
            the first signal is yours to give.
        port: What the servers listen on. Default: 8080.
        health_check_path: What a server that has loaded its model answers with 200, and no other
            one. Default: `/healthz`.
        loaded_within: How long a new machine may take until its model is loaded; one that takes
            longer is replaced. Default: 15 minutes.
        baseline: What the company's own side carries. Default: nothing.
        service_level: What missed work is worth. Default: `ServiceLevel.standard()`.
        pace: How far one tick may move the fleet. Default: half of all pools' maximum out, a
            tenth of it in.
        user_data: What starts the server, in every pool without its own. Default: an empty
            script, to be filled through the attribute `user_data`. The model is in
            `$PEAKFLEET_MODEL`; `$PEAKFLEET_CHIP` says what it is compiled for.
        vpc_subnets: Default: the private subnets, or the isolated ones if there are none.
        state: What the fleet remembers in. Default: one table for all fleets of the stack.
        foresight: Whether it learns its demand. Default: `Foresight.learned()`.
        known_peaks: Demand that is sure to come, which the fleet is ready for. Default: none.
        safety_net: The native policy that adds capacity while no tick runs. Default: NeuronCores
            that are busier than 90% on average.
        drain: How instances leave. Default: at once, after the load balancer has let them go.
        other_writer: What becomes of sizes that somebody else sets. Default:
            `OtherWriter.taken_back()`, after ten minutes.
        broken_image: What becomes of a launch template that does not work. Default:
            `BrokenImage.take_out()`.
        efficiency: Whether it measures what each chip does for its money. Default: it does not.
        alarm_topic: Told when an alarm goes off. Default: nobody.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        See `BurstFleet`. Nothing is compiled at boot: a chip without an archive has no capacity,
        and its machines switch themselves off. The default safety net knows only Neuron machines
        that run. Neuron reports latency by process; what is published is the slowest one's.

    Example:
        InferenceFleet(self, "Ranking", vpc=vpc, model=Model.in_bucket(bucket, prefix="ranking/7"),
                       pools=[CapacityPool.inferentia("inf2.xlarge", max_instances=20,
                                                      units_per_instance=1200)])
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        pools: Sequence[CapacityPool],
        model: Model,
        requests_per_second_per_unit: float = 1,
        latency_goal: Duration | None = None,
        signals: Sequence[DemandSignal] = (),
        endpoint: Endpoint | None = None,
        port: int = 8080,
        health_check_path: str = HEALTH_CHECK_PATH,
        loaded_within: Duration = _LOADED_WITHIN,
        baseline: Baseline | None = None,
        service_level: ServiceLevel | None = None,
        pace: Pace | None = None,
        user_data: ec2.UserData | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        state: FleetState | None = None,
        foresight: Foresight | None = None,
        known_peaks: Sequence[KnownPeak] = (),
        safety_net: SafetyNet | None = None,
        drain: Drain | None = None,
        other_writer: OtherWriter | None = None,
        broken_image: BrokenImage | None = None,
        efficiency: EfficiencyLedger | None = None,
        alarm_topic: sns.ITopic | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        endpoint = endpoint or Endpoint.internal()
        shared = user_data or ec2.UserData.for_linux()
        with _check.named(self):
            readiness = Readiness.signalled(within=loaded_within)
            check_addresses(endpoint.on_premises_targets)
            _check_neuron(pools)
            subnets = vpc_subnets or _check.private_subnets(vpc)
            scripts = {
                pool.name: boot_script(
                    pool,
                    shared,
                    fleet=self.node.path,
                    model=model,
                    health_url=f"http://127.0.0.1:{port}{health_check_path}",
                    within_seconds=readiness.within_seconds,
                )
                for pool in pools
            }
        front = None
        if endpoint.balanced:
            front = define_front(
                self,
                vpc=vpc,
                vpc_subnets=subnets,
                on_premises_targets=endpoint.on_premises_targets,
                port=port,
                listener_port=endpoint.listener_port,
                certificate=endpoint.certificate,
                health_check_path=health_check_path,
                clients=endpoint.clients,
                deletion_protection=endpoint.deletion_protection,
                algorithm=elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            )
            with _check.named(self):
                requests = requests_signal(
                    front.load_balancer,
                    requests_per_second_per_unit=requests_per_second_per_unit,
                    latency_goal=latency_goal,
                )
            signals = [requests, *signals]
        self._front: Front | None = front
        self._fleet = BurstFleet(
            self,
            "Default",
            vpc=vpc,
            pools=[replace(pool, user_data=scripts[pool.name]) for pool in pools],
            signals=signals,
            baseline=baseline,
            service_level=service_level,
            pace=pace,
            user_data=shared,
            vpc_subnets=subnets,
            state=state,
            foresight=foresight,
            known_peaks=known_peaks,
            safety_net=safety_net or SafetyNet(net=BusyCores(fleet=self.node.path)),
            traffic=front.traffic if front else None,
            target_groups=[front.cloud] if front else (),
            drain=drain,
            readiness=readiness,
            other_writer=other_writer,
            broken_image=broken_image,
            efficiency=efficiency,
            alarm_topic=alarm_topic,
        )
        for chip in sorted({compiled_for(pool) for pool in pools}):
            model.grant_fetch(self._fleet, chip)
        on_neuron = [self.groups[pool.name] for pool in pools if is_neuron(pool)]
        grant_watch(self, self._fleet.role, on_neuron)
        neuron_alarms = define_neuron_alarms(self, fleet=self.fleet_name, topic=alarm_topic)
        self._alarms = {**self._fleet.alarms, **neuron_alarms}

    @property
    def load_balancer(self) -> elbv2.ApplicationLoadBalancer | None:
        """What clients connect to; None without one."""
        return self._front.load_balancer if self._front else None

    @property
    def listener(self) -> elbv2.ApplicationListener | None:
        """The load balancer's listener; None without one."""
        return self._front.listener if self._front else None

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The fleet's alarms, NeuronErrors and FailingChips."""
        return MappingProxyType(self._alarms)


def _check_neuron(pools: Sequence[CapacityPool]) -> None:
    _check.pools(pools)
    if not any(is_neuron(pool) for pool in pools):
        raise SpecError(
            f"at least one pool with NeuronCores is needed, got "
            f"{', '.join(pool.name for pool in pools)}; add CapacityPool.inferentia, or use "
            f"StreamFleet"
        )
