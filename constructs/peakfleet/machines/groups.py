"""Auto Scaling groups and launch templates of pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

from aws_cdk import CfnParameter, Duration, Stack, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IDependable

from peakfleet._tree import identity_of
from peakfleet.findings import Wildcard, acknowledge, acknowledge_policies
from peakfleet.machines.agent import InstanceAgent
from peakfleet.machines.hooks import Hooks
from peakfleet.machines.user_data import AGENT_WAY_OUT
from peakfleet.pools import ARCHITECTURES, CapacityPool, architecture_words
from peakfleet_planner import SpecError

_IMAGE_MARKS = {
    ec2.InstanceArchitecture.ARM_64: ("arm64", "aarch64"),
    ec2.InstanceArchitecture.X86_64: ("x86_64", "amd64"),
}
_DEFAULT_IMAGES = {
    ec2.InstanceArchitecture.ARM_64: ec2.MachineImage.latest_amazon_linux2023(
        cpu_type=ec2.AmazonLinuxCpuType.ARM_64
    ),
    ec2.InstanceArchitecture.X86_64: ec2.MachineImage.latest_amazon_linux2023(
        cpu_type=ec2.AmazonLinuxCpuType.X86_64
    ),
}
_NO_AGENT = ("bottlerocket", "windows")
_SDA1 = ("canonical", "ubuntu", "rhel", "redhat", "suse", "sles", "windows")
"""Images whose root device is /dev/sda1, by a part of their name or SSM parameter."""
_SESSION_MANAGER = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What Session Manager needs; AWS knows no narrower resource for it."""
_EC2 = iam.ServicePrincipal("ec2.amazonaws.com")
_NO_MAILS = "decision records, metrics and alarms tell of changes; a mail per instance is noise"
_UNREAD = "the rule reads no launch template of several types; it encrypts, and wants IMDSv2"
_INSTANCE_WILDCARDS = (
    Wildcard(
        resource=r"\*",
        actions=_SESSION_MANAGER,
        reason="AWS knows no narrower resource for Session Manager",
    ),
    Wildcard(
        resource=r"\*",
        actions=("cloudwatch:PutMetricData",),
        reason="AWS knows no resource for it; its namespace is given",
    ),
    Wildcard(
        resource=r".*:autoScalingGroup:\*:autoScalingGroupName/\*",
        actions=(
            "autoscaling:CompleteLifecycleAction",
            "autoscaling:RecordLifecycleActionHeartbeat",
            "autoscaling:SetInstanceProtection",
        ),
        reason="instances complete the hooks of their own fleet, which are known by its tag",
    ),
    Wildcard(
        resource=r".*/peakfleet-agent-\*\.zip",
        actions=("s3:GetObject",),
        reason="an older launch template fetches an older agent, and nothing else",
    ),
)
"""The stars in the policies of instances. Those of what a user grants are the user's."""
_POOL_TAG = "peakfleet:pool"  # where an instance finds its pool, for what it publishes
_IMAGES: WeakKeyDictionary[Stack, dict[str, list[str]]] = WeakKeyDictionary()
"""Names of the images of each stack, by their ids: many pools have the same."""
_WAYS_OUT: WeakKeyDictionary[ec2.IVpc, dict[ec2.SubnetType, IDependable]] = WeakKeyDictionary()
"""What connects the subnets of each network with AWS: many fleets are in the same."""
KEEPS_PROFILES = "peakfleet:keepsInstanceProfiles"
"""Context of an app whose machines may still run with an instance profile of their pool, as
before there was one for each fleet: deleted, it gives them no credentials (docs/upgrade.md)."""
_GROUP = "Group"
_GROUP_METRICS = [autoscaling.GroupMetrics.all()]
_LEAST_HEALTHY_PERCENT, _MOST_HEALTHY_PERCENT = 100, 110


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """What the groups of a fleet have in common.

    Args:
        stack: Stack of the fleet.
        vpc: Where the instances run.
        vpc_subnets: In which subnets.
        way_out: What connects the subnets with AWS.
        profile: What they run as.
        security_groups: Of their network interfaces; at least one.
        user_data: What they run at boot, in every pool without its own.
        hooks: What the groups wait for.
        agent: What completes the hooks. None: there are none.
        target_groups: What the instances join.
        tells_pool: Whether an instance finds the name of its pool in its metadata.
        volume_key: Key of the root volumes. None: the one that AWS manages.
        metadata_hop_limit: Network hops that an answer of the metadata service may take.
        monitored_by_minute: Whether EC2 publishes the instances' metrics every minute, for a price;
            else every five minutes, for nothing.
        keeps_profiles: Whether each pool keeps an instance profile of its own, see
            `KEEPS_PROFILES`.
    """

    stack: Stack
    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection
    way_out: IDependable
    profile: iam.InstanceProfile
    security_groups: Sequence[ec2.ISecurityGroup]
    user_data: ec2.UserData
    hooks: Hooks
    agent: InstanceAgent | None
    target_groups: Sequence[elbv2.IApplicationTargetGroup] = ()
    tells_pool: bool = False
    volume_key: kms.IKey | None = None
    metadata_hop_limit: int = 1
    monitored_by_minute: bool = False
    keeps_profiles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolGroup:
    """The group of a pool, and what is said of it again and again.

    The CDK runs in another process, so what it says is asked for once.

    Args:
        group: The group.
        template: What it launches from.
        name: Name of the group, a token.
        arn: ARN of the group.
        template_id: Id of the template.
        path_in_fleet: Where the group is within its fleet.
        stack: What it is in.
    """

    group: autoscaling.AutoScalingGroup
    template: ec2.LaunchTemplate
    name: str
    arn: str
    template_id: str
    path_in_fleet: str
    stack: Stack


def define_groups(
    scope: Construct, pools: Sequence[CapacityPool], settings: GroupSettings, *, fleet: str
) -> dict[str, PoolGroup]:
    """Define the Auto Scaling groups of pools. Their ids in *scope* are the pools' names."""
    groups = {pool.name: _group(scope, pool, settings, fleet=fleet) for pool in pools}
    if groups:
        unread = {"AwsSolutions-EC26": _UNREAD, "EC2IMDSv2Enabled": _UNREAD}
        mixed = unread if any(map(_is_mixed, pools)) else {}
        acknowledge(scope, {"AwsSolutions-AS3": _NO_MAILS, **mixed})
    return groups


def _group(
    scope: Construct, pool: CapacityPool, settings: GroupSettings, *, fleet: str
) -> PoolGroup:
    boot, health_checks = _boot(pool.boot_seconds)
    points = pool.to_planner(group=pool.name)
    branch = Construct(scope, pool.name)
    template = _launch_template(branch, pool, settings)
    Tags.of(branch).add("Name", f"{fleet} {pool.name}")
    is_mixed = _is_mixed(pool)
    group = _BalancedGroup(
        branch,
        _GROUP,
        vpc=settings.vpc,
        vpc_subnets=settings.vpc_subnets,
        launch_template=None if is_mixed else template,
        mixed_instances_policy=_mixed(pool, template) if is_mixed else None,
        min_capacity=points.min_capacity,
        max_capacity=points.max_capacity,
        default_instance_warmup=boot,
        group_metrics=_GROUP_METRICS,
        min_healthy_percentage=_LEAST_HEALTHY_PERCENT,
        max_healthy_percentage=_MOST_HEALTHY_PERCENT,
        health_checks=health_checks,
        instance_lifecycle_policy=settings.hooks.lifecycle_policy,
    )
    if settings.tells_pool:
        Tags.of(branch).add(_POOL_TAG, pool.name)
    if points.warm:
        group.add_warm_pool(
            min_size=points.warm.min_capacity,
            max_group_prepared_capacity=0,  # nothing more waits than the scaler says
            reuse_on_scale_in=points.warm.reuse or None,
            pool_state=autoscaling.PoolState.RUNNING
            if points.warm.state == "running"
            else autoscaling.PoolState.STOPPED,
        )
    for target_group in settings.target_groups:
        group.attach_to_application_target_group(target_group)
    node = group.node
    if settings.hooks.exist:
        resource = cast("autoscaling.CfnAutoScalingGroup", node.default_child)
        resource.lifecycle_hook_specification_list = settings.hooks.specifications
    # What drains still calls AWS, so the way there is deleted after the group.
    node.add_dependency(settings.way_out)
    name = group.auto_scaling_group_name
    return PoolGroup(
        group=group,
        template=template,
        name=name,
        arn=identity_of(settings.stack).group_arn(name),
        template_id=str(template.launch_template_id),
        path_in_fleet=f"{pool.name}/{_GROUP}",
        stack=settings.stack,
    )


def _is_mixed(pool: CapacityPool) -> bool:
    """Whether the group of a pool has a choice of types or purchase options."""
    return pool.purchase.is_spot or len(pool.instance_types) > 1


@cache  # values of the CDK's process, which pools have in common
def _boot(seconds: int) -> tuple[Duration, autoscaling.HealthChecks]:
    boot = Duration.seconds(seconds)
    return boot, autoscaling.HealthChecks.ec2(grace_period=boot)


@cache
def _instance_type(name: str) -> ec2.InstanceType:
    return ec2.InstanceType(name)


@cache
def _volume_with_aws_key(size_gib: int) -> ec2.BlockDeviceVolume:
    return _encrypted_volume(size_gib, None)


def _encrypted_volume(size_gib: int, key: kms.IKey | None) -> ec2.BlockDeviceVolume:
    return ec2.BlockDeviceVolume.ebs(
        size_gib, encrypted=True, kms_key=key, volume_type=ec2.EbsDeviceVolumeType.GP3
    )


def selected_subnets(
    vpc: ec2.IVpc, chosen: ec2.SubnetSelection | Mapping[str, Any]
) -> ec2.SelectedSubnets:
    """Return the subnets of a selection, which the CDK also takes as a mapping."""
    if isinstance(chosen, Mapping):
        chosen = ec2.SubnetSelection(**chosen)
    return vpc.select_subnets(
        availability_zones=chosen.availability_zones,
        one_per_az=chosen.one_per_az,
        subnet_filters=chosen.subnet_filters,
        subnet_group_name=chosen.subnet_group_name,
        subnets=chosen.subnets,
        subnet_type=chosen.subnet_type,
    )


def way_out_of(vpc: ec2.IVpc, chosen: ec2.SubnetSelection | Mapping[str, Any]) -> IDependable:
    """Return what connects the subnets of a selection with AWS."""
    kind = chosen.subnet_type if isinstance(chosen, ec2.SubnetSelection) else None
    if kind is None or chosen != ec2.SubnetSelection(subnet_type=kind):
        return selected_subnets(vpc, chosen).internet_connectivity_established
    known = _WAYS_OUT.setdefault(vpc, {})
    if kind not in known:
        known[kind] = selected_subnets(vpc, chosen).internet_connectivity_established
    return known[kind]


class _BalancedGroup(autoscaling.AutoScalingGroup):
    """A group that asks the load balancer for its instances' health as soon as it has one.

    It may be attached to a target group long after it was defined.
    """

    def attach_to_application_target_group(
        self, target_group: elbv2.IApplicationTargetGroup
    ) -> elbv2.LoadBalancerTargetProps:
        """Join it."""
        self._ask_load_balancer()
        return super().attach_to_application_target_group(target_group)

    def attach_to_network_target_group(
        self, target_group: elbv2.INetworkTargetGroup
    ) -> elbv2.LoadBalancerTargetProps:
        """Join it."""
        self._ask_load_balancer()
        return super().attach_to_network_target_group(target_group)

    def _ask_load_balancer(self) -> None:
        resource = cast("autoscaling.CfnAutoScalingGroup", self.node.default_child)
        resource.health_check_type = "ELB"


def _launch_template(
    scope: Construct, pool: CapacityPool, settings: GroupSettings
) -> ec2.LaunchTemplate:
    names: Sequence[str] = ()  # of the default image nothing is to be found out
    if pool.machine_image:
        config = pool.machine_image.get_image(scope)
        names = _image_names(settings.stack, config)
        _check_image(pool, config, names, has_agent=settings.agent is not None)
    script = pool.user_data or settings.user_data
    template = ec2.LaunchTemplate(
        scope,
        "Template",
        instance_type=_instance_type(pool.instance_types[0]),
        machine_image=pool.machine_image or _DEFAULT_IMAGES[pool.architecture],
        instance_profile=settings.profile,
        security_group=settings.security_groups[0],
        user_data=settings.agent.before(script) if settings.agent else script,
        instance_metadata_tags=settings.hooks.exist or settings.tells_pool or None,
        http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
        http_put_response_hop_limit=settings.metadata_hop_limit,
        associate_public_ip_address=False,
        detailed_monitoring=settings.monitored_by_minute,
        ebs_optimized=True,
        block_devices=[
            ec2.BlockDevice(
                device_name=_root_device(pool, names),
                volume=_encrypted_volume(pool.root_volume_gib, settings.volume_key)
                if settings.volume_key
                else _volume_with_aws_key(pool.root_volume_gib),
            )
        ],
    )
    if settings.keeps_profiles:
        # By the logical id that it had as a part of the template.
        roles = [settings.profile.role.role_name] if settings.profile.role else []
        iam.CfnInstanceProfile(template, "Profile", roles=roles)
    for further in settings.security_groups[1:]:
        template.add_security_group(further)
    return template


def _mixed(pool: CapacityPool, template: ec2.LaunchTemplate) -> autoscaling.MixedInstancesPolicy:
    return autoscaling.MixedInstancesPolicy(
        launch_template=template,
        launch_template_overrides=[
            # Without weights, so that a deployment never changes what desired capacity counts.
            autoscaling.LaunchTemplateOverrides(instance_type=_instance_type(kind))
            for kind in pool.instance_types
        ],
        instances_distribution=autoscaling.InstancesDistribution(
            on_demand_base_capacity=0,
            on_demand_percentage_above_base_capacity=0,
            spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
        )
        if pool.purchase.is_spot
        else autoscaling.InstancesDistribution(
            on_demand_percentage_above_base_capacity=100,
            on_demand_allocation_strategy=autoscaling.OnDemandAllocationStrategy.PRIORITIZED,
        ),
    )


def _image_names(stack: Stack, image: ec2.MachineImageConfig) -> list[str]:
    """Return the id of an image, and the SSM parameters that it comes from."""
    known = _IMAGES.setdefault(stack, {})
    if image.image_id not in known:
        known[image.image_id] = [
            image.image_id,
            *(
                str(child.default)
                for child in stack.node.children
                if isinstance(child, CfnParameter) and child.value_as_string == image.image_id
            ),
        ]
    return known[image.image_id]


def _check_image(
    pool: CapacityPool, image: ec2.MachineImageConfig, names: Sequence[str], *, has_agent: bool
) -> None:
    """Refuse an image of the other architecture, and one that the agent does not run on."""
    for architecture, marks in _IMAGE_MARKS.items():
        if architecture == pool.architecture:
            continue
        for name in names:
            if any(mark in name for mark in marks):
                raise SpecError(
                    f"pool '{pool.name}': its instance types are "
                    f"{architecture_words(pool.instance_types, pool.architecture)}, but its "
                    f"machine image {name} is "
                    f"{ARCHITECTURES[architecture]}; give an image of the same architecture"
                )
    if not has_agent:
        return
    found = [mark for mark in _NO_AGENT if any(mark in name.lower() for name in names)]
    if found or image.os_type == ec2.OperatingSystemType.WINDOWS:
        raise SpecError(
            f"pool '{pool.name}': the agent that drains instances and says when they are ready "
            f"does not run on {(found or ['windows'])[0].capitalize()}; {AGENT_WAY_OUT}"
        )


def _root_device(pool: CapacityPool, names: Sequence[str]) -> str:
    """Return the root device's name in an image, as far as the image's name tells.

    Another name would add an empty second volume, and leave the root as the image has it.
    """
    if pool.root_device is not None:
        return pool.root_device
    is_sda1 = any(mark in name.lower() for mark in _SDA1 for name in names)
    return "/dev/sda1" if is_sda1 else "/dev/xvda"


def instance_role(
    scope: Construct, *, session_manager: bool, permissions_boundary: iam.IManagedPolicy | None
) -> iam.Role:
    """Define what the instances of a fleet run as.

    Args:
        scope: Where to define it.
        session_manager: Whether people may reach them with Session Manager. AWS's own policy for
            that also lets instances read every parameter of the account.
        permissions_boundary: The most that they may ever do. None: what their policies say.
    """
    role = iam.Role(
        scope,
        "Role",
        assumed_by=_EC2,
        permissions_boundary=permissions_boundary,
    )
    if session_manager:
        role.add_to_policy(iam.PolicyStatement(actions=list(_SESSION_MANAGER), resources=["*"]))
    acknowledge_policies(scope, role, _INSTANCE_WILDCARDS)
    return role


def security_groups_of(
    scope: Construct, vpc: ec2.IVpc, given: Sequence[ec2.ISecurityGroup], *, description: str
) -> tuple[ec2.ISecurityGroup, ...]:
    """Return the security groups of a fleet's instances, defining one if none is given."""
    return tuple(given) or (
        ec2.SecurityGroup(scope, "SecurityGroup", vpc=vpc, description=description),
    )
