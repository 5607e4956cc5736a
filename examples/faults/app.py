"""The fleets of the fault scenarios: one stack each, chosen by the context value `fleet`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from aws_cdk import App, Duration, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_elasticloadbalancingv2_targets as targets
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet import (
    Baseline,
    BurstFleet,
    CapacityBlock,
    CapacityPool,
    Checkpoints,
    DemandSignal,
    DownstreamLimit,
    Drain,
    Endpoint,
    Foresight,
    InferenceFleet,
    Maintenance,
    Model,
    OwnRecord,
    Purchase,
    QueueFleet,
    Readiness,
    RegionShare,
    Site,
    StreamFleet,
    TrafficSpec,
    TrainingFleet,
    WeightedRecords,
)

ZONES = 3
SERVERS = CapacityPool.graviton(
    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=10, max_instances=60
)
OWN_SIDE = Baseline.fixed(100)
REPORTED = Baseline.reported(namespace="Scenarios", metric_name="HealthyUnits", declared_units=100)
BLOCK = "cr-0123456789abcdef0"


class FaultStack(Stack):
    """A network over three zones, a demand metric, and what each fleet adds to them."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Network",
            availability_zones=[Fn.select(zone, Fn.get_azs()) for zone in range(ZONES)],
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Fleet", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            ],
        )
        self.demand = DemandSignal.metric(
            cloudwatch.Metric(
                namespace="Scenarios", metric_name="Demand", period=Duration.minutes(1)
            )
        )


class ServiceStack(FaultStack):
    """Workers that say when they are ready and when they are busy: Spot, then On-Demand, then x86.

    Spot is worth a third of On-Demand here, as it often is for these types.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, baseline: Baseline = OWN_SIDE
    ) -> None:
        super().__init__(scope, construct_id)
        BurstFleet(
            self,
            "Workers",
            vpc=self.vpc,
            baseline=baseline,
            signals=[self.demand],
            foresight=Foresight.off(),
            drain=Drain.when_idle(at_most=Duration.minutes(30)),
            readiness=Readiness.signalled(within=Duration.minutes(5)),
            pools=[
                CapacityPool.graviton(
                    "c8g.4xlarge",
                    "c7g.4xlarge",
                    units_per_instance=10,
                    max_instances=30,
                    purchase=Purchase.spot(),
                    usd_per_hour=0.21,
                ),
                CapacityPool.graviton(
                    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=10, max_instances=30
                ),
                CapacityPool.x86("c7i.4xlarge", units_per_instance=10, max_instances=30),
            ],
        )


class RequestsStack(FaultStack):
    """Servers behind a balancer that splits its traffic between them and those on premises."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets),
            internet_facing=False,
        )
        on_premises = elbv2.ApplicationTargetGroup(
            self,
            "OnPremises",
            vpc=self.vpc,
            port=80,
            target_type=elbv2.TargetType.IP,
            targets=[targets.IpTarget("10.200.0.10", 80, "all")],
        )
        cloud = elbv2.ApplicationTargetGroup(
            self, "Cloud", vpc=self.vpc, port=80, target_type=elbv2.TargetType.INSTANCE
        )
        listener = balancer.add_listener(
            "Listener",
            port=80,
            open=False,
            default_action=elbv2.ListenerAction.weighted_forward(
                [
                    elbv2.WeightedTargetGroup(target_group=on_premises, weight=100),
                    elbv2.WeightedTargetGroup(target_group=cloud, weight=0),
                ]
            ),
        )
        BurstFleet(
            self,
            "Requests",
            vpc=self.vpc,
            baseline=Baseline.fixed(100),
            signals=[DemandSignal.request_rate(balancer)],
            foresight=Foresight.off(),
            target_groups=[cloud],
            traffic=TrafficSpec(
                listener_arn=listener.listener_arn,
                baseline_target_group_arn=on_premises.target_group_arn,
                cloud_target_group_arn=cloud.target_group_arn,
            ),
            pools=[
                CapacityPool.graviton(
                    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=10, max_instances=60
                )
            ],
        )


class HybridStack(FaultStack):
    """Workers above two sites that report, with work on one of them, and a store that they load."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        switches = Maintenance(
            "switches",
            start=datetime(2026, 1, 1, 2, 20, tzinfo=UTC),
            duration=Duration.minutes(30),
            repeats="daily",
        )
        connections = cloudwatch.Metric(
            namespace="Scenarios", metric_name="Connections", period=Duration.minutes(1)
        )
        BurstFleet(
            self,
            "Hybrid",
            vpc=self.vpc,
            baseline=Baseline.sites(
                Site("fra", _reported("fra", 200, maintenance=[switches])),
                Site("ams", _reported("ams", 100)),
            ),
            downstream_limits=[
                DownstreamLimit.of(
                    "metadata", connections, at_most=400, critical=500, load_per_unit=2
                )
            ],
            signals=[self.demand],
            foresight=Foresight.off(),
            pools=[
                CapacityPool.graviton(
                    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=10, max_instances=60
                )
            ],
        )


def _reported(site: str, units: float, *, maintenance: Sequence[Maintenance] = ()) -> Baseline:
    return Baseline.reported(
        namespace=f"OnPrem/hybrid/{site}",
        metric_name="HealthyUnits",
        declared_units=units,
        heartbeat="Reporting",
        maintenance=maintenance,
    )


class EdgesStack(FaultStack):
    """Servers of two sites and of a fleet, behind one balancer."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        StreamFleet(
            self,
            "Edges",
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets),
            on_premises_targets={"fra": ["10.200.0.10"], "ams": ["10.201.0.10"]},
            baseline=Baseline.sites(
                Site("fra", _reported("fra", 100)), Site("ams", _reported("ams", 100))
            ),
            signals=[self.demand],
            foresight=Foresight.off(),
            pools=[SERVERS],
            deletion_protection=False,
        )


class NamedStack(FaultStack):
    """Servers of a site and of a fleet, which one name leads to."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        check = route53.HealthCheck(
            self, "Check", type=route53.HealthCheckType.HTTPS, fqdn="fra.example.com"
        )
        records = WeightedRecords(
            self,
            "Records",
            zone=route53.PublicHostedZone(self, "Zone", zone_name="example.com"),
            record_name="live",
            own=OwnRecord(
                target=route53.RecordTarget.from_ip_addresses("192.0.2.7"), health_check=check
            ),
            cloud=route53.RecordTarget.from_ip_addresses("198.51.100.4"),
        )
        BurstFleet(
            self,
            "Named",
            vpc=self.vpc,
            traffic=records.traffic,
            baseline=Baseline.fixed(100),
            signals=[self.demand],
            foresight=Foresight.off(),
            pools=[SERVERS],
        )


class RegionStack(FaultStack):
    """One of two regions, each with half of the baseline, instance types of its own and a record.

    Both are stacks of one region here: types stand for regions, so that one can be dry alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        region: str,
        instance_type: str,
        zone: route53.IHostedZone | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.zone = zone or route53.PublicHostedZone(self, "Zone", zone_name="example.com")
        share = RegionShare(zone=self.zone, record_name="live", region=region, share=0.5)
        demand = cloudwatch.Metric(
            namespace=f"Scenarios/{region}", metric_name="Demand", period=Duration.minutes(1)
        )
        BurstFleet(
            self,
            "Live",
            vpc=self.vpc,
            region=share,
            baseline=Baseline.fixed(100),
            signals=[DemandSignal.metric(demand)],
            foresight=Foresight.off(),
            pools=[CapacityPool.graviton(instance_type, units_per_instance=10, max_instances=60)],
        )
        share.define_record(
            self, "Record", target=route53.RecordTarget.from_ip_addresses("198.51.100.4")
        )


def two_regions(scope: Construct, construct_id: str) -> None:
    """Define both regions; the scenarios call the second one dry."""
    east = RegionStack(scope, f"{construct_id}A", region="east", instance_type="c7g.4xlarge")
    RegionStack(
        scope, f"{construct_id}B", region="west", instance_type="c8g.4xlarge", zone=east.zone
    )


class QueueStack(FaultStack):
    """Workers that drain a queue of one-minute messages, which has no dead-letter queue."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        QueueFleet(
            self,
            "Queue",
            vpc=self.vpc,
            baseline=Baseline.none(),
            queue=sqs.Queue(self, "Work", enforce_ssl=True),
            seconds_per_message=60,
            drain_within=Duration.minutes(10),
            foresight=Foresight.off(),
            pools=[
                CapacityPool.graviton(
                    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=10, max_instances=60
                ),
                CapacityPool.x86("c7i.4xlarge", units_per_instance=10, max_instances=30),
            ],
        )


class RankingStack(FaultStack):
    """Servers of a model: Inferentia2, then Trainium, then Graviton."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        models = s3.Bucket(
            self,
            "Models",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        InferenceFleet(
            self,
            "Ranking",
            vpc=self.vpc,
            model=Model.in_bucket(models, prefix="ranking/7"),
            endpoint=Endpoint.none(),
            baseline=Baseline.fixed(2_000),
            signals=[self.demand],
            foresight=Foresight.off(),
            loaded_within=Duration.minutes(15),
            pools=[
                CapacityPool.inferentia("inf2.xlarge", units_per_instance=800, max_instances=20),
                CapacityPool.trainium("trn1.2xlarge", units_per_instance=1_000, max_instances=8),
                CapacityPool.graviton(
                    "c8g.4xlarge", "c7g.4xlarge", units_per_instance=90, max_instances=60
                ),
            ],
        )


class TrainingStack(FaultStack):
    """Four machines that train as one, in one zone."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        instance_type: str,
        reservation: CapacityBlock | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        runs = s3.Bucket(
            self,
            "Runs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
        )
        TrainingFleet(
            self,
            "Training",
            vpc=self.vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=[self.vpc.isolated_subnets[0]]),
            machines=CapacityPool.trainium(instance_type, max_instances=4),
            command="bash /opt/train/start.sh",
            checkpoints=Checkpoints.in_bucket(runs, prefix="ranking/7"),
            reservation=reservation,
        )


STACKS: Mapping[str, Callable[[Construct, str], object]] = {
    "workers": ServiceStack,
    "reported": partial(ServiceStack, baseline=REPORTED),
    "requests": RequestsStack,
    "hybrid": HybridStack,
    "edges": EdgesStack,
    "named": NamedStack,
    "regions": two_regions,
    "queue": QueueStack,
    "ranking": RankingStack,
    "training": partial(TrainingStack, instance_type="trn1.32xlarge"),
    "training-in-block": partial(
        TrainingStack, instance_type="trn2.48xlarge", reservation=CapacityBlock.of(BLOCK)
    ),
}

app = App()
STACKS[app.node.try_get_context("fleet") or "workers"](app, "Faults")
app.synth()
