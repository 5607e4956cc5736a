"""What decides for a gang every minute, and its alarms."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import Duration
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet.alarms import Watch, alarm_of
from peakfleet.control_plane import (
    TICK_MEMORY_MIB,
    TICK_TIMEOUT,
    FleetFunction,
    FunctionContext,
    may_create_fleets,
    may_sweep,
)
from peakfleet.training.checkpoints import Checkpoints
from peakfleet_planner.gang import GangSpec

_MINUTE = Duration.minutes(1)
_PLACES = ("capacity-reservation", "placement-group")


def define_ticks(
    scope: Construct,
    context: FunctionContext,
    *,
    spec: GangSpec,
    group: autoscaling.AutoScalingGroup,
    checkpoints: Checkpoints,
) -> FleetFunction:
    """Define what decides for a gang every minute.

    Args:
        scope: Where to define it.
        context: The fleet.
        spec: The gang.
        group: Its group.
        checkpoints: Where its machines say how they are.
    """
    ticks = FleetFunction(
        scope,
        "Ticks",
        context,
        purpose=f"Decides for the gang {spec.fleet} every minute",
        handler="peakfleet_handlers.gang.handler",
        every=_MINUTE,
        timeout=TICK_TIMEOUT,
        memory_mib=TICK_MEMORY_MIB,
        payload_field="gang",
    )
    context.state.grant(ticks.role, fleet=spec.fleet)
    checkpoints.grant_ticks(ticks.role)
    reserved = spec.reservation
    reads = [
        "autoscaling:DescribeAutoScalingGroups",
        "ec2:DescribeInstances",
        # LaunchInstances looks at its template with the permissions of who calls it.
        "ec2:DescribeLaunchTemplateVersions",
    ]
    reads += ["ec2:DescribeCapacityReservations"] if reserved else []
    reads += ["cloudwatch:GetMetricData"] if reserved and reserved.priority else []
    sizes = [
        "autoscaling:LaunchInstances",
        "autoscaling:SetDesiredCapacity",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
    ]
    for statement in (
        iam.PolicyStatement(actions=reads, resources=["*"]),  # AWS knows no narrower resource
        iam.PolicyStatement(actions=sizes, resources=[group.auto_scaling_group_arn]),
        may_create_fleets([group], also=_PLACES),
        may_sweep([group]),
    ):
        ticks.role.add_to_policy(statement)
    context.encryption.grant_launches(scope, ticks.role)
    return ticks


def define_gang_alarms(
    scope: Construct,
    *,
    fleet: str,
    metric: Callable[[str], cloudwatch.Metric],
    ticks: FleetFunction,
    topic: sns.ITopic | None,
) -> dict[str, cloudwatch.Alarm]:
    """Define the alarms of a gang, by name.

    Args:
        scope: Where to define them.
        fleet: Name of the gang.
        metric: Returns one of its metrics by its name.
        ticks: What decides for it.
        topic: Told when one goes off.
    """
    branch = Construct(scope, "Alarms")
    watches = (
        Watch(
            name="NoTicks",
            metric=metric("Ticks").with_(statistic="Sum"),
            minutes=3,
            threshold=1,
            below=True,
            silence_rings=True,
            description=(
                f"Nobody has decided for the gang {fleet} for 3 minutes. What trains goes on, but "
                f"nobody lets it go before its reservation ends. Look at the function's log group "
                f"and dead-letter queue and at its schedule; until it runs again, set the group's "
                f"desired capacity by hand."
            ),
        ),
        Watch(
            name="GivenUp",
            metric=metric("GangGivenUp"),
            minutes=1,
            description=(
                f"The machines of {fleet} were let go: its program failed three times in a row, "
                f"or some of them never came into service. It is tried again later. Read the "
                f"program's output on the machines (journalctl -u peakfleet-training), or their "
                f"console output if they did not boot."
            ),
        ),
        Watch(
            name="ReservationIdle",
            metric=metric("ReservationIdle"),
            minutes=30,
            description=(
                f"The reservation of {fleet} is active and paid for, but nothing has trained in "
                f"it for 30 minutes. The function's log says why: another type or zone, others "
                f"that use it, or machines that do not come."
            ),
        ),
        Watch(
            name="FailedCalls",
            metric=metric("FailedCalls"),
            minutes=5,
            description=(
                f"AWS has refused calls of the gang {fleet} for 5 minutes. The log names call and "
                f"error; check permissions, throttling and AWS's health."
            ),
        ),
        Watch(
            name="TickErrors",
            metric=ticks.function.metric_errors(period=_MINUTE, statistic="Sum"),
            minutes=3,
            description=(
                f"The ticks of the gang {fleet} have crashed or run out of time for 3 minutes. "
                f"Read the error in the log group; if a deployment brought it, roll that back."
            ),
        ),
        Watch(
            name="DeadLetters",
            metric=ticks.dead_letters.metric_approximate_number_of_messages_visible(
                period=_MINUTE, statistic="Maximum"
            ),
            minutes=1,
            description=(
                f"Ticks of the gang {fleet} could not be delivered or failed. Each message in the "
                f"dead-letter queue names the error. Purge the queue once it is mended; an old "
                f"tick must not be replayed."
            ),
        ),
    )
    return {watch.name: alarm_of(branch, watch, topic) for watch in watches}
