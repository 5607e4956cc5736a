"""TrainingFleet: machines that train a model as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Unpack

import jsii
from aws_cdk import Duration, Tags
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from peakfleet._tree import context_of, stack_of
from peakfleet._values import check_path, seconds
from peakfleet.control_plane import ControlPlane, Encryption, spec_document
from peakfleet.findings import acknowledge_policies
from peakfleet.fleet import (
    AtSynth,
    FleetMetrics,
    PlacementOptions,
    check_fleet_options,
    checked_hop_limit,
    control_plane_of,
    named,
    private_subnets,
)
from peakfleet.machines import (
    FLEET_TAG,
    KEEPS_PROFILES,
    GroupSettings,
    Hooks,
    InstanceAgent,
    instance_role,
    security_groups_of,
    way_out_of,
)
from peakfleet.policy import Drain, Readiness, SpendLimit
from peakfleet.pools import CapacityPool, check_region, prices_of
from peakfleet.training.boot import training_script
from peakfleet.training.capacity_block import CapacityBlock, OffPeak
from peakfleet.training.checkpoints import Checkpoints
from peakfleet.training.group import check_machines, define_machines, open_to_itself
from peakfleet.training.ticks import define_gang_alarms, may_train
from peakfleet_planner import SpecError
from peakfleet_planner.gang import GangSpec

_EC2_ENDS_SECONDS = 30 * 60
_TICK_SECONDS = 120
"""What passes until the next tick has seen that it is time to leave."""
_CHECKPOINT_WITHIN = Duration.minutes(8)
_COMPLETE_WITHIN = Duration.minutes(10)


@jsii.implements(iam.IGrantable, ec2.IConnectable)
class TrainingFleet(FleetMetrics, Construct):
    """Machines that train a model as one: all of them come, train and go together.

    Defines one Auto Scaling group in one availability zone, the schedule by which a `ControlPlane`
    decides for it every minute, and alarms. The group is empty until everything is there for a
    whole gang: the reservation is active, nobody with priority needs it, the last refusal is long
    enough ago. If only a part of the machines comes, it is given back in the same minute. Machines
    start once all of them serve, from the newest checkpoint; they write one before they go.

    Args:
        vpc: Where the machines run.
        machines: Their pool: Trainium, one instance type. The gang is `max_instances` of it.
        command: What trains, one line for a shell. See the guide "Training" for what it is told.
        checkpoints: Where checkpoints are kept, one prefix for each training run.
        reservation: What the machines run in, and in nothing else: `CapacityBlock.of` or
            `OffPeak.of`. Default: they are bought as the pool says.
        placement_group: A cluster placement group. Default: one of its own, unless there is a
            reservation, or only one machine.
        checkpoint_within: How long a machine that has to go may take to write a checkpoint.
            Default: 8 minutes.
        complete_within: How much longer than a boot a gang may wait for its last machine before
            all of it is given back. Default: 10 minutes.
        spend_limits: What its machines may cost, at the price of their pool: one limit of its own,
            and those that it shares. A gang that costs more does not start; one that trains goes
            on. On Spot a machine counts at the On-Demand price. Default: no limit.
        options: See `PlacementOptions`. The subnets are those of one zone. The user data runs
            before the training.

    Raises:
        SpecError: Something contradicts itself. The message says what and where.

    Limitations:
        One reservation at a time, of one account. A machine with many adapters takes an address
        for each of them from its subnet. On Spot, a machine that AWS takes back stops the whole
        gang until another one has come. The machines need boto3 and Python 3.9.

    Example:
        TrainingFleet(self, "Search", vpc=vpc, vpc_subnets=ec2.SubnetSelection(subnets=[subnet]),
                      machines=CapacityPool.trainium("trn2.48xlarge", max_instances=4),
                      command="bash /opt/train/start.sh",
                      checkpoints=Checkpoints.in_bucket(bucket, prefix="search/7"),
                      reservation=CapacityBlock.of("cr-0123456789abcdef0"))
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        machines: CapacityPool,
        command: str,
        checkpoints: Checkpoints,
        reservation: CapacityBlock | OffPeak | None = None,
        placement_group: ec2.IPlacementGroup | None = None,
        checkpoint_within: Duration = _CHECKPOINT_WITHIN,
        complete_within: Duration = _COMPLETE_WITHIN,
        spend_limits: Sequence[SpendLimit] = (),
        **options: Unpack[PlacementOptions],
    ) -> None:
        super().__init__(scope, construct_id)
        self._user_data = options.get("user_data") or ec2.UserData.for_linux()
        encryption = options.get("encryption") or Encryption()
        stack = stack_of(self)
        with named(self):
            check_path(self.fleet_name)
            check_fleet_options(
                self, options, PlacementOptions, vpc=vpc, machines=machines, reservation=reservation
            )
            self._plane = control_plane_of(self, options)
            subnets = options.get("vpc_subnets") or private_subnets(vpc)
            check_region(self, {f"pool '{machines.name}'": machines.instance_types})
            adapters = check_machines(
                machines,
                reservation=reservation,
                placement_group=placement_group,
                vpc=vpc,
                vpc_subnets=subnets,
            )
            hooks = Hooks(
                drain=Drain.when_idle(at_most=checkpoint_within),
                readiness=Readiness.in_service(),
            )
            _check_time_to_save(hooks.drain.at_most_seconds, reservation)
            script = training_script(
                self._user_data,
                command=command,
                checkpoints=checkpoints,
                checkpoint_seconds=hooks.drain.at_most_seconds,
                adapters=adapters,
            )
        self._role = instance_role(
            self,
            session_manager=options.get("session_manager", True),
            permissions_boundary=options.get("permissions_boundary"),
        )
        checkpoints.grant_machines(self._role)
        acknowledge_policies(self, self._role, checkpoints.wildcards)
        self._security_groups = security_groups_of(
            self,
            vpc,
            options.get("security_groups", ()),
            description=f"Machines of {self.fleet_name}",
        )
        if adapters:
            open_to_itself(self, self._security_groups[0])
        if isinstance(reservation, OffPeak):
            placement_group = reservation.placement_group
        elif adapters and reservation is None and placement_group is None:
            placement_group = ec2.PlacementGroup(
                self, "PlacementGroup", strategy=ec2.PlacementGroupStrategy.CLUSTER
            )
        with named(self):
            machine_group = define_machines(
                self,
                machines,
                GroupSettings(
                    stack=stack,
                    vpc=vpc,
                    vpc_subnets=subnets,
                    way_out=way_out_of(vpc, subnets),
                    profile=iam.InstanceProfile(self, "Profile", role=self._role),
                    security_groups=self._security_groups,
                    user_data=script,
                    hooks=hooks,
                    agent=InstanceAgent(self, "Agent", hooks=hooks, grantee=self._role),
                    volume_key=encryption.volumes,
                    metadata_hop_limit=checked_hop_limit(options.get("metadata_hop_limit", 1)),
                    keeps_profiles=bool(context_of(self, KEEPS_PROFILES)),
                ),
                fleet=self.fleet_name,
                adapters=adapters,
                reservation=reservation,
                placement_group=placement_group,
            )
            self._group = machine_group.group
            hooks.grant(self, self._role, fleet=self.fleet_name)
            self._spec = GangSpec(
                fleet=self.fleet_name,
                pool=machines.to_planner(
                    group=machine_group.name,
                    drain_seconds=hooks.drain.at_most_seconds,
                    prices=prices_of(self) if spend_limits else None,
                    pays_at_most=bool(spend_limits),
                ),
                spend_limits=tuple(limit.spec for limit in spend_limits),
                bucket=checkpoints.bucket.bucket_name,
                prefix=checkpoints.prefix,
                state_table=self._plane.state.table_name,
                reservation=reservation.to_planner() if reservation else None,
                forming_seconds=seconds("training", "complete_within", complete_within),
            )
            self._plane.add_gang(
                self,
                name=self.fleet_name,
                spec=spec_document(lambda: self._spec),
                spend_limits=spend_limits,
                permissions=may_train(self._spec, machine_group),
            )
        checkpoints.grant_ticks(self._plane.scaler.role)
        self._alarms = define_gang_alarms(
            self,
            fleet=self.fleet_name,
            metric=self.metric,
            topic=options.get("alarm_topic"),
            limited=bool(spend_limits),
        )
        self._plane.tell(options.get("alarm_topic"))
        self.node.add_validation(AtSynth(self, stack, {machines.name: machine_group.name}))
        Tags.of(self).add(FLEET_TAG, self.fleet_name)

    @property
    def group(self) -> autoscaling.AutoScalingGroup:
        """The Auto Scaling group of the machines."""
        return self._group

    @property
    def ticks(self) -> lambda_.Function:
        """The function of its control plane that decides every minute."""
        return self._plane.scaler.function

    @property
    def control_plane(self) -> ControlPlane:
        """What decides for the fleet, and for others."""
        return self._plane

    @property
    def role(self) -> iam.Role:
        """What the machines run as."""
        return self._role

    @property
    def user_data(self) -> ec2.UserData:
        """What the machines run at boot, before the training."""
        return self._user_data

    @property
    def alarms(self) -> Mapping[str, cloudwatch.Alarm]:
        """The alarms: NoTicks, GivenUp, ReservationIdle, FailedCalls; with limits SpendReached."""
        return MappingProxyType(self._alarms)

    @property
    def grant_principal(self) -> iam.IPrincipal:
        """What the machines run as, so that `bucket.grant_read(fleet)` works."""
        return self._role.grant_principal

    @property
    def connections(self) -> ec2.Connections:
        """The network connections of the machines."""
        return ec2.Connections(security_groups=list(self._security_groups))

    @property
    def spec(self) -> GangSpec:
        """The specification that the schedule sends; names may be CDK tokens."""
        return self._spec


def _check_time_to_save(save_seconds: int, reservation: CapacityBlock | OffPeak | None) -> None:
    """Refuse checkpoints that take longer than EC2 leaves a capacity block alone."""
    if not isinstance(reservation, CapacityBlock):
        return
    before = reservation.to_planner().leave_before_end_seconds
    most = before - _EC2_ENDS_SECONDS - _TICK_SECONDS
    if save_seconds > most:
        raise SpecError(
            f"checkpoint_within must be at most {most} seconds, got {save_seconds}: machines "
            f"leave the capacity block {before} seconds before its end, and EC2 ends them from "
            f"{_EC2_ENDS_SECONDS} seconds before it; write checkpoints faster, or leave earlier "
            f"with CapacityBlock.of(..., leave_before_end=...)"
        )
