"""What the other stacks share: a network without internet, and the alarm topic."""

from __future__ import annotations

from aws_cdk import Aws, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.settings import Settings

AVAILABILITY_ZONES = 3
_SERVICES = {
    "AutoScaling": ec2.InterfaceVpcEndpointAwsService.AUTOSCALING,
    "CloudWatch": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "Ssm": ec2.InterfaceVpcEndpointAwsService.SSM,
    "SsmMessages": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
    "Ec2Messages": ec2.InterfaceVpcEndpointAwsService.EC2_MESSAGES,
}
"""What instances call besides S3: their group, metrics, logs, jobs, Session Manager for SSH."""


class NetworkStack(Stack):
    """A VPC over three availability zones that has no way to the internet, and an alarm topic.

    Defines the VPC with isolated subnets and flow logs, a gateway endpoint for S3, interface
    endpoints for what instances call, and an encrypted SNS topic for the alarms of all stacks.
    The functions that size the fleets do not run in the VPC, so DynamoDB and load balancer APIs
    need no endpoint.

    Args:
        settings: Addresses, and who is told of alarms.

    Limitations:
        The way to the company's own network (Direct Connect, VPN or transit gateway) is the
        company's and is not defined here. Regions need three availability zones. The VPC's
        default security group is left as EC2 makes it: closing it takes a custom resource,
        and nothing here is in it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id, description="Network and alarm topic")
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
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        self._log_flows()
        self._add_interface_endpoints(settings)
        self.alarm_topic = self._make_alarm_topic()
        if settings.alarm_email is not None:
            self.alarm_topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))

    def _log_flows(self) -> None:
        log_group = logs.LogGroup(
            self,
            "Flows",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group)
        )

    def _add_interface_endpoints(self, settings: Settings) -> None:
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="AWS services, as seen from the instances",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(ec2.Peer.ipv4(settings.network.cidr), ec2.Port.tcp(443), "HTTPS")
        for name, service in _SERVICES.items():
            self.vpc.add_interface_endpoint(
                name, service=service, open=False, security_groups=[group]
            )

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
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        topic.grant_publish(cloudwatch)
        return topic
