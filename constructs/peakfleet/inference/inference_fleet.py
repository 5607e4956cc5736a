"""InferenceFleet: servers of a model, on Inferentia2 first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Unpack

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from peakfleet.fleet import (
    BurstFleet,
    FleetOptions,
    IntentFleet,
    check_fleet_options,
    checked_pools,
    named,
    private_subnets,
)
from peakfleet.inference.endpoint import Endpoint, requests_signal
from peakfleet.inference.model import Model
from peakfleet.inference.neuron_boot import boot_script, compiled_for, is_neuron
from peakfleet.inference.neuron_watch import (
    BusyCores,
    NeuronMetrics,
    define_neuron_alarms,
    grant_watch,
)
from peakfleet.load_balancer import (
    HEALTH_CHECK_PATH,
    Front,
    check_addresses,
    check_service,
    clients_of,
    define_front,
)
from peakfleet.policy import Readiness, SafetyNet
from peakfleet.pools import CapacityPool
from peakfleet.signals import DemandSignal
from peakfleet_planner import SpecError

_LOADED_WITHIN = Duration.minutes(15)


class InferenceFleet(NeuronMetrics, IntentFleet):
    """Servers of a model on Inferentia2, and on other chips once that has run dry.

    Defines an internal Application Load Balancer, a `BurstFleet` whose demand is the requests
    that it gets, and alarms on what the Neuron chips report. Each pool boots its own script: it
    unpacks the archive of the model for its chip, runs the user data, and the machine counts
    only once the server answers. Machines with Neuron publish utilisation of all their
    NeuronCores, errors, latency and memory to the namespace `PeakFleet/Neuron/` and the fleet's
    name, and give themselves up to their group when a chip fails. Processor load is read nowhere:
    it says nothing of a chip.

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
        options: See `FleetOptions`. The user data is what starts the server: the model is in
            `$PEAKFLEET_MODEL`, and `$PEAKFLEET_CHIP` says what it is compiled for. Defaults that
            differ: the safety net watches NeuronCores that are busier than 90% on average;
            `readiness` is `Readiness.signalled` within `loaded_within`, and nothing else.

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
        loaded_within: Duration | None = None,
        **options: Unpack[FleetOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        endpoint = endpoint or Endpoint.internal()
        shared = options.get("user_data") or ec2.UserData.for_linux()
        with named(self):
            check_fleet_options(self, options, FleetOptions, vpc=vpc, model=model)
            readiness = _readiness(options.get("readiness"), loaded_within)
            check_addresses(endpoint.on_premises_targets)
            check_service(port, health_check_path)
            pools = checked_pools(pools)
            _check_neuron(pools)
            subnets = options.get("vpc_subnets") or private_subnets(vpc)
            clients = clients_of(vpc, endpoint.clients) if endpoint.balanced else None
            scripts = {
                pool.name: boot_script(
                    pool,
                    shared,
                    fleet=self.fleet_name,
                    model=model,
                    health_url=f"http://127.0.0.1:{port}{health_check_path}",
                    within_seconds=readiness.within_seconds,
                )
                for pool in pools
            }
        front = None
        if clients:
            front = define_front(
                self,
                vpc=vpc,
                vpc_subnets=subnets,
                on_premises_targets=endpoint.on_premises_targets,
                port=port,
                listener_port=endpoint.listener_port,
                certificate=endpoint.certificate,
                health_check_path=health_check_path,
                clients=clients,
                deletion_protection=endpoint.deletion_protection,
                algorithm=elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            )
            with named(self):
                requests = requests_signal(
                    front.load_balancer,
                    requests_per_second_per_unit=requests_per_second_per_unit,
                    latency_goal=latency_goal,
                )
            signals = [requests, *signals]
        self._front: Front | None = front
        options["user_data"] = shared
        options["vpc_subnets"] = subnets
        options["readiness"] = readiness
        options["safety_net"] = options.get("safety_net") or SafetyNet(
            net=BusyCores(fleet=self.fleet_name)
        )
        self._fleet = BurstFleet(
            self,
            "Default",
            vpc=vpc,
            pools=[replace(pool, user_data=scripts[pool.name]) for pool in pools],
            signals=signals,
            traffic=front.traffic if front else None,
            target_groups=[front.cloud] if front else (),
            **options,
        )
        for chip in sorted({compiled_for(pool) for pool in pools}):
            model.grant_fetch(self._fleet, chip)
        on_neuron = [self.groups[pool.name] for pool in pools if is_neuron(pool)]
        grant_watch(self, self._fleet.role, on_neuron, fleet=self.fleet_name)
        neuron_alarms = define_neuron_alarms(
            self, fleet=self.fleet_name, topic=options.get("alarm_topic")
        )
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


def _readiness(given: Readiness | None, loaded_within: Duration | None) -> Readiness:
    """Return how a machine says that its model is loaded, refusing what says nothing."""
    if given is None:
        return Readiness.signalled(within=loaded_within or _LOADED_WITHIN)
    if loaded_within is not None or not given.is_signalled:
        raise SpecError(
            "readiness of an inference fleet is Readiness.signalled, as a machine counts once its "
            "model is loaded; give it, or loaded_within, and not both"
        )
    return given


def _check_neuron(pools: Sequence[CapacityPool]) -> None:
    if not any(is_neuron(pool) for pool in pools):
        raise SpecError(
            f"at least one pool with NeuronCores is needed, got "
            f"{', '.join(pool.name for pool in pools)}; add CapacityPool.inferentia, or use "
            f"StreamFleet"
        )
