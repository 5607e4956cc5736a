"""A fleet in plain CDK, as a careful engineer writes it without the library.

What ours costs is measured beside it, so that it is as cheap as it can be: what is the same for
many is made once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

MINUTE, HOUR, BOOT = Duration.minutes(1), Duration.hours(1), Duration.minutes(3)
GROUP_METRICS = [autoscaling.GroupMetrics.all()]
FLEET_PARTS = (
    "fleet",
    "instance",
    "network-interface",
    "security-group",
    "subnet",
    "volume",
    "image",
)
SESSION_MANAGER = [
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]


def by_hand(stack: Stack, vpc: ec2.IVpc, number: int) -> None:
    """Define the same groups, alarms and schedules without the library.

    The same, resource by resource: role with Session Manager, instance profile and security group;
    launch templates with IMDSv2 only, an encrypted gp3 volume, minute metrics and no public
    address; groups with their metrics, warm-up, grace period, maintenance policy, the Spot pool's
    two types, names and tags that propagate, and the policy that only adds; five alarms with
    descriptions and what missing data means, and the one that rings with any; two schedules with a
    dead-letter queue, one retry and a greatest age; the function's log group and alarms, and what
    it may do with these groups and templates. Not there: the other functions, the events' rules,
    the table, what security packs are told, and every check.
    """
    fleet = Construct(stack, f"Fleet{number}")
    own = _own_function(stack)
    role = iam.Role(fleet, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    role.add_to_policy(iam.PolicyStatement(actions=SESSION_MANAGER, resources=["*"]))
    profile = iam.InstanceProfile(fleet, "Profile", role=role)
    security = ec2.SecurityGroup(
        fleet, "Security", vpc=vpc, description=f"Instances of fleet {number}"
    )
    way_out = vpc.internet_connectivity_established
    templates, groups = [], []
    for pool in ("Spot", "Graviton", "X86"):
        branch = Construct(fleet, pool)
        template = ec2.LaunchTemplate(
            branch,
            "Template",
            instance_type=ec2.InstanceType("c7i.4xlarge" if pool == "X86" else "c8g.4xlarge"),
            machine_image=ec2.MachineImage.latest_amazon_linux2023(
                cpu_type=ec2.AmazonLinuxCpuType.X86_64
                if pool == "X86"
                else ec2.AmazonLinuxCpuType.ARM_64
            ),
            instance_profile=profile,
            security_group=security,
            http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            associate_public_ip_address=False,
            detailed_monitoring=True,
            ebs_optimized=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        20, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3
                    ),
                )
            ],
        )
        group = autoscaling.AutoScalingGroup(
            branch,
            "Group",
            vpc=vpc,
            launch_template=None if pool == "Spot" else template,
            mixed_instances_policy=_on_spot(template) if pool == "Spot" else None,
            max_capacity=50,
            min_capacity=0,
            default_instance_warmup=BOOT,
            group_metrics=GROUP_METRICS,
            min_healthy_percentage=100,
            max_healthy_percentage=110,
            health_checks=autoscaling.HealthChecks.ec2(grace_period=BOOT),
        )
        Tags.of(branch).add("Name", f"Fleet{number} {pool}")
        group.node.add_dependency(way_out)
        group.scale_on_cpu_utilization("Net", target_utilization_percent=90, disable_scale_in=True)
        templates.append(template)
        groups.append(group)
    _may_size(own, templates, groups)
    _alarms(fleet, own, number)
    names = [group.auto_scaling_group_name for group in groups]
    for name, every in (("Tick", MINUTE), ("Learn", HOUR)):
        scheduler.Schedule(
            fleet,
            name,
            description=f"{name} of fleet {number}",
            schedule=scheduler.ScheduleExpression.rate(every),
            target=targets.LambdaInvoke(
                own.function,
                input=scheduler.ScheduleTargetInput.from_object(
                    {"fleet": f"Fleet{number}", "groups": names}
                ),
                max_event_age=every,
                retry_attempts=1,
                dead_letter_queue=own.dead_letters,
            ),
        )
    Tags.of(fleet).add("fleet", f"Fleet{number}")


class _OwnFunction(Construct):
    """The one function of a stack, its log group, its dead-letter queue and their alarms."""

    def __init__(self, stack: Stack, construct_id: str) -> None:
        super().__init__(stack, construct_id)
        self.ec2_arn = f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}"
        self.dead_letters = sqs.Queue(
            self, "DeadLetters", enforce_ssl=True, retention_period=Duration.days(14)
        )
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(_code())),
            log_group=logs.LogGroup(self, "Logs", retention=logs.RetentionDays.ONE_MONTH),
            dead_letter_queue=self.dead_letters,
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    "autoscaling:DescribeAutoScalingGroups",
                    "autoscaling:DescribeScalingActivities",
                    "cloudwatch:GetMetricData",
                    "ec2:DescribeLaunchTemplateVersions",
                ],
                resources=["*"],
            )
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["ec2:CreateFleet"],
                resources=[f"{self.ec2_arn}:{part}/*" for part in FLEET_PARTS],
            )
        )
        self.alarms = [
            cloudwatch.Alarm(
                self,
                name,
                metric=metric,
                alarm_description=f"{name}: read the log of the function",
                threshold=0,
                evaluation_periods=minutes,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            for name, metric, minutes in (
                ("Errors", self.function.metric_errors(period=MINUTE), 3),
                (
                    "DeadLetter",
                    self.dead_letters.metric_approximate_number_of_messages_visible(period=MINUTE),
                    1,
                ),
            )
        ]


@cache
def _code() -> Path:
    """Return a folder with code: what is sent inline has 4 KB at most."""
    folder = Path(tempfile.mkdtemp(prefix="by-hand-"))
    (folder / "index.py").write_text("def handler(event, context): pass\n", encoding="utf-8")
    return folder


def _own_function(stack: Stack) -> _OwnFunction:
    found = stack.node.try_find_child("Own")
    return found if isinstance(found, _OwnFunction) else _OwnFunction(stack, "Own")


def _on_spot(template: ec2.LaunchTemplate) -> autoscaling.MixedInstancesPolicy:
    return autoscaling.MixedInstancesPolicy(
        launch_template=template,
        launch_template_overrides=[
            autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType(kind))
            for kind in ("c8g.4xlarge", "c7g.4xlarge")
        ],
        instances_distribution=autoscaling.InstancesDistribution(
            on_demand_base_capacity=0,
            on_demand_percentage_above_base_capacity=0,
            spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        ),
    )


def _may_size(
    own: _OwnFunction,
    templates: Sequence[ec2.LaunchTemplate],
    groups: Sequence[autoscaling.AutoScalingGroup],
) -> None:
    """Let the function size these groups, and launch from these templates."""
    own.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "autoscaling:LaunchInstances",
                "autoscaling:ResumeProcesses",
                "autoscaling:SetDesiredCapacity",
                "autoscaling:SuspendProcesses",
                "autoscaling:TerminateInstanceInAutoScalingGroup",
            ],
            resources=[group.auto_scaling_group_arn for group in groups],
        )
    )
    own.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["ec2:CreateFleet"],
            resources=[
                f"{own.ec2_arn}:launch-template/{template.launch_template_id}"
                for template in templates
            ],
        )
    )


def _alarms(fleet: Construct, own: _OwnFunction, number: int) -> None:
    """Define the alarms of a fleet, and the one that rings when any does, the function's too."""
    alarms = []
    for name in ("NoTicks", "Unserved", "Pools", "Capacity", "Lasting"):
        is_silence = name == "NoTicks"
        metric = cloudwatch.Metric(
            namespace="Live",
            metric_name=name,
            dimensions_map={"Fleet": f"Fleet{number}"},
            statistic="SampleCount" if is_silence else "Maximum",
            period=MINUTE,
        )
        alarm = cloudwatch.Alarm(
            fleet,
            name,
            metric=cloudwatch.MathExpression(
                expression="FILL(m, 0)", using_metrics={"m": metric}, period=MINUTE
            )
            if is_silence
            else metric,
            alarm_description=f"{name} of fleet {number}: what it means, and what to do about it",
            threshold=1 if is_silence else 0,
            evaluation_periods=5,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            if is_silence
            else cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING
            if is_silence
            else cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarms.append(alarm)
    cloudwatch.CompositeAlarm(
        fleet,
        "Health",
        alarm_description=f"An alarm of fleet {number} or of its function rings",
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *(
                cloudwatch.AlarmRule.from_alarm(one, cloudwatch.AlarmState.ALARM)
                for one in (*alarms, *own.alarms)
            )
        ),
    )
