"""What the other stacks share: a network without internet, and the alarm topic."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws, Environment, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from peakfleet import HybridNetwork, Link
from peakfleet.findings import acknowledge
from stacks.settings import NetworkSettings, Settings

AVAILABILITY_ZONES = 3
_SERVICES = {
    "AutoScaling": ec2.InterfaceVpcEndpointAwsService.AUTOSCALING,
    "CloudWatch": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "Ssm": ec2.InterfaceVpcEndpointAwsService.SSM,
    "SsmMessages": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
    "Ec2Messages": ec2.InterfaceVpcEndpointAwsService.EC2_MESSAGES,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
}
"""What instances call besides S3: their group, metrics, logs, jobs, Session Manager for SSH, and
the token of the upload relays."""
_WITHOUT_POLICY = {"SsmMessages", "Ec2Messages"}
"""Channels of the Systems Manager agent: AWS documents no policy for their endpoints."""


class NetworkStack(Stack):
    """A VPC over three availability zones that has no way to the internet, and an alarm topic.

    Defines the VPC with isolated subnets and flow logs, a gateway endpoint for S3, interface
    endpoints for what instances call, and an encrypted SNS topic for the alarms of all stacks.
    Endpoints serve this account's identities only, and S3 this account's buckets and the packages
    of Amazon Linux. The functions that size the fleets do not run in the VPC, so DynamoDB and load
    balancer APIs need no endpoint.

    Args:
        settings: Addresses, and who is told of alarms.

    Limitations:
        The way to the company's own network is defined only if the settings name its router or
        its Direct Connect gateway. Regions need three availability zones. The VPC's
        default security group is left as EC2 makes it: closing it takes a custom resource,
        and nothing here is in it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        self._environment = settings.environment
        self.deployed_in = Environment(region=settings.region) if settings.region else None
        super().__init__(
            scope,
            construct_id,
            stack_name=self.name_of(construct_id),
            env=self.deployed_in,
            description="Network and alarm topic",
            termination_protection=settings.deletion_protection,
        )
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.network.cidr),
            # Named one by one: max_azs alone means two zones where the account is not known.
            availability_zones=[
                Fn.select(zone, Fn.get_azs()) for zone in range(AVAILABILITY_ZONES)
            ],
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Fleet", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
            ],
        )
        acknowledge(
            self.vpc,
            {
                "VPCDefaultSecurityGroupClosed": (
                    "closing it takes a custom resource, and nothing here is in it"
                )
            },
        )
        self._settings = settings.network
        self._tells_of_expiry = settings.reporter_authority is not None
        self._log_flows()
        self._add_s3_endpoint()
        endpoints = self._add_interface_endpoints(settings)
        if (link := _link(settings.network)) is not None:
            self.hybrid = HybridNetwork(
                self,
                "Hybrid",
                vpc=self.vpc,
                subnets=self.vpc.isolated_subnets,
                vpc_cidr=settings.network.cidr,
                on_premises_cidrs=[settings.network.on_premises_cidr],
                link=link,
                existing_endpoints={"Monitoring": endpoints["CloudWatch"]},
            )
        self.alarm_topic = self._make_alarm_topic()
        if settings.alarm_email is not None:
            self.alarm_topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))

    def name_of(self, construct_id: str) -> str:
        """Return what a stack or a namespace of metrics is called in this environment.

        So an account may hold several environments, and none reads what another one publishes.
        """
        return f"{construct_id}-{self._environment}"

    def security_group(self, scope: Construct, *, description: str) -> ec2.SecurityGroup:
        """Return a security group for instances, which reach HTTPS inside the VPC and S3 only.

        S3 is its prefix list, where the settings name it, else every address: the subnets have
        routes to the VPC, to S3 and to what the company attaches.
        """
        group = ec2.SecurityGroup(
            scope, "Instances", vpc=self.vpc, description=description, allow_all_outbound=False
        )
        prefix_list, https = self._settings.s3_prefix_list, ec2.Port.tcp(443)
        if prefix_list is None:
            group.add_egress_rule(ec2.Peer.any_ipv4(), https, "endpoints and S3")
        else:
            group.add_egress_rule(ec2.Peer.ipv4(self._settings.cidr), https, "endpoints")
            group.add_egress_rule(ec2.Peer.prefix_list(prefix_list), https, "S3")
        return group

    def _log_flows(self) -> None:
        log_group = logs.LogGroup(
            self,
            "Flows",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        flows = self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group)
        )
        acknowledge(flows, {"IAMNoInlinePolicy": "of this role alone, it comes and goes with it"})
        acknowledge(
            log_group, {"CloudWatchLogGroupEncrypted": "encrypted with the key of CloudWatch Logs"}
        )

    def _add_s3_endpoint(self) -> None:
        endpoint = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        endpoint.add_to_policy(_of_this_account({"aws:ResourceAccount": Aws.ACCOUNT_ID}))
        # dnf asks for packages without credentials.
        packages = f"arn:{Aws.PARTITION}:s3:::al2023-repos-{Aws.REGION}-de612dc2/*"
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()], actions=["s3:GetObject"], resources=[packages]
            )
        )

    def _add_interface_endpoints(self, settings: Settings) -> dict[str, ec2.InterfaceVpcEndpoint]:
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="AWS services, as seen from the instances",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.ipv4(settings.network.cidr), ec2.Port.tcp(443), "HTTPS")
        made = {}
        for name, service in _SERVICES.items():
            endpoint = self.vpc.add_interface_endpoint(
                name, service=service, open=False, security_groups=[group]
            )
            if name not in _WITHOUT_POLICY:
                endpoint.add_to_policy(_of_this_account())
            made[name] = endpoint
        return made

    def _make_alarm_topic(self) -> sns.Topic:
        cloudwatch = iam.ServicePrincipal(
            "cloudwatch.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        # CloudWatch cannot publish to a topic that AWS's own SNS key encrypts.
        key = kms.Key(
            self,
            "AlarmKey",
            description="Encrypts alarms on their way",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        key.grant_encrypt_decrypt(cloudwatch)
        if self._tells_of_expiry:
            key.grant_encrypt_decrypt(iam.ServicePrincipal("events.amazonaws.com"))
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        topic.grant_publish(cloudwatch)
        return topic


def _link(settings: NetworkSettings) -> Link | None:
    if settings.vpn_router is not None:
        return Link.vpn(settings.vpn_router)
    if settings.direct_connect_gateway is not None:
        return Link.direct_connect(settings.direct_connect_gateway)
    return None


def _of_this_account(conditions: Mapping[str, str] | None = None) -> iam.PolicyStatement:
    """Return the statement of an endpoint's policy that admits this account's identities."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=["*"],
        resources=["*"],
        conditions={"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID, **(conditions or {})}},
    )
