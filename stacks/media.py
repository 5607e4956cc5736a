"""A media service: transcoding on a queue with a deadline, live streaming behind a balancer."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from constructs import Construct

from peakfleet import (
    Baseline,
    DemandSignal,
    EfficiencyLedger,
    QueueFleet,
    RegionShare,
    ServiceLevel,
    StreamFleet,
)
from stacks._bucket import access_log_bucket, grant_upload, private_bucket
from stacks._findings import acknowledge_grants
from stacks._pools import known_peaks_of, pools_of
from stacks._worker import PORT, Worker, certificate_of, grant_put_metrics, let_report
from stacks.network import NetworkStack
from stacks.settings import Settings

TRANSCODE_VOLUME_GIB = 100
"""Source and rendition of each slot's job are on the root volume."""


class MediaStack(Stack):
    """Video is transcoded and streamed; fleets take over what the company cannot carry.

    Defines the media bucket, a bucket of artefacts, the `Transcode` fleet (Graviton on Spot,
    then Graviton on demand, then x86), the `Live` fleet of edges behind an internal load
    balancer that fills the company's own edges first, and a managed policy for the company's
    own servers, which work on the same queue, bucket and streams.

    Args:
        settings: Sizes, baselines and prices.
        network: Where the fleets run and whom they alarm.

    Limitations:
        Amazon Linux 2023 has no ffmpeg. The operator puts a static build for each architecture
        into the artefact bucket, at the prefix that the settings name; without it instances of
        `Transcode` fail to boot and raise an alarm. The company must report `HealthyUnits` and
        `Reporting` (docs/hybrid.md) in `OnPrem/Transcode-dev` and `OnPrem/Live-dev` once a minute,
        and its edges `HlsStreams` and `DashStreams` in `Live-dev` every 10 seconds, with a storage
        resolution of a second, as the program of the cloud edges does; `dev` stands for the
        environment.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, network: NetworkStack
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=network.name_of(construct_id),
            env=network.deployed_in,
            description="Transcoding and live streaming",
            termination_protection=settings.deletion_protection,
        )
        access_logs = access_log_bucket(self, "AccessLogs")
        self.media = private_bucket(self, "Media", access_logs=access_logs)
        self.artefacts = private_bucket(self, "Artefacts", access_logs=access_logs)
        self.on_premises = iam.ManagedPolicy(
            self, "OnPremises", description="What the company's own media servers may do"
        )
        self._streams_namespace = network.name_of("Live")
        self.transcode = self._make_transcode(settings, network)
        self.live = self._make_live(settings, network)
        acknowledge_grants(self, self.on_premises, self.transcode.fleet.role, self.live.fleet.role)
        sites = {name.lower(): network.name_of(f"OnPrem/{name}") for name in ("Transcode", "Live")}
        grant_put_metrics(self.on_premises, *sites.values(), self._streams_namespace)
        let_report(self, settings, network, **sites)

    def _make_transcode(self, settings: Settings, network: NetworkStack) -> QueueFleet:
        prefix = settings.transcode.ffmpeg_prefix
        transcode = QueueFleet(
            self,
            "Transcode",
            vpc=network.vpc,
            pools=pools_of(
                settings.transcode, settings.prices, root_volume_gib=TRANSCODE_VOLUME_GIB
            ),
            known_peaks=known_peaks_of(settings.transcode),
            seconds_per_message=settings.transcode.seconds_per_job,
            drain_within=Duration.minutes(settings.transcode.drain_within_minutes),
            baseline=Baseline.reported(
                namespace=network.name_of("OnPrem/Transcode"),
                metric_name="HealthyUnits",
                declared_units=settings.transcode.baseline_units,
                heartbeat="Reporting",
            ),
            efficiency=EfficiencyLedger(),
            security_groups=[
                network.security_group(Construct(self, "TranscodeNetwork"), description="Transcode")
            ],
            alarm_topic=network.alarm_topic,
        )
        Worker(
            self,
            "TranscodeWorker",
            fleet=transcode.fleet,
            program="queue_worker",
            environment={
                "PEAKFLEET_QUEUE_URL": transcode.queue.queue_url,
                "PEAKFLEET_JOB": "workers.transcode_job",
                "PEAKFLEET_SECONDS_PER_JOB": str(settings.transcode.seconds_per_job),
                "PEAKFLEET_BUCKET": self.media.bucket_name,
                "PEAKFLEET_ARTEFACTS": self.artefacts.bucket_name,
                "PEAKFLEET_FFMPEG_PREFIX": prefix,
            },
            alarm_topic=network.alarm_topic,
        )
        self.artefacts.grant_read(transcode, f"{prefix}/*")
        for grantee in (transcode, self.on_premises):
            self.media.grant_read(grantee, "sources/*")
            grant_upload(self.media, grantee, "renditions/*")
        transcode.queue.grant_consume_messages(self.on_premises)
        transcode.queue.grant_send_messages(self.on_premises)
        return transcode

    def _make_live(self, settings: Settings, network: NetworkStack) -> StreamFleet:
        region = _region_share(self, settings)
        live = StreamFleet(
            self,
            "Live",
            vpc=network.vpc,
            pools=pools_of(settings.live, settings.prices),
            known_peaks=known_peaks_of(settings.live),
            signals=[
                DemandSignal.metric_math(
                    "hls + dash",
                    name="concurrent streams",
                    metrics={
                        "hls": self._streams("HlsStreams"),
                        "dash": self._streams("DashStreams"),
                    },
                    plausible_max=settings.live.plausible_max_streams,
                )
            ],
            # People leave a stream that stalls.
            service_level=ServiceLevel.custom(unserved_cost=18, hold=Duration.minutes(5)),
            port=PORT,
            clients=ec2.Peer.ipv4(settings.network.on_premises_cidr),
            on_premises_targets=settings.live.on_premises_edges,
            baseline=Baseline.reported(
                namespace=network.name_of("OnPrem/Live"),
                metric_name="HealthyUnits",
                declared_units=settings.live.baseline_units,
                heartbeat="Reporting",
            ),
            region=region,
            deletion_protection=settings.deletion_protection,
            certificate=certificate_of(self, settings),
            security_groups=[
                network.security_group(Construct(self, "LiveNetwork"), description="Live")
            ],
            alarm_topic=network.alarm_topic,
        )
        Worker(
            self,
            "LiveWorker",
            fleet=live.fleet,
            program="live_edge",
            namespace=self._streams_namespace,
            environment={"PEAKFLEET_BUCKET": self.media.bucket_name},
            alarm_topic=network.alarm_topic,
        )
        self.media.grant_read(live, "live/*")
        if region is not None:
            # Its health is not evaluated: with an empty side the balancer would count as dead.
            balancer = route53_targets.LoadBalancerTarget(live.load_balancer)
            target = route53.RecordTarget.from_alias(balancer)
            region.define_record(self, "LiveRecord", target=target)
        return live

    def _streams(self, name: str) -> cloudwatch.Metric:
        """Return the streams of one protocol, the sum over all edges; each reports so often."""
        return cloudwatch.Metric(
            namespace=self._streams_namespace,
            metric_name=name,
            statistic="Sum",
            period=Duration.seconds(10),
        )


def _region_share(scope: Construct, settings: Settings) -> RegionShare | None:
    """Return the region's share of the live fleet; None where it is alone, or has no name."""
    name = settings.live_name
    if name is None or settings.region is None:
        return None
    zone = route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=name.zone_id, zone_name=name.zone_name
    )
    return RegionShare(
        zone=zone, record_name=name.record_name, region=settings.region, share=settings.share
    )
