"""The metadata store of the file service: Aurora Serverless v2 behind RDS Proxy."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

from peakfleet import BurstFleet, DownstreamLimit
from stacks.network import NetworkStack
from stacks.settings import MetadataSettings

_PORT = 5432


class MetadataStore(Construct):
    """An Aurora PostgreSQL cluster that grows by itself, and a proxy that shares its connections.

    Args:
        settings: Its size and its connections.
        network: Where it runs.
        deletion_protection: Whether it refuses to be deleted, and leaves a snapshot.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: MetadataSettings,
        network: NetworkStack,
        deletion_protection: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=rds.DatabaseClusterEngine.aurora_postgres(
                version=rds.AuroraPostgresEngineVersion.VER_17_7
            ),
            writer=rds.ClusterInstance.serverless_v2("Writer"),
            serverless_v2_min_capacity=settings.least_capacity_units,
            serverless_v2_max_capacity=settings.most_capacity_units,
            vpc=network.vpc,
            vpc_subnets=subnets,
            port=_PORT,
            storage_encrypted=True,
            iam_authentication=True,
            deletion_protection=deletion_protection,
            removal_policy=RemovalPolicy.SNAPSHOT if deletion_protection else RemovalPolicy.DESTROY,
        )
        if cluster.secret is None:
            raise TypeError("a cluster with generated credentials has a secret")
        self._proxy = cluster.add_proxy(
            "Proxy",
            vpc=network.vpc,
            vpc_subnets=subnets,
            secrets=[cluster.secret],
            require_tls=True,
            iam_auth=True,
        )

    def limit(self) -> DownstreamLimit:
        """Return what a fleet may use of it."""
        return DownstreamLimit.rds_proxy(
            self._proxy,
            at_most=self._settings.busy_connections,
            critical=self._settings.most_connections,
            load_per_unit=self._settings.connections_per_unit,
        )

    def admit(self, fleet: BurstFleet, *, user: str) -> None:
        """Let the instances of a fleet connect as a user of the database."""
        fleet.connections.allow_to(self._proxy, ec2.Port.tcp(_PORT), "the metadata store")
        self._proxy.grant_connect(fleet, user)
