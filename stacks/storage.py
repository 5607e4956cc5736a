"""A photo and file service: ingest of new files on a queue, sync by throughput."""

from __future__ import annotations

from typing import cast

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from peakfleet import Baseline, BurstFleet, DemandSignal, QueueFleet, ServiceLevel
from peakfleet.findings import acknowledge
from stacks._bucket import access_log_bucket, grant_upload, private_bucket
from stacks._findings import acknowledge_grants
from stacks._metadata import MetadataStore
from stacks._pools import known_peaks_of, pools_of
from stacks._worker import PORT, Worker, grant_put_metrics, let_report
from stacks.network import NetworkStack
from stacks.settings import Settings

INCOMING = "incoming/"
HTTPS = 443
TOKEN_CHARACTERS = 64


class StorageStack(Stack):
    """Files arrive in a bucket; fleets take over what the company's own servers cannot carry.

    Defines the bucket, the `Ingest` fleet, which writes a checksum and a thumbnail for each
    object under `incoming/`, the `Sync` fleet of upload relays behind an internal network load
    balancer, the secret token that uploads must carry, and a managed policy for the company's own
    servers, which work on the same queue and bucket. `Ingest` runs on storage-optimised Graviton:
    large files pass through local NVMe, which is made ready at every boot (`workers/scratch.sh`).

    Args:
        settings: Sizes, baselines and prices.
        network: Where the fleets run and whom they alarm.

    Limitations:
        The company's sync gateway must report `BytesOffered` every 10 seconds, with a storage
        resolution of a second, and `HealthyUnits` (MB/s) and `Reporting` (docs/hybrid.md) every
        minute, all in `OnPrem/Sync-dev`; `dev` stands for the environment.
        It must send what it cannot carry itself to the relays, each upload with
        `Authorization: Bearer TOKEN`. After a rotation the relays admit the token before it, too.
        The load balancer ends TLS, where the settings have a certificate.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, network: NetworkStack
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=network.name_of(construct_id),
            env=network.deployed_in,
            description="File ingest and sync",
            termination_protection=settings.deletion_protection,
        )
        self.files = private_bucket(
            self, "Files", access_logs=access_log_bucket(self, "AccessLogs")
        )
        self.on_premises = iam.ManagedPolicy(
            self, "OnPremises", description="What the company's own file servers may do"
        )
        self.metadata = (
            None
            if settings.metadata is None
            else MetadataStore(
                self,
                "Metadata",
                settings=settings.metadata,
                network=network,
                deletion_protection=settings.deletion_protection,
            )
        )
        self._limits = [] if self.metadata is None else [self.metadata.limit()]
        self.ingest = self._make_ingest(settings, network)
        self.sync = self._make_sync(settings, network)
        if self.metadata is not None:
            self.metadata.admit(self.ingest.fleet, user="ingest")
            self.metadata.admit(self.sync, user="sync")
        let_report(self, settings, network, sync=network.name_of("OnPrem/Sync"))
        acknowledge_grants(self, self.on_premises, self.ingest.fleet.role, self.sync.role)

    def _make_ingest(self, settings: Settings, network: NetworkStack) -> QueueFleet:
        ingest = QueueFleet(
            self,
            "Ingest",
            vpc=network.vpc,
            pools=pools_of(settings.ingest, settings.prices),
            known_peaks=known_peaks_of(settings.ingest),
            seconds_per_message=settings.ingest.seconds_per_job,
            drain_within=Duration.minutes(settings.ingest.drain_within_minutes),
            baseline=Baseline.fixed(settings.ingest.baseline_units),
            downstream_limits=self._limits,
            security_groups=[
                network.security_group(Construct(self, "IngestNetwork"), description="Ingest")
            ],
            alarm_topic=network.alarm_topic,
        )
        Worker(
            self,
            "IngestWorker",
            fleet=ingest.fleet,
            program="queue_worker",
            packages=("python3-pillow",),
            environment={
                "PEAKFLEET_QUEUE_URL": ingest.queue.queue_url,
                "PEAKFLEET_JOB": "workers.ingest_job",
                "PEAKFLEET_SECONDS_PER_JOB": str(settings.ingest.seconds_per_job),
            },
            alarm_topic=network.alarm_topic,
        )
        self._notify_of_new_files(ingest)
        for grantee in (ingest, self.on_premises):
            self.files.grant_read(grantee, f"{INCOMING}*")
            grant_upload(self.files, grantee, "checksums/*", "thumbnails/*")
        ingest.queue.grant_consume_messages(self.on_premises)
        return ingest

    def _notify_of_new_files(self, fleet: QueueFleet) -> None:
        """Send an event for each new file to the queue.

        Written on the bucket itself: `add_event_notification` would deploy a custom resource.
        The queue must admit S3 before the bucket exists, so it admits this account's buckets.
        """
        allowed = fleet.queue.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                resources=[fleet.queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        bucket = cast("s3.CfnBucket", self.files.node.default_child)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=fleet.queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=INCOMING)]
                        )
                    ),
                )
            ]
        )
        if allowed.policy_dependable is not None:
            self.files.node.add_dependency(allowed.policy_dependable)

    def _make_sync(self, settings: Settings, network: NetworkStack) -> BurstFleet:
        namespace = network.name_of("OnPrem/Sync")
        sync = BurstFleet(
            self,
            "Sync",
            vpc=network.vpc,
            pools=pools_of(settings.sync, settings.prices),
            known_peaks=known_peaks_of(settings.sync),
            signals=[
                DemandSignal.throughput(
                    cloudwatch.Metric(
                        namespace=namespace,
                        metric_name="BytesOffered",
                        statistic="Sum",
                        period=Duration.seconds(10),
                    )
                )
            ],
            baseline=Baseline.reported(
                namespace=namespace,
                metric_name="HealthyUnits",
                declared_units=settings.sync.baseline_units,
                heartbeat="Reporting",
            ),
            service_level=ServiceLevel.custom(unserved_cost=30, hold=Duration.minutes(7)),
            downstream_limits=self._limits,
            security_groups=[
                network.security_group(Construct(self, "SyncNetwork"), description="Sync")
            ],
            alarm_topic=network.alarm_topic,
        )
        token = secretsmanager.Secret(
            self,
            "UploadToken",
            description="What uploads to the sync relays must carry",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                password_length=TOKEN_CHARACTERS, exclude_punctuation=True
            ),
        )
        rotated = "people rotate it, as the company's gateway must learn it in the same hour"
        acknowledge(
            token,
            {
                "AwsSolutions-SMG4": rotated,
                "SecretsManagerRotationEnabled": rotated,
                "SecretsManagerUsingKMSKey": "encrypted with the key of Secrets Manager",
            },
        )
        for grantee in (sync, self.on_premises):
            token.grant_read(grantee)
        Worker(
            self,
            "SyncWorker",
            fleet=sync,
            program="sync_relay",
            environment={
                "PEAKFLEET_BUCKET": self.files.bucket_name,
                "PEAKFLEET_UPLOAD_TOKEN": token.secret_arn,
            },
            alarm_topic=network.alarm_topic,
        )
        grant_upload(self.files, sync, "sync/*")
        grant_put_metrics(self.on_premises, namespace)
        self._balance_relays(sync, settings, network)
        return sync

    def _balance_relays(self, fleet: BurstFleet, settings: Settings, network: NetworkStack) -> None:
        balancer = elbv2.NetworkLoadBalancer(
            self,
            "Relays",
            vpc=network.vpc,
            internet_facing=False,
            cross_zone_enabled=True,
            deletion_protection=settings.deletion_protection,
        )
        company = ec2.Peer.ipv4(settings.network.on_premises_cidr)
        arn = settings.certificate_arn
        listener_port = PORT if arn is None else HTTPS
        balancer.connections.allow_from(
            company, ec2.Port.tcp(listener_port), "the company's sync gateway"
        )
        fleet.connections.allow_from(
            balancer, ec2.Port.tcp(PORT), "relayed uploads and health checks"
        )
        targets = elbv2.NetworkTargetGroup(
            self,
            "RelayTargets",
            vpc=network.vpc,
            port=PORT,
            protocol=elbv2.Protocol.TCP,
            target_type=elbv2.TargetType.INSTANCE,
            health_check=elbv2.HealthCheck(
                path="/healthz", protocol=elbv2.Protocol.HTTP, interval=Duration.seconds(10)
            ),
            deregistration_delay=Duration.seconds(60),
        )
        for group in fleet.groups.values():
            group.attach_to_network_target_group(targets)
        uploads = balancer.add_listener(
            "Uploads",
            port=listener_port,
            protocol=elbv2.Protocol.TCP if arn is None else elbv2.Protocol.TLS,
            certificates=None if arn is None else [elbv2.ListenerCertificate(arn)],
            ssl_policy=None if arn is None else elbv2.SslPolicy.RECOMMENDED_TLS,
            default_target_groups=[targets],
        )
        logs = "the app is bound to no region, and these balancers log TLS listeners only"
        acknowledge(balancer, {"AwsSolutions-ELB2": logs, "ELBLoggingEnabled": logs})
        if arn is None:
            acknowledge(
                uploads,
                {
                    "ELBv2ACMCertificateRequired": (
                        "internal, for the company's gateway alone; certificate_arn makes it TLS"
                    )
                },
            )
